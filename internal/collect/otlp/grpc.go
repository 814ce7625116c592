package otlp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // senders compress with it
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/leewayhq/leeway/internal/access"
)

// GRPCConfig is what the listener of gRPC needs. Zeros are the defaults.
type GRPCConfig struct {
	// Allow decides who may send, by a request with the call's metadata as its
	// headers; an access.Problem says why not. Nil lets everybody in.
	Allow        func(*http.Request) error
	TLS          *tls.Config   // nil is plain text
	MessageBytes int           // of a request, after decompression: 16 MiB
	Connections  int           // at one time; more are closed at once: 256
	Streams      uint32        // calls at one time on a connection: 32
	ReadTimeout  time.Duration // until a request has come: 10 seconds
}

func (c *GRPCConfig) setDefaults(inFlight int64) {
	c.MessageBytes = int(min(int64(cmp.Or(c.MessageBytes, 16<<20)), inFlight))
	c.Connections = cmp.Or(c.Connections, 256)
	c.Streams = cmp.Or(c.Streams, 32)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 10*time.Second)
}

// Server takes OTLP over gRPC. Its calls are handled as streams of one message,
// which look the same on the wire: so a caller is known, and memory is set
// aside, before its message is read.
type Server struct {
	*Receiver
	cfg  GRPCConfig
	grpc *grpc.Server
}

// NewServer makes the server of the three services.
func (r *Receiver) NewServer(cfg GRPCConfig) *Server {
	cfg.setDefaults(r.cfg.Bodies.InFlight)
	const window = 1 << 20 // bytes that a connection may have sent before they are read
	options := []grpc.ServerOption{
		grpc.ForceServerCodec(rawCodec{}), grpc.MaxRecvMsgSize(cfg.MessageBytes), grpc.MaxSendMsgSize(1 << 20),
		grpc.MaxConcurrentStreams(cfg.Streams), grpc.MaxHeaderListSize(16 << 10), grpc.ConnectionTimeout(10 * time.Second),
		grpc.InitialWindowSize(window / 4), grpc.InitialConnWindowSize(window),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 15 * time.Minute, Time: time.Minute, Timeout: 10 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	}
	if cfg.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(cfg.TLS)))
	}
	s := &Server{Receiver: r, cfg: cfg, grpc: grpc.NewServer(options...)}
	for _, sig := range r.signals {
		handle := func(_ any, stream grpc.ServerStream) error { return s.handle(sig, stream) }
		s.grpc.RegisterService(&grpc.ServiceDesc{
			ServiceName: sig.service, HandlerType: (*any)(nil),
			Streams: []grpc.StreamDesc{{StreamName: "Export", Handler: handle}},
		}, s)
	}
	return s
}

// Serve answers until Close.
func (s *Server) Serve(l net.Listener) error {
	return s.grpc.Serve(&boundedListener{Listener: l, metrics: s.metrics, free: make(chan struct{}, s.cfg.Connections)})
}

// Close waits for the calls under way, until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.grpc.Stop)
	defer stop()
	s.grpc.GracefulStop()
	return nil
}

func (s *Server) handle(sig *signal, stream grpc.ServerStream) error {
	body, answer, err := s.call(sig, stream)
	if err == nil {
		s.metrics.request(sig.name, "grpc", http.StatusOK, int64(len(body)))
		return stream.SendMsg(answer)
	}
	if st, ok := status.FromError(err); ok { // of gRPC itself: too large, gone, not readable
		s.metrics.request(sig.name, "grpc", http.StatusBadRequest, 0)
		return st.Err()
	}
	p := s.problem(err, sig)
	s.metrics.request(sig.name, "grpc", p.Status, int64(len(body)))
	return statusOf(&p)
}

func (s *Server) call(sig *signal, stream grpc.ServerStream) (body, answer []byte, err error) {
	ctx := stream.Context()
	if s.cfg.Allow != nil {
		if err := s.cfg.Allow(asHTTP(ctx, sig)); err != nil {
			return nil, nil, err
		}
	}
	mem := s.bodies.Share(ctx)
	defer mem.Release()
	if err := mem.Room(int64(s.cfg.MessageBytes)); err != nil {
		return nil, nil, err
	}
	if body, err = s.read(stream); err != nil {
		return nil, nil, err
	}
	answer, err = s.export(ctx, sig, &request{data: body}, mem)
	return body, answer, err
}

// read waits for the message. When it gives up, the return of the handler ends
// the stream and with it the reading goroutine.
func (s *Server) read(stream grpc.ServerStream) ([]byte, error) {
	type read struct {
		body []byte
		err  error
	}
	done := make(chan read, 1)
	go func() {
		var r read
		r.err = stream.RecvMsg(&r.body)
		done <- r
	}()
	timer := time.NewTimer(s.cfg.ReadTimeout)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.body, r.err
	case <-timer.C:
		return nil, status.Error(codes.DeadlineExceeded, "the request did not arrive in time")
	}
}

// asHTTP is the call as the guard of HTTP requests sees one.
func asHTTP(ctx context.Context, sig *signal) *http.Request {
	r := (&http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/" + sig.service + "/Export"}, Header: http.Header{}}).WithContext(ctx)
	md, _ := metadata.FromIncomingContext(ctx)
	for name, values := range md {
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
	if host := md.Get(":authority"); len(host) > 0 {
		r.Host = host[0]
	}
	if p, ok := peer.FromContext(ctx); ok {
		r.RemoteAddr = p.Addr.String()
	}
	return r
}

func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case http.StatusServiceUnavailable:
		return codes.Unavailable
	case http.StatusRequestTimeout:
		return codes.DeadlineExceeded
	}
	return codes.InvalidArgument
}

// statusOf is a problem as gRPC tells it. Senders try again when the code or a
// RetryInfo says so, as OTLP defines it.
func statusOf(p *access.Problem) error {
	st := status.New(codeOf(p.Status), p.Error())
	if p.RetryAfter > 0 {
		if more, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(p.RetryAfter)}); err == nil {
			st = more
		}
	}
	return st.Err()
}

// rawCodec leaves messages as bytes: they are weighed before they are decoded.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) ([]byte, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no message", v)
	}
	return b, nil
}

func (rawCodec) Unmarshal(data []byte, v any) error {
	to, ok := v.(*[]byte)
	if !ok {
		return errors.New("not a place for a message")
	}
	*to = append([]byte(nil), data...)
	return nil
}

// boundedListener closes connections for which there is no place.
type boundedListener struct {
	net.Listener
	metrics *metrics
	free    chan struct{}
}

func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			l.metrics.connections.Inc()
			return &boundedConn{Conn: c, left: sync.OnceFunc(func() { l.metrics.connections.Dec(); <-l.free })}, nil
		default:
			l.metrics.turnedAway.Inc()
			_ = c.Close() // whoever it was is not waited for
		}
	}
}

type boundedConn struct {
	net.Conn
	left func()
}

func (c *boundedConn) Close() error {
	c.left()
	return c.Conn.Close()
}

package probe

import (
	"context"
	"net"
	"net/url"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// healthCheck asks grpc.health.v1 whether a service is serving.
type healthCheck struct{ dialer }

func (c *healthCheck) check(ctx context.Context, r *Result) error {
	return c.call(ctx, r, func(ctx context.Context, conn *grpc.ClientConn) error {
		res, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: c.spec.Service})
		if err != nil {
			return err
		}
		if s := res.GetStatus(); s != grpc_health_v1.HealthCheckResponse_SERVING {
			return failed(codeStatus, "the health of %q is %s", c.spec.Service, s)
		}
		return nil
	})
}

// call opens a connection of its own, makes one call and translates its error.
func (d *dialer) call(ctx context.Context, r *Result, do func(context.Context, *grpc.ClientConn) error) error {
	traced, p := trace(ctx)
	defer p.into(r)
	u, err := url.Parse(d.spec.Target)
	if err != nil {
		return failed(codeProtocol, "the target is not a URL")
	}
	var way wayOut
	creds := insecure.NewCredentials()
	if u.Scheme == "grpcs" {
		creds = &timedTLS{credentials.NewTLS(d.tls.Clone()), p, &way}
	}
	conn, err := grpc.NewClient("passthrough:///"+u.Host, grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			conn, err := d.dialTraced(ctx, traced, addr)
			way.keep(err)
			return conn, err
		}),
		grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithUserAgent("leeway-probe"),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(int(d.cfg.MaxBody))))
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, h := range d.spec.Headers {
		ctx = metadata.AppendToOutgoingContext(ctx, strings.ToLower(h.Name), h.Value.Reveal())
	}
	return way.explain(do(ctx, conn))
}

// dialTraced dials with the hooks of one context and the end of another: gRPC
// connects under a context of its own.
func (d *dialer) dialTraced(ctx, traced context.Context, addr string) (net.Conn, error) {
	traced, cancel := context.WithCancel(traced)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return d.cfg.Outgoing.DialContext(traced, "tcp", addr)
}

// wayOut keeps why there is no connection, which gRPC gives as text only.
type wayOut struct {
	mu  sync.Mutex
	err error
}

func (w *wayOut) keep(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = err
	}
}

func (w *wayOut) explain(err error) error {
	s, isStatus := status.FromError(err)
	if err == nil || !isStatus {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case s.Code() == codes.Unavailable && w.err != nil:
		return w.err
	case s.Code() == codes.DeadlineExceeded:
		return context.DeadlineExceeded
	case s.Code() == codes.ResourceExhausted && strings.Contains(s.Message(), "larger than max"):
		return failed(codeBody, "%s", s.Message())
	}
	return failed(codeStatus, "the answer is %s: %s", s.Code(), s.Message())
}

// timedTLS times the handshake and keeps what it saw.
type timedTLS struct {
	credentials.TransportCredentials
	phases *phases
	way    *wayOut
}

func (t *timedTLS) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	t.phases.begin("tls")
	secure, info, err := t.TransportCredentials.ClientHandshake(ctx, authority, conn)
	t.phases.end("tls")
	t.way.keep(err)
	if seen, ok := info.(credentials.TLSInfo); ok {
		t.phases.certificates(seen.State)
	}
	return secure, info, err
}

func (t *timedTLS) Clone() credentials.TransportCredentials {
	return &timedTLS{t.TransportCredentials.Clone(), t.phases, t.way}
}

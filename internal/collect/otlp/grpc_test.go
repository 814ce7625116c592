package otlp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/decode"
)

// listen serves a site over gRPC and gives its address.
func (s *site) listen(cfg GRPCConfig) string {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	server, ended := s.NewServer(cfg), make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	s.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := server.Close(ctx); err != nil {
			s.t.Error(err)
		}
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string, creds credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	c, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestGRPCTakesAllSignals(t *testing.T) {
	s := newSite(t, nil)
	c := dial(t, s.listen(GRPCConfig{}), insecure.NewCredentials())
	ctx := limited(t)
	logs, _ := oneLog()
	if _, err := plogotlp.NewGRPCClient(c).Export(ctx, logs); err != nil {
		t.Fatal(err)
	}
	if _, err := pmetricotlp.NewGRPCClient(c).Export(ctx, delta(0, 3), grpc.UseCompressor(gzip.Name)); err != nil {
		t.Fatal(err)
	}
	traces, spans := oneSpan()
	addSpan(spans, 1, "gen_ai.request.model", "m")
	addSpan(spans, 2, "gen_ai.request.model", "m").SetEndTimestamp(at(24 * time.Hour))
	resp, err := ptraceotlp.NewGRPCClient(c).Export(ctx, traces)
	if err != nil || resp.PartialSuccess().RejectedSpans() != 1 {
		t.Fatal(resp.PartialSuccess(), err)
	}
	if s.of("m").Rows != 1 || len(s.series()) != 3 || len(s.batches) != 3 {
		t.Errorf("%d batches, %v", len(s.batches), s.series())
	}
}

func TestGRPCAsksWhoSends(t *testing.T) {
	s := newSite(t, nil)
	allow := func(r *http.Request) error {
		if r.Header.Get("Authorization") != "Bearer lw_right" || r.RemoteAddr == "" || r.Host == "" {
			return access.Problem{Status: 401, Code: "no_token", Detail: "send a token"}
		}
		return nil
	}
	c := plogotlp.NewGRPCClient(dial(t, s.listen(GRPCConfig{Allow: allow}), insecure.NewCredentials()))
	req, _ := oneLog()
	ctx := limited(t)
	if _, err := c.Export(ctx, req); status.Code(err) != codes.Unauthenticated {
		t.Error(err)
	}
	if _, err := c.Export(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer lw_right"), req); err != nil {
		t.Error(err)
	}
	if len(s.batches) != 1 {
		t.Errorf("%d batches", len(s.batches))
	}
}

func TestGRPCTellsWhenToComeBack(t *testing.T) {
	s := newSite(t, nil)
	c := plogotlp.NewGRPCClient(dial(t, s.listen(GRPCConfig{}), insecure.NewCredentials()))
	req, _ := oneLog()
	for class, code := range map[error]codes.Code{decode.ErrFull: codes.Unavailable, decode.ErrTooFast: codes.ResourceExhausted} {
		s.mu.Lock()
		s.refuse = &decode.RetryError{Class: class, After: 7 * time.Second}
		s.mu.Unlock()
		_, err := c.Export(limited(t), req)
		var after time.Duration
		for _, d := range status.Convert(err).Details() {
			if info, ok := d.(*errdetails.RetryInfo); ok {
				after = info.GetRetryDelay().AsDuration()
			}
		}
		if status.Code(err) != code || after != 7*time.Second {
			t.Errorf("%v: after %s: %v", class, after, err)
		}
	}
}

func TestGRPCBombs(t *testing.T) {
	s := newSite(t, nil)
	c := plogotlp.NewGRPCClient(dial(t, s.listen(GRPCConfig{MessageBytes: 1 << 20}), insecure.NewCredentials()))
	req, l := oneLog()
	l.Body().SetStr(strings.Repeat("x", 64<<20))
	if _, err := c.Export(limited(t), req, grpc.UseCompressor(gzip.Name)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("%.200v", err)
	}
	if _, err := c.Export(limited(t), req, grpc.MaxCallSendMsgSize(1<<30)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("%.200v", err)
	}
}

// TestGRPCHalfOpen opens a call and sends nothing.
func TestGRPCHalfOpen(t *testing.T) {
	s := newSite(t, nil)
	c := dial(t, s.listen(GRPCConfig{ReadTimeout: 50 * time.Millisecond}), insecure.NewCredentials())
	stream, err := c.NewStream(limited(t), &grpc.StreamDesc{ClientStreams: true}, "/opentelemetry.proto.collector.logs.v1.LogsService/Export")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(new([]byte)); status.Code(err) != codes.DeadlineExceeded {
		t.Error(err)
	}
	held := s.bodies.Share(limited(t))
	defer held.Release()
	if err := held.Room(s.cfg.Bodies.InFlight); err != nil {
		t.Errorf("memory is still held: %v", err)
	}
}

func TestGRPCConnectionsAreBounded(t *testing.T) {
	s := newSite(t, nil)
	address := s.listen(GRPCConfig{Connections: 1})
	c := plogotlp.NewGRPCClient(dial(t, address, insecure.NewCredentials()))
	req, _ := oneLog()
	if _, err := c.Export(limited(t), req); err != nil {
		t.Fatal(err)
	}
	second, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	_ = second.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(second); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the second connection stays: %v", err)
	}
	if _, err := c.Export(limited(t), req); err != nil {
		t.Error(err)
	}
}

func TestGRPCOverTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	s := newSite(t, nil)
	address := s.listen(GRPCConfig{TLS: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}})
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	req, _ := oneLog()
	creds := credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12})
	if _, err := plogotlp.NewGRPCClient(dial(t, address, creds)).Export(limited(t), req); err != nil {
		t.Error(err)
	}
}

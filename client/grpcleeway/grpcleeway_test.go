package grpcleeway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/leewayhq/leeway/client"
)

// sink keeps the rows that a client sends.
type sink struct {
	mu   sync.Mutex
	rows []map[string]any
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		var row map[string]any
		if json.Unmarshal(lines.Bytes(), &row) == nil {
			s.rows = append(s.rows, row)
		}
	}
	fmt.Fprint(w, `{"accepted":1,"rejected":0}`)
}

func (s *sink) got() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string]any(nil), s.rows...)
}

// model is a service; its answer is named by the request.
type model struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (model) Check(_ context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	switch r.Service {
	case "bad":
		return nil, status.Error(codes.InvalidArgument, "no such thing")
	case "down":
		return nil, status.Error(codes.Unavailable, "away, and this text may tell of a person")
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

func (model) Watch(_ *grpc_health_v1.HealthCheckRequest, s grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	if err := s.Send(&grpc_health_v1.HealthCheckResponse{}); err != nil {
		return err
	}
	return status.Error(codes.Internal, "broke off")
}

func service(t *testing.T, i Interceptor) grpc_health_v1.HealthClient {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.ChainUnaryInterceptor(i.Unary), grpc.ChainStreamInterceptor(i.Stream))
	grpc_health_v1.RegisterHealthServer(s, model{})
	go s.Serve(listener)
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return grpc_health_v1.NewHealthClient(conn)
}

func TestCallsAreRecorded(t *testing.T) {
	to := &sink{}
	web := httptest.NewServer(to)
	defer web.Close()
	c := client.New(web.URL, client.Options{})
	calls := service(t, Interceptor{Client: c, Model: "m", Version: "v2", Describe: func(call Call, p *client.Prediction) bool {
		asked := call.Request.(*grpc_health_v1.HealthCheckRequest).Service
		if asked == "rude" {
			p.ID = "half"
			panic("rude")
		}
		p.ID, p.Prediction = asked, call.Answer.(*grpc_health_v1.HealthCheckResponse).Status.String()
		return asked != "hidden"
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, name := range []string{"r-1", "hidden", "bad", "down", "rude"} {
		_, err := calls.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: name})
		if (err != nil) != (name == "bad" || name == "down") {
			t.Fatalf("%s: %v", name, err)
		}
	}
	stream, err := calls.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Internal {
		t.Fatal(err)
	}
	if err := c.Close(ctx); err != nil {
		t.Fatal(err)
	}
	rows := to.got()
	if len(rows) != 4 {
		t.Fatalf("%v", rows)
	}
	if r := rows[0]; r["id"] != "r-1" || r["prediction"] != "SERVING" || r["version"] != "v2" || r["latency_ms"].(float64) <= 0 {
		t.Errorf("%v", r)
	}
	if rows[1]["error"] != "Unavailable" || rows[3]["error"] != "Internal" {
		t.Errorf("%v %v", rows[1], rows[3])
	}
	if r := rows[2]; r["id"] != nil || r["error"] != nil {
		t.Errorf("%v", r)
	}
}

func TestOtherMethodsAreLeftAlone(t *testing.T) {
	to := &sink{}
	web := httptest.NewServer(to)
	defer web.Close()
	c := client.New(web.URL, client.Options{})
	calls := service(t, Interceptor{Client: c, Model: "m", Methods: []string{"/a.B/Predict"}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := calls.Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(ctx); err != nil || len(to.got()) != 0 {
		t.Error(to.got(), err)
	}
}

func TestAPanicIsRecordedAndGoesOn(t *testing.T) {
	to := &sink{}
	web := httptest.NewServer(to)
	defer web.Close()
	c := client.New(web.URL, client.Options{})
	func() {
		defer func() {
			if recover() != "broken" {
				t.Error("the panic did not go on")
			}
		}()
		_, _ = Interceptor{Client: c, Model: "m"}.Unary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "/a.B/C"},
			func(context.Context, any) (any, error) { panic("broken") })
	}()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := to.got(); len(rows) != 1 || rows[0]["error"] != "panic" {
		t.Error(rows)
	}
}

package app

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcmeta "google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/leewayhq/leeway/internal/access"
)

// TestOpenTelemetryIsWatched sends all three signals, by both transports, and
// finds them again: a model, a series and a line.
func TestOpenTelemetryIsWatched(t *testing.T) {
	o := options(t, t.TempDir())
	o.Config.OTLP.GRPCListen = "127.0.0.1:0"
	s := start(t, o)

	traces := ptrace.NewTraces()
	span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now().Add(-time.Second)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	span.Attributes().PutStr("gen_ai.request.model", "gpt-4o")
	span.Attributes().PutInt("gen_ai.usage.output_tokens", 70)
	body, err := ptraceotlp.NewExportRequestFromTraces(traces).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(s.url+"/v1/traces", "application/x-protobuf", bytes.NewReader(body))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	res.Body.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := grpc.NewClient(s.otlpListener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	logs := plog.NewLogs()
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("a line from afar")
	if _, err := plogotlp.NewGRPCClient(conn).Export(ctx, plogotlp.NewExportRequestFromLogs(logs)); err != nil {
		t.Fatal(err)
	}
	metrics := pmetric.NewMetrics()
	m := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("queue.depth")
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	p.SetIntValue(7)
	if _, err := pmetricotlp.NewGRPCClient(conn).Export(ctx, pmetricotlp.NewExportRequestFromMetrics(metrics)); err != nil {
		t.Fatal(err)
	}

	for path, want := range map[string]string{
		"/api/v1/models/gpt-4o":                      `"tokens_out"`,
		"/api/v1/logs?q=afar":                        "a line from afar",
		"/prometheus/api/v1/query?query=queue_depth": `"7"`,
	} {
		eventually(t, path+" has it", func() bool {
			code, text, err := call("GET", s.url+path, "")
			return err == nil && code == http.StatusOK && strings.Contains(text, want)
		})
	}
}

// TestOTLPNeedsATokenOnceThereIsOne: gRPC asks the same guard.
func TestOTLPNeedsATokenOnceThereIsOne(t *testing.T) {
	dir := t.TempDir()
	o := options(t, dir)
	o.Config.OTLP.GRPCListen = "127.0.0.1:0"
	s := start(t, o)
	secret, _, err := s.tokens.Create("collector", access.Ingest)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := grpc.NewClient(s.otlpListener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client, req := plogotlp.NewGRPCClient(conn), plogotlp.NewExportRequest()
	if _, err := client.Export(ctx, req); status.Code(err) != codes.Unauthenticated {
		t.Error(err)
	}
	if _, err := client.Export(grpcmeta.AppendToOutgoingContext(ctx, "authorization", "Bearer "+secret), req); err != nil {
		t.Error(err)
	}
}

func TestOTLPForOthersNeedsAToken(t *testing.T) {
	o := options(t, t.TempDir())
	o.Config.OTLP.GRPCListen = "0.0.0.0:0"
	a, err := Open(t.Context(), o)
	if err == nil {
		t.Error("it listens for everybody")
		_ = a.Close()
	} else if !strings.Contains(err.Error(), "leeway token create") {
		t.Error(err)
	}
}

// TestCollectorExampleNamesThisServer: every pipeline of the example is made of
// what it declares and ends at a path that is served here.
func TestCollectorExampleNamesThisServer(t *testing.T) {
	text, err := os.ReadFile("../../examples/otel-collector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Receivers, Processors map[string]any
		Exporters             map[string]struct {
			Endpoint    string
			Compression string
			Headers     map[string]string
		}
		Service struct {
			Pipelines map[string]struct{ Receivers, Processors, Exporters []string }
		}
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	for signal, p := range c.Service.Pipelines {
		if !slices.Contains([]string{"logs", "metrics", "traces"}, signal) || len(p.Exporters) == 0 {
			t.Errorf("%s: %v", signal, p)
		}
		for _, name := range p.Receivers {
			if _, ok := c.Receivers[name]; !ok {
				t.Errorf("%s: no receiver %q", signal, name)
			}
		}
		for _, name := range p.Processors {
			if _, ok := c.Processors[name]; !ok {
				t.Errorf("%s: no processor %q", signal, name)
			}
		}
		for _, name := range p.Exporters {
			u, err := url.Parse(c.Exporters[name].Endpoint)
			if err != nil || u.Port() != "7420" || u.Path != "" || c.Exporters[name].Headers["authorization"] == "" {
				t.Errorf("%s: exporter %q: %+v", signal, name, c.Exporters[name])
			}
		}
	}
	if len(c.Service.Pipelines) != 3 {
		t.Errorf("%d pipelines", len(c.Service.Pipelines))
	}
}

package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/agent"
	"github.com/leewayhq/leeway/internal/config"
)

// TestAgentMeasuresForAServer runs a whole agent beside a whole server.
func TestAgentMeasuresForAServer(t *testing.T) {
	s := start(t, options(t, t.TempDir()))
	cfg := config.Default()
	cfg.Host.Interval = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- RunAgent(ctx, AgentOptions{
			Config: cfg, Server: s.url, Host: "gpu-box", Dir: filepath.Join(t.TempDir(), "agent"), Logger: slog.New(slog.DiscardHandler),
		})
	}()
	for _, expr := range []string{`system_memory_usage{host="gpu-box"}`, `system_cpu_usage{host="gpu-box"}`, `leeway_agent_sent_samples_total{host="gpu-box"} > 0`} {
		eventually(t, expr, func() bool { _, ok := s.instant(expr); return ok })
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestAnHourAwayArrivesOnce: readings of an hour wait in the buffer of an agent
// whose server is away; a second agent on the same buffer, as after a kill,
// sends them to the real server, through a connection that loses every third
// answer, so that requests are repeated.
func TestAnHourAwayArrivesOnce(t *testing.T) {
	s := start(t, options(t, t.TempDir()))
	dir := t.TempDir()
	hour := time.Now().Add(-time.Hour).UnixMilli()
	nowhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere.Close()
	a, err := agent.Open(agent.Config{Server: "http://" + nowhere.Addr().String(), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(240) {
		if err := a.Put(t.Context(), []collect.Reading{{Labels: labels.FromStrings("__name__", "system_cpu_usage", "host", "far"), T: hour + i*15_000, Value: float64(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	calls := 0
	lossy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		out, err := http.NewRequestWithContext(r.Context(), r.Method, s.url+r.URL.Path, r.Body)
		if err != nil {
			panic(err)
		}
		out.Header = r.Header
		resp, err := http.DefaultClient.Do(out)
		if err != nil || calls%3 == 0 {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: lossy, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	a, err = agent.Open(agent.Config{Server: "http://" + listener.Addr().String(), Dir: dir, MinRetry: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	count := func() int {
		v, _ := s.instant(`count_over_time(system_cpu_usage{host="far"}[2h])`)
		n, _ := strconv.Atoi(v)
		return n
	}
	eventually(t, "all of the hour", func() bool { return count() >= 240 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if sum, _ := s.instant(`sum_over_time(system_cpu_usage{host="far"}[2h])`); count() != 240 || sum != "28680" {
		t.Errorf("%d readings, sum %s, want 240 and 28680", count(), sum)
	}
}

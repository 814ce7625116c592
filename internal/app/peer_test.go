package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// realPrometheus is the program of LEEWAY_PROMETHEUS, of the path bin/prometheus
// of this repository, or one that is built for LEEWAY_VERIFY.
func realPrometheus(t *testing.T) string {
	t.Helper()
	for _, path := range []string{os.Getenv("LEEWAY_PROMETHEUS"), "../../bin/prometheus"} {
		if path == "" {
			continue
		}
		if abs, err := filepath.Abs(path); err == nil {
			if _, err := os.Stat(abs); err == nil {
				return abs
			}
		}
	}
	if os.Getenv("LEEWAY_VERIFY") == "" {
		t.Skip("verify: a real Prometheus takes minutes to build; LEEWAY_VERIFY=1 builds it, LEEWAY_PROMETHEUS names one")
	}
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Fatal(err)
	}
	// Its own module cannot be installed by name: it replaces others.
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module peer\n\ngo 1.26\n", "peer.go": "package peer\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const program = "github.com/prometheus/prometheus/cmd/prometheus"
	for _, args := range [][]string{
		{"get", program + "@" + strings.TrimSpace(string(version))},
		{"build", "-tags", "remove_all_sd", "-o", "prometheus", program},
	} {
		build := exec.Command("go", args...)
		build.Dir = dir
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return filepath.Join(dir, "prometheus")
}

// TestARealPrometheusFeedsAndScrapes lets a real Prometheus write its own
// metrics to Leeway by 1.0 and by 2.0, and scrape the models from it.
func TestARealPrometheusFeedsAndScrapes(t *testing.T) {
	program := realPrometheus(t)
	s := start(t, options(t, t.TempDir()))
	if _, err := predict(s.url, "m", "a"); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	leeway := s.listener.Addr().String()
	if err := os.WriteFile(file, fmt.Appendf(nil, `
global: {scrape_interval: 500ms, scrape_timeout: 500ms, scrape_native_histograms: true}
scrape_configs:
- {job_name: itself, static_configs: [{targets: [%q]}]}
- {job_name: models, metrics_path: /metrics/models, static_configs: [{targets: [%q]}]}
- {job_name: federated, metrics_path: /federate, params: {"match[]": ["model_predictions"]}, static_configs: [{targets: [%q]}]}
remote_write:
- {url: "http://%s/api/v1/write", name: first, send_native_histograms: true, send_exemplars: true, queue_config: {batch_send_deadline: 200ms}, write_relabel_configs: [{target_label: by, replacement: one}]}
- {url: "http://%s/api/v1/write", name: second, protobuf_message: io.prometheus.write.v2.Request, send_native_histograms: true, queue_config: {batch_send_deadline: 200ms}, write_relabel_configs: [{target_label: by, replacement: two}]}
`, addr, leeway, leeway, leeway, leeway), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = cmd.Wait() }() // the error is that it was killed
	for _, by := range []string{"one", "two"} {
		eventually(t, "samples by version "+by, func() bool { v, _ := s.instant(`up{job="itself",by="` + by + `"}`); return v == "1" })
		eventually(t, "native histograms by version "+by, func() bool {
			_, ok := s.instant(`histogram_count(prometheus_http_request_duration_seconds{handler="/metrics",by="` + by + `"})`)
			return ok
		})
	}
	for _, expr := range []string{`up{job="models"} == 1`, `model_predictions{job="models"}`, `up{job="federated"} == 1`, `model_predictions{job="federated"}`} {
		eventually(t, "a real Prometheus knows "+expr, func() bool { return asked(t, addr, expr) })
	}
	if v, ok := s.instant(`sum(leeway_remote_write_rejected_total)`); ok && v != "0" {
		t.Errorf("%s samples of a real Prometheus were rejected", v)
	}
}

// asked tells whether a Prometheus has an answer.
func asked(t *testing.T, addr, expr string) bool {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + addr + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var answer struct{ Data struct{ Result []any } }
	return json.NewDecoder(resp.Body).Decode(&answer) == nil && len(answer.Data.Result) > 0
}

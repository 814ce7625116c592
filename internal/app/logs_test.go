package app

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/config"
)

// TestLogLinesFromSourceToAnswer: a file and a push end in the archive, in the
// live stream and in a series.
func TestLogLinesFromSourceToAnswer(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "app.log")
	opts := options(t, filepath.Join(dir, "data"))
	opts.Config.Logs.Files = []config.LogFile{{Paths: []string{file}, Service: "billing", Beginning: true}}
	opts.Config.Logs.Metrics = []config.LogMetric{{Name: "failures", Level: "error", Labels: map[string]string{"service": "service"}}}
	s := start(t, opts)
	resp, err := http.Get(s.url + "/api/v1/logs/tail?level=error")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := os.WriteFile(file, []byte(`{"level":"error","msg":"from a file","code":42}`+"\n"+`{"level":"info","msg":"quiet"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	push := fmt.Sprintf(`{"streams":[{"stream":{"app":"web","level":"error"},"values":[["%d","from a push"]]}]}`, time.Now().UnixNano())
	for range 2 { // the second is a sender that got no answer
		if status, text, err := call("POST", s.url+"/loki/api/v1/push", push); status != http.StatusNoContent {
			t.Fatal(status, text, err)
		}
	}
	live := bufio.NewScanner(resp.Body)
	seen := map[string]bool{}
	for len(seen) < 2 && live.Scan() {
		for _, text := range []string{"from a file", "from a push", "quiet"} {
			if strings.Contains(live.Text(), text) {
				seen[text] = true
			}
		}
	}
	if seen["quiet"] || len(seen) != 2 {
		t.Errorf("the live stream told of %v", seen)
	}
	for query, want := range map[string]int{"text=FROM+A": 2, "attr.code=42": 1, "service=billing": 2, "service=web&attr.code=42": 0, "attr.file=" + file: 2} {
		eventually(t, query, func() bool {
			status, text, err := call("GET", s.url+"/api/v1/logs?"+query, "")
			if err != nil || status != http.StatusOK {
				t.Fatal(status, text, err)
			}
			return strings.Count(text, `"service"`) == want
		})
	}
	eventually(t, "the log metric", func() bool {
		_, text, err := call("GET", s.url+"/prometheus/api/v1/query?query=sum(log_failures_total)", "")
		return err == nil && strings.Contains(text, `"2"]`)
	})
}

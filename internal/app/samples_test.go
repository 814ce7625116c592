package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// instant asks for one number; ok is false when there is none, or several.
func (s *server) instant(expr string) (value string, ok bool) {
	s.t.Helper()
	status, text, err := call("GET", s.url+"/prometheus/api/v1/query?query="+url.QueryEscape(expr), "")
	if err != nil || status != http.StatusOK {
		s.t.Fatal(status, text, err)
	}
	var answer struct {
		Data struct {
			Result []struct{ Value []any }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		s.t.Fatal(err, text)
	}
	if len(answer.Data.Result) != 1 {
		return "", false
	}
	value, ok = answer.Data.Result[0].Value[1].(string)
	return value, ok
}

func TestRemoteWriteOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, options(t, dir))
	now := time.Now().UnixMilli()
	body, err := (&prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{
		Labels:  []prompb.Label{{Name: "__name__", Value: "jobs_done"}, {Name: "host", Value: "a"}},
		Samples: []prompb.Sample{{Timestamp: now - 1000, Value: 41}, {Timestamp: now, Value: 42}},
	}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/write", "/prometheus/api/v1/write"} {
		resp, err := http.Post(s.url+path, "application/x-protobuf", bytes.NewReader(snappy.Encode(nil, body)))
		if err != nil || resp.StatusCode != http.StatusNoContent {
			t.Fatal(path, resp, err)
		}
		resp.Body.Close()
	}
	eventually(t, "the sample is seen", func() bool { v, _ := s.instant(`jobs_done{host="a"}`); return v == "42" })
	for path, want := range map[string]string{"/federate?match[]=jobs_done": `jobs_done{host="a"} 42 `, "/metrics/models": "", "/metrics": "leeway_remote_write_accepted_total"} {
		if status, text, err := call("GET", s.url+path, ""); err != nil || status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s (%v)", path, status, text, err)
		}
	}
	s.close()
	s = start(t, options(t, dir))
	if v, _ := s.instant(`sum_over_time(jobs_done[1m])`); v != "83" {
		t.Errorf("after a restart: %q", v)
	}
}

// TestScrapesItself takes the server's own metrics through discovery, scrape,
// queue and series, and changes what is scraped while it runs.
func TestScrapesItself(t *testing.T) {
	dir := t.TempDir()
	s := start(t, load(t, settings(t, dir, "")))
	jobs := func(names ...string) string {
		text := "scrape_configs:\n"
		for _, name := range names {
			text += "  - job_name: " + name + "\n    scrape_interval: 100ms\n    scrape_timeout: 100ms\n    static_configs: [{targets: [\"" + s.listener.Addr().String() + "\"]}]\n"
		}
		return text
	}
	settings(t, dir, jobs("self"))
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server sees itself", func() bool { v, _ := s.instant(`up{job="self"}`); return v == "1" })
	eventually(t, "its samples are counted", func() bool {
		v, ok := s.instant(`leeway_process_rows_total{job="self",result="samples"}`)
		return ok && v != "0"
	})
	status, text, err := call("GET", s.url+"/api/v1/targets", "")
	if err != nil || status != http.StatusOK || !strings.Contains(text, `"health":"up"`) || !strings.Contains(text, `"job":"self"`) {
		t.Error(status, text, err)
	}
	settings(t, dir, jobs("self", "again", "self"))
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "multiple scrape configs") {
		t.Errorf("a job twice: %v", err)
	}
	settings(t, dir, jobs("again"))
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other job is scraped", func() bool { v, _ := s.instant(`up{job="again"}`); return v == "1" })
}

package scrape

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/value"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/event/sample"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

// site is a scraper before a real door. What passes the door is noted, too.
type site struct {
	t *testing.T
	s *Scraper

	mu   sync.Mutex
	last map[string]float64 // by series
	seen map[string]int     // histograms and exemplars of a series
}

func newSite(t *testing.T, change func(*Config)) *site {
	t.Helper()
	log, err := segment.Open(segment.Config{Dir: "queue", Partitions: 2, FS: vfs.NewCrashableMem()})
	if err != nil {
		t.Fatal(err)
	}
	door := collect.New(collect.Config{Log: log})
	x := &site{t: t, last: map[string]float64{}, seen: map[string]int{}}
	cfg := Config{Settle: 20 * time.Millisecond, Put: func(ctx context.Context, b *event.Batch) error {
		x.note(b)
		return door.Put(ctx, b)
	}}
	if change != nil {
		change(&cfg)
	}
	if x.s, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	x.s.Start()
	t.Cleanup(func() {
		if err := x.s.Close(); err != nil {
			t.Error(err)
		}
		door.Close()
		log.Close()
	})
	return x
}

func (x *site) note(b *event.Batch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range b.Rows {
		key, _ := b.Points.Series.At(i)
		ls, err := sample.Labels(key)
		if err != nil {
			x.t.Error(err)
			return
		}
		switch {
		case len(b.Points.Histogram.At(i)) > 0:
			x.seen["histogram "+ls.String()]++
		case len(b.Points.Exemplar.At(i)) > 0:
			x.seen["exemplar "+ls.String()]++
		default:
			x.last[ls.String()] = b.Points.Value.Values[i]
		}
	}
}

func (x *site) value(series string) (float64, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	v, ok := x.last[series]
	return v, ok
}

func (x *site) saw(what string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.seen[what] > 0
}

func (x *site) eventually(what string, done func() bool) {
	x.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			x.mu.Lock()
			defer x.mu.Unlock()
			x.t.Fatalf("never: %s; there is %v %v", what, x.last, x.seen)
		}
	}
}

func (x *site) apply(text string) {
	x.t.Helper()
	set, err := Parse([]byte(text), x.t.TempDir())
	if err == nil {
		err = x.s.Apply(set)
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

// service is a real program's metrics.
func service(t *testing.T) (host string, jobs prometheus.Gauge) {
	t.Helper()
	reg := prometheus.NewRegistry()
	jobs = prometheus.NewGauge(prometheus.GaugeOpts{Name: "jobs"})
	took := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took_seconds", NativeHistogramBucketFactor: 1.1})
	done := prometheus.NewCounter(prometheus.CounterOpts{Name: "done_total"})
	reg.MustRegister(jobs, took, done)
	jobs.Set(7)
	took.Observe(0.2)
	done.(prometheus.ExemplarAdder).AddWithExemplar(1, prometheus.Labels{"trace_id": "x"})
	srv := httptest.NewServer(promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://"), jobs
}

func TestScrapesARealService(t *testing.T) {
	host, _ := service(t)
	x := newSite(t, nil)
	x.apply(`
- job_name: models
  scrape_interval: 50ms
  scrape_timeout: 50ms
  static_configs: [{targets: ["` + host + `"], labels: {team: a}}]
  metric_relabel_configs:
  - {source_labels: [__name__], regex: done_total, target_label: relabelled, replacement: "yes"}
`)
	in := fmt.Sprintf(`instance=%q, job="models", `, host)
	x.eventually("up", func() bool { v, ok := x.value(`{__name__="up", ` + in + `team="a"}`); return ok && v == 1 })
	x.eventually("a gauge", func() bool { v, _ := x.value(`{__name__="jobs", ` + in + `team="a"}`); return v == 7 })
	x.eventually("a native histogram", func() bool { return x.saw(`histogram {__name__="took_seconds", ` + in + `team="a"}`) })
	x.eventually("an exemplar", func() bool { return x.saw(`exemplar {__name__="done_total", ` + in + `relabelled="yes", team="a"}`) })
	x.eventually("a healthy target", func() bool {
		active, _ := x.s.Targets()
		return len(active) == 1 && active[0].Health == "up" && active[0].Interval == "50ms" && active[0].Labels["team"] == "a" && active[0].URL == "http://"+host+"/metrics"
	})

	x.apply("- {job_name: models, scrape_interval: 50ms, scrape_timeout: 50ms, static_configs: [{targets: []}]}\n")
	x.eventually("no target after a reload", func() bool { active, _ := x.s.Targets(); return len(active) == 0 })
	x.eventually("the series are ended", func() bool {
		v, _ := x.value(`{__name__="jobs", ` + in + `team="a"}`)
		return value.IsStaleNaN(v)
	})
}

func TestDiscoversTargets(t *testing.T) {
	host, _ := service(t)
	list := fmt.Sprintf(`[{"targets": [%q, "127.0.0.1:1"], "labels": {"zone": "z"}}]`, host)
	sd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, list)
	}))
	defer sd.Close()
	file := filepath.Join(t.TempDir(), "targets.json")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	x := newSite(t, nil)
	x.apply(`
- job_name: by_file
  scrape_interval: 50ms
  scrape_timeout: 50ms
  file_sd_configs: [{files: ["` + file + `"]}]
  relabel_configs: [{source_labels: [__address__], regex: "127.0.0.1:1", action: drop}]
- job_name: by_http
  scrape_interval: 50ms
  scrape_timeout: 50ms
  http_sd_configs: [{url: "` + sd.URL + `"}]
`)
	for _, job := range []string{"by_file", "by_http"} {
		x.eventually(job, func() bool {
			v, _ := x.value(fmt.Sprintf(`{__name__="jobs", instance=%q, job=%q, zone="z"}`, host, job))
			return v == 7
		})
	}
	x.eventually("a target that is down", func() bool {
		active, dropped := x.s.Targets()
		down := 0
		for _, a := range active {
			if a.Health == "down" && a.Error != "" && a.Job == "by_http" {
				down++
			}
		}
		return len(active) == 3 && down == 1 && dropped["by_file"] == 1
	})
}

func TestLimits(t *testing.T) {
	answers := map[string]string{
		"/many":  strings.Repeat("x", 10),
		"/large": "# " + strings.Repeat("x", 2000) + "\na 1\n",
		"/wide":  `a{l="` + strings.Repeat("x", 3000) + `"} 1` + "\n",
		"/old":   fmt.Sprintf("old 1 %d\nnew 2\n", time.Now().Add(-4*time.Hour).UnixMilli()),
		"/late":  fmt.Sprintf("late 1 %d\nnew 2\n", time.Now().Add(time.Hour).UnixMilli()),
	}
	var many strings.Builder
	for i := range 200 {
		fmt.Fprintf(&many, "m{i=\"%d\"} 1\n", i)
	}
	answers["/many"] = many.String()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, answers[r.URL.Path])
	}))
	defer srv.Close()
	x := newSite(t, nil)
	text := ""
	for path := range answers {
		text += fmt.Sprintf("- {job_name: %s, metrics_path: %s, scrape_interval: 50ms, scrape_timeout: 50ms, sample_limit: 100, body_size_limit: 10KB, static_configs: [{targets: [%q]}]}\n",
			path[1:], path, strings.TrimPrefix(srv.URL, "http://"))
	}
	x.apply(strings.Replace(text, "large, metrics_path: /large, scrape_interval: 50ms, scrape_timeout: 50ms, sample_limit: 100, body_size_limit: 10KB", "large, metrics_path: /large, scrape_interval: 50ms, scrape_timeout: 50ms, body_size_limit: 1KB", 1))
	wrong := map[string]string{"many": "sample limit", "large": "body size limit", "wide": "label_value_length_limit", "old": "", "late": ""}
	x.eventually("every target was scraped and says what is wrong", func() bool {
		active, _ := x.s.Targets()
		right := 0
		for _, a := range active {
			if want := wrong[a.Job]; want == "" && a.Health == "up" || want != "" && a.Health == "down" && strings.Contains(a.Error, want) {
				right++
			}
		}
		return right == len(wrong)
	})
	if testutil.ToFloat64(x.s.metrics.rejected.WithLabelValues("too_old")) == 0 {
		t.Error("no sample was counted as too old")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for series := range x.last {
		if strings.Contains(series, `"old", instance`) || strings.Contains(series, `"late", instance`) || strings.Contains(series, `"m"`) {
			t.Errorf("stored %s", series)
		}
	}
}

func TestWhatTheDoorRefusesIsCounted(t *testing.T) {
	host, _ := service(t)
	x := newSite(t, func(c *Config) {
		c.Put = func(context.Context, *event.Batch) error { return &decode.RetryError{Class: decode.ErrFull} }
	})
	x.apply("- {job_name: a, scrape_interval: 50ms, scrape_timeout: 50ms, static_configs: [{targets: [\"" + host + "\"]}]}\n")
	x.eventually("lost samples are counted", func() bool { return testutil.ToFloat64(x.s.metrics.lost) > 0 })
}

func TestParse(t *testing.T) {
	for _, good := range []string{
		"", "\n\n                []\n", "\n               \n- job_name: a\n",
		"- job_name: a\n  dns_sd_configs: [{names: [x], type: A, port: 1}]\n  docker_sd_configs: [{host: \"unix:///var/run/docker.sock\"}]\n",
		"- job_name: a\n  basic_auth: {username: u, password_file: p}\n  tls_config: {insecure_skip_verify: true}\n",
	} {
		if _, err := Parse([]byte(good), "/etc"); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	s, err := Parse([]byte("- job_name: a\n"), "/etc")
	if err != nil {
		t.Fatal(err)
	}
	if job := s.jobs[0]; time.Duration(job.ScrapeInterval) != 15*time.Second || job.SampleLimit != 50_000 || job.LabelLimit != 64 || job.BodySizeLimit != 50<<20 || !*job.ScrapeNativeHistograms {
		t.Errorf("the defaults are %+v", job)
	}
	for bad, want := range map[string]string{
		"- job_name: a\n- job_name: a\n":                       "multiple scrape configs",
		"\n\n\n               \n- jobname: a\n":                "line 5",
		"- job_name: a\n  scrape_timeout: 1m\n":                "timeout",
		"- job_name: a\n  consul_sd_configs: []\n":             "consul_sd_configs",
		"- job_name: a\n  scrape_failure_log_file: /etc/x\n":   "scrape_failure_log_file",
		"- job_name: a\n  static_configs: [{targets: [1, [}\n": "yaml",
	} {
		if _, err := Parse([]byte(bad), "/etc"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it to say %q", bad, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("\n\n               \n- job_name: a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := Parse(text, "/etc"); err == nil && s == nil {
			t.Fatal("neither settings nor an error")
		}
	})
}

// Package logmetric makes series of log lines: counters, and histograms of a
// value in them. A metric called http_errors is the series log_http_errors_total,
// or log_http_errors_bucket, _sum and _count.
//
// Lines are counted when the archive has them on disk, so each counts once, at
// the second of its arrival. The numbers live in memory: a start begins at
// zero, which PromQL's rate and increase know how to read. Each metric has at
// most MaxSeries sets of labels; lines beyond them are counted and left out.
//
// Observe is for many goroutines; Run's one writes the series.
package logmetric

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/store/archive"
	"github.com/leewayhq/leeway/internal/store/series"
)

// Metric is one metric.
type Metric struct {
	Name string
	Type string // counter or histogram; empty is counter
	// What a line must have. Level is the least one; Pattern is looked for in the
	// message; Match are values of attributes.
	Level, Service, Model string
	Pattern               string
	Match                 map[string]string
	// Labels are attributes by the label's name; level, service, model and the
	// named groups of Pattern count as attributes.
	Labels map[string]string
	// Value is the attribute of a histogram, or what a counter adds; empty adds 1.
	// It is a number, or a duration such as 12ms, in seconds then.
	Value   string
	Buckets []float64 // ascending upper bounds; Prometheus's default
}

// Config is what the package needs. Zeros are the defaults.
type Config struct {
	Metrics    []Metric
	Series     *series.Store
	MaxSeries  int // sets of labels of one metric: 1,000
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

var (
	nameForm  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,99}$`)
	labelForm = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,63}$`)
)

// Validate reports every problem of one metric.
func (m *Metric) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !nameForm.MatchString(m.Name) {
		bad("name: %q is not a name such as http_errors", m.Name)
	}
	if m.Type != "" && m.Type != "counter" && m.Type != "histogram" {
		bad("type: %q is neither counter nor histogram", m.Type)
	}
	if m.Type == "histogram" && m.Value == "" {
		bad("value: a histogram is of a value")
	}
	if _, ok := archive.AtLeast(m.Level); m.Level != "" && !ok {
		bad("level: %q is not a level", m.Level)
	}
	if _, err := regexp.Compile(m.Pattern); err != nil || len(m.Pattern) > 4096 {
		bad("pattern: not a usable expression: %v", err)
	}
	for name := range m.Labels {
		if !labelForm.MatchString(name) || strings.HasPrefix(name, "__") || name == "le" {
			bad("labels: %q is not the name of a label", name)
		}
	}
	if len(m.Labels) > 10 {
		bad("labels: more than 10")
	}
	for i, b := range m.Buckets {
		if math.IsNaN(b) || i > 0 && b <= m.Buckets[i-1] || len(m.Buckets) > 100 {
			bad("buckets: at most 100, ascending")
			break
		}
	}
	return errors.Join(errs...)
}

// Metrics counts lines.
type Metrics struct {
	cfg      Config
	metrics  []*metric
	overflow *prometheus.CounterVec // metric
	bad      *prometheus.CounterVec // metric
}

// metric is one metric at work.
type metric struct {
	Metric
	levels  []string
	pattern *regexp.Regexp
	names   []string // of labels, sorted

	mu  sync.Mutex
	set map[string]*cell
}

// cell is the numbers of one set of labels.
type cell struct {
	labels  labels.Labels
	count   float64
	sum     float64
	buckets []float64 // each for itself; nil for a counter
	changed bool
	out     []*series.Series
}

// New makes the metrics.
func New(cfg Config) (*Metrics, error) {
	if cfg.MaxSeries == 0 {
		cfg.MaxSeries = 1000
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Registerer == nil {
		cfg.Registerer = prometheus.NewRegistry()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	counter := func(name, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"metric"})
		cfg.Registerer.MustRegister(c)
		return c
	}
	out := &Metrics{
		cfg:      cfg,
		overflow: counter("leeway_logs_metric_overflow_total", "Log lines that a metric left out because it has too many sets of labels."),
		bad:      counter("leeway_logs_metric_bad_values_total", "Log lines that a metric left out because their value is no number."),
	}
	for _, m := range cfg.Metrics {
		if err := m.Validate(); err != nil {
			return nil, fmt.Errorf("log metric %q: %w", m.Name, err)
		}
		if m.Type == "histogram" && m.Buckets == nil {
			m.Buckets = prometheus.DefBuckets
		}
		x := &metric{Metric: m, pattern: regexp.MustCompile(m.Pattern), names: slices.Sorted(maps.Keys(m.Labels)), set: map[string]*cell{}}
		if m.Level != "" {
			x.levels, _ = archive.AtLeast(m.Level)
		}
		out.metrics = append(out.metrics, x)
	}
	return out, nil
}

// Observe counts lines: archive.Config.Kept.
func (s *Metrics) Observe(lines []archive.Line) {
	for i := range lines {
		v := view{line: &lines[i]}
		for _, m := range s.metrics {
			s.observe(m, &v)
		}
	}
}

// view reads attributes of a line, which it takes apart once.
type view struct {
	line   *archive.Line
	attrs  map[string]string
	groups map[string]string // of the metric's pattern
}

func (v *view) get(name string) string {
	if s, ok := v.groups[name]; ok {
		return s
	}
	switch name {
	case "level":
		return v.line.Level
	case "service":
		return v.line.Service
	case "model":
		return v.line.Model
	}
	if v.attrs == nil {
		v.attrs = map[string]string{}
		var raw map[string]json.RawMessage
		if json.Unmarshal([]byte(v.line.Attrs), &raw) == nil {
			for k, r := range raw {
				var text string
				if json.Unmarshal(r, &text) != nil {
					text = string(r)
				}
				v.attrs[k] = text
			}
		}
	}
	return v.attrs[name]
}

func (m *metric) wants(v *view) bool {
	l := v.line
	v.groups = nil
	if m.levels != nil && !slices.Contains(m.levels, l.Level) || m.Service != "" && m.Service != l.Service || m.Model != "" && m.Model != l.Model {
		return false
	}
	if m.Pattern != "" {
		found := m.pattern.FindStringSubmatch(l.Message)
		if found == nil {
			return false
		}
		v.groups = map[string]string{}
		for i, name := range m.pattern.SubexpNames() {
			if name != "" {
				v.groups[name] = found[i]
			}
		}
	}
	for name, want := range m.Match {
		if v.get(name) != want {
			return false
		}
	}
	return true
}

// number reads a value.
func number(s string) (float64, bool) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f, !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	d, err := time.ParseDuration(s)
	return d.Seconds(), err == nil
}

const maxLabel = 256 // bytes of a label's value

func (s *Metrics) observe(m *metric, v *view) {
	if !m.wants(v) {
		return
	}
	value, ok := 1.0, true
	if m.Value != "" {
		value, ok = number(v.get(m.Value))
	}
	if !ok || m.Buckets == nil && value < 0 {
		s.bad.WithLabelValues(m.Name).Inc()
		return
	}
	values := make([]string, len(m.names))
	for i, name := range m.names {
		values[i] = strings.ToValidUTF8(v.get(m.Labels[name]), "\ufffd")
		values[i] = strings.ToValidUTF8(values[i][:min(len(values[i]), maxLabel)], "")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := strings.Join(values, "\xff")
	c := m.set[key]
	if c == nil {
		if len(m.set) >= s.cfg.MaxSeries {
			s.overflow.WithLabelValues(m.Name).Inc()
			return
		}
		c = m.newCell(values)
		m.set[key] = c
	}
	c.changed = true
	c.count++
	c.sum += value
	if m.Buckets != nil {
		i, _ := slices.BinarySearch(m.Buckets, value)
		c.buckets[i]++
	}
}

func (m *metric) newCell(values []string) *cell {
	b := labels.NewScratchBuilder(len(values))
	for i, name := range m.names {
		if values[i] != "" {
			b.Add(name, values[i])
		}
	}
	b.Sort()
	c := &cell{labels: b.Labels()}
	if m.Buckets != nil {
		c.buckets = make([]float64, len(m.Buckets)+1)
	}
	return c
}

const (
	pace   = time.Second
	repeat = time.Minute // a series that does not change is written again, or it would end after PromQL's five minutes
)

// Run writes the series that changed each second, and all each minute, until
// ctx ends.
func (s *Metrics) Run(ctx context.Context) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	var all time.Time
	for {
		select {
		case <-ctx.Done():
			s.Write(context.WithoutCancel(ctx), false)
			return
		case now := <-tick.C:
			every := now.Sub(all) >= repeat
			if every {
				all = now
			}
			s.Write(ctx, every)
		}
	}
}

// Write writes the series that changed since the last call, or every one.
func (s *Metrics) Write(ctx context.Context, every bool) {
	now := s.cfg.Now().UnixMilli()
	var samples []series.Sample
	for _, m := range s.metrics {
		samples = s.samples(samples, m, every, now)
	}
	if len(samples) == 0 {
		return
	}
	if err := s.cfg.Series.Append(ctx, samples); err != nil && ctx.Err() == nil {
		s.cfg.Logger.Warn("series of log metrics were not written", "err", err)
	}
}

func (s *Metrics) samples(to []series.Sample, m *metric, every bool, now int64) []series.Sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.set {
		if !c.changed && !every {
			continue
		}
		c.changed = false
		first := c.out == nil
		if first {
			c.out = s.handles(m, c)
		}
		for i, v := range c.values() {
			if first { // from nothing: increase and rate see the first lines, and a restart
				to = append(to, series.Sample{Series: c.out[i], T: now - pace.Milliseconds(), V: 0})
			}
			to = append(to, series.Sample{Series: c.out[i], T: now, V: v})
		}
	}
	return to
}

// values are those of the series of handles, in their order.
func (c *cell) values() []float64 {
	if c.buckets == nil {
		return []float64{c.sum}
	}
	out := make([]float64, 0, len(c.buckets)+2)
	total := 0.0
	for _, n := range c.buckets {
		total += n
		out = append(out, total)
	}
	return append(out, c.sum, c.count)
}

func (s *Metrics) handles(m *metric, c *cell) (out []*series.Series) {
	add := func(suffix, le string) {
		b := labels.NewBuilder(c.labels)
		b.Set(labels.MetricName, "log_"+m.Name+suffix)
		if le != "" {
			b.Set("le", le)
		}
		out = append(out, s.cfg.Series.Series(b.Labels()))
	}
	if m.Buckets == nil {
		add("_total", "")
		return out
	}
	for _, b := range m.Buckets {
		add("_bucket", strconv.FormatFloat(b, 'g', -1, 64))
	}
	add("_bucket", "+Inf")
	add("_sum", "")
	add("_count", "")
	return out
}

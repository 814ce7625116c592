package dashboard

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/prometheus/promql"
)

// hostCache keeps the points of host charts. A series is never rewritten, so a
// step that is over is asked for once.
type hostCache struct {
	mu    sync.Mutex
	lines map[hostLine]map[int64]num
	size  int
}

type hostLine struct {
	expr  string
	width int64
}

// hostAsk is the part of a line that a chart shows.
type hostAsk struct {
	hostLine
	grid
}

// maxHostPoints bounds the cache, about 40 bytes a point; above it everything
// goes, and the next request asks again.
const maxHostPoints = 200_000

func newHostCache() *hostCache { return &hostCache{lines: map[hostLine]map[int64]num{}} }

// hostMetrics are the series of the machine, with what stands for many hosts:
// the one that is worst off, or all together.
var hostMetrics = []struct{ key, fold string }{
	{"cpu_usage", "max"}, {"memory_usage", "max"}, {"disk_usage", "max"}, {"network_in", "sum"}, {"network_out", "sum"},
}

// hostPoints is a metric's mean over each step that begins in [from, to).
func (s *Server) hostPoints(ctx context.Context, key, fold string, g grid) ([]num, error) {
	out := make([]num, g.n)
	expr := fmt.Sprintf("%s(avg_over_time(%s[%s]))", fold, s.metric[key].Series, promDuration(g.width))
	ask := hostAsk{hostLine{expr, g.width}, g}
	now := s.cfg.Now().UnixMilli()
	first := s.host.known(&ask, out)
	last := min(g.n-1, int((now-g.from)/g.width))
	if first > last {
		return out, nil
	}
	// A point at t covers (t-width, t], so a step is asked for at its end.
	m, err := s.cfg.Series.QueryRange(ctx, expr, time.UnixMilli(g.end(first)), time.UnixMilli(g.end(last)), time.Duration(g.width)*time.Millisecond)
	if err != nil {
		return nil, err
	}
	ask.place(out[first:], first, m)
	s.host.keep(&ask, first, out, now)
	return out, nil
}

func promDuration(ms int64) string { return fmt.Sprintf("%dms", ms) }

// known fills what is in memory and gives the first place that is not.
func (h *hostCache) known(a *hostAsk, out []num) (first int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept, first := h.lines[a.hostLine], a.n
	for i := range out {
		v, ok := kept[a.at(i)]
		if !ok {
			v, first = none, min(first, i)
		}
		out[i] = v
	}
	return first
}

// place puts the points of an answer where they belong; out begins at the
// place first.
func (a *hostAsk) place(out []num, first int, m promql.Matrix) {
	for i := range out {
		out[i] = none
	}
	if len(m) == 0 {
		return
	}
	for _, p := range m[0].Floats {
		if i := int((p.T-a.from)/a.grid.width) - 1 - first; i >= 0 && i < len(out) {
			out[i] = num(p.F)
		}
	}
}

// keep remembers the points from the place first on whose time is over.
func (h *hostCache) keep(a *hostAsk, first int, out []num, now int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.size > maxHostPoints {
		h.lines, h.size = map[hostLine]map[int64]num{}, 0
	}
	kept := h.lines[a.hostLine]
	if kept == nil {
		kept = map[int64]num{}
		h.lines[a.hostLine] = kept
	}
	// The newest samples may come a little late.
	for i := first; i < a.n && a.end(i) < now-minuteMS; i++ {
		if _, ok := kept[a.at(i)]; !ok {
			h.size++
		}
		kept[a.at(i)] = out[i]
	}
}

// latestVitals is what the machine and the model say of themselves now.
func (s *Server) latestVitals(ctx context.Context, name string, at time.Time) (map[string]num, error) {
	out := map[string]num{}
	for fold, expr := range map[string]string{
		"max": `max by (__name__) ({__name__=~"system_(cpu_usage|memory_usage|disk_usage)"})`,
		"sum": `sum by (__name__) ({__name__=~"system_(network_in|network_out)"})`,
	} {
		v, err := s.cfg.Series.Query(ctx, expr, at)
		if err != nil {
			return nil, fmt.Errorf("%s of the hosts: %w", fold, err)
		}
		for i := range v {
			out[v[i].Metric.Get("__name__")] = num(v[i].F)
		}
	}
	expr := fmt.Sprintf(`{__name__=~"model_(response_time|throughput|error_rate)",model=%q,segment=""}`, name)
	v, err := s.cfg.Series.Query(ctx, expr, at)
	if err != nil {
		return nil, err
	}
	for series, value := range byModel(v)[name] {
		out[series] = value
	}
	return out, nil
}

// grid is the steps of a chart.
type grid struct {
	from, width int64
	n           int
}

func (g grid) at(i int) int64  { return g.from + int64(i)*g.width }
func (g grid) end(i int) int64 { return g.at(i + 1) }

func (g grid) times() []int64 {
	out := make([]int64, g.n)
	for i := range out {
		out[i] = g.at(i)
	}
	return out
}

func gridOf(from, to, width int64) grid {
	from = floorTo(from, width)
	return grid{from: from, width: width, n: int((to - from + width - 1) / width)}
}

package dashboard

import (
	"time"

	"github.com/leewayhq/leeway/internal/profile"
)

type systemPart struct {
	Time   []int64       `json:"time"`
	Charts []systemChart `json:"charts"`
}

type systemChart struct {
	Key    string        `json:"key"`
	Series []chartSeries `json:"series"`
}

// vitals are the tiles of the service and its machine, and their charts. A
// tile shows what is published now, where the range ends now; else the figure
// of the whole range.
func (v *view) vitals() ([]tile, systemPart, error) {
	latest := map[string]num{}
	if v.live {
		var err error
		if latest, err = v.s.latestVitals(v.ctx, v.m.Name, time.UnixMilli(v.now)); err != nil {
			return nil, systemPart{}, err
		}
	}
	var tiles []tile
	values := map[string][]num{}
	for _, key := range []string{"response_time", "throughput", "error_rate"} {
		values[key] = v.serviceValues(v.fine, key)
		tiles = append(tiles, v.serviceTile(key, latest, values[key]))
	}
	for _, h := range hostMetrics {
		points, err := v.s.hostPoints(v.ctx, h.key, h.fold, v.grid)
		if err != nil {
			return nil, systemPart{}, err
		}
		values[h.key] = points
		t, err := v.hostTile(h.key, h.fold, latest, points)
		if err != nil {
			return nil, systemPart{}, err
		}
		tiles = append(tiles, t)
	}
	return tiles, v.system(values), nil
}

func (v *view) serviceTile(key string, latest map[string]num, values []num) tile {
	first, last := v.grid.from, v.grid.end(v.grid.n-1)
	value := v.service(key, v.total, first, last)
	if now, ok := latest[v.s.metric[key].Series]; ok {
		value = now
	}
	n := int64(0)
	if v.total != nil {
		n = v.total.Predictions
	}
	t := v.tile(key, measured(value, n))
	t.Spark = values
	if v.shift > 0 {
		t.SparkCompare = v.serviceValues(v.before, key)
		t.Change = value - v.service(key, v.past, first-v.shift, last-v.shift)
	}
	return t
}

func (v *view) hostTile(key, fold string, latest map[string]num, values []num) (tile, error) {
	value := lastOf(values)
	if now, ok := latest[v.s.metric[key].Series]; ok {
		value = now
	}
	t := v.tile(key, measured(value, 0))
	t.N, t.Spark = nil, values
	if !value.ok() {
		t.Reason = &reason{"never_reported", map[string]any{}}
	}
	if v.shift == 0 {
		return t, nil
	}
	g := v.grid
	g.from -= v.shift
	before, err := v.s.hostPoints(v.ctx, key, fold, g)
	if err != nil {
		return t, err
	}
	t.SparkCompare, t.Change = before, value-meanOf(before)
	return t, nil
}

// system arranges the charts of the section; values are by key.
func (v *view) system(values map[string][]num) systemPart {
	part := systemPart{Time: v.grid.times()}
	one := func(key, axis string) chartSeries {
		m := v.s.metric[key]
		return chartSeries{Key: key, Title: words(m.Title), Unit: string(m.Unit), Values: values[key], Axis: axis}
	}
	quantiles := systemChart{Key: "response_time"}
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}} {
		quantiles.Series = append(quantiles.Series, chartSeries{
			Key: q.name, Title: words{q.name, q.name}, Unit: "ms", Values: v.each(func(p *profile.Profile) num { return latencyOf(p, q.q) }), Axis: "left",
		})
	}
	part.Charts = []systemChart{
		quantiles,
		{"throughput", []chartSeries{one("throughput", "left"), one("error_rate", "right")}},
		{"compute", []chartSeries{one("cpu_usage", "left"), one("memory_usage", "left")}},
		{"network", []chartSeries{one("network_in", "left"), one("network_out", "left"), one("disk_usage", "right")}},
	}
	return part
}

// each is a number of every bucket; of an empty one, none.
func (v *view) each(of func(*profile.Profile) num) []num {
	out := make([]num, len(v.fine))
	for i, b := range v.fine {
		out[i] = none
		if b.p != nil {
			out[i] = of(b.p)
		}
	}
	return out
}

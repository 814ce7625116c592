package probe

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/event/sample"
)

// series is one number of a result. Names are those of blackbox_exporter where
// it has one.
type series struct {
	name, phase string
	v           float64
}

// samples are the numbers of the last result.
func (r *running) samples() []series {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.last
	if last == nil {
		return nil
	}
	out := []series{
		{"probe_success", "", truth(last.Success)},
		{"probe_duration_seconds", "", last.Seconds},
		{"probe_failures", "", float64(r.failures)},
	}
	for _, phase := range slices.Sorted(maps.Keys(last.Phases)) {
		out = append(out, series{"probe_phase_duration_seconds", phase, last.Phases[phase]})
	}
	if last.Correct != nil {
		out = append(out, series{"probe_correct", "", truth(*last.Correct)})
	}
	if r.spec.Expect.answers() {
		out = append(out, series{"probe_wrong_answers", "", float64(r.wrong)})
	}
	if last.Status != 0 {
		out = append(out, series{"probe_http_status_code", "", float64(last.Status)})
	}
	if r.expiry != 0 {
		at := float64(r.expiry) / 1000
		out = append(out, series{"probe_ssl_earliest_cert_expiry", "", at},
			series{"probe_tls_expiry_seconds", "", at - float64(time.Now().UnixMilli())/1000})
	}
	return out
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// batch carries the numbers, and the end of series that have none any more: a
// failed check has no answer, and the last one's must not stand for it.
func (r *running) batch(list []series, now time.Time) (*event.Batch, int) {
	var b sample.Builder
	before := r.published
	r.published = make(map[string]labels.Labels, len(list))
	for _, s := range list {
		key := s.name + "/" + s.phase
		ls, known := before[key]
		if !known {
			ls = r.labels(s)
		}
		r.published[key] = ls
		delete(before, key)
		b.Float(ls, now.UnixMilli(), s.v)
	}
	for _, ls := range before {
		b.Float(ls, now.UnixMilli(), math.Float64frombits(value.StaleNaN))
	}
	rows := b.Rows()
	return b.Batch(), rows
}

func (r *running) labels(s series) labels.Labels {
	set := map[string]string{"__name__": s.name, "probe": r.spec.Name, "target": r.spec.label()}
	if r.spec.Model != "" {
		set["model"] = r.spec.Model
	}
	if s.phase != "" {
		set["phase"] = s.phase
	}
	return labels.FromMap(set)
}

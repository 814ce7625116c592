package report

import (
	"math"
	"time"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// span is a period of time.
type span struct{ from, to time.Time }

// maxPeriods is how many a report shows when it chooses their length itself.
const maxPeriods = 40

// mostPeriods bounds those of a length that was asked for.
const mostPeriods = 400

// cutPeriods divides the time of the current file.
func (m *maker) cutPeriods() {
	from, to := m.cur.about.From, m.cur.about.To
	if from == nil || m.o.Period == "none" || m.cur.about.Used == 0 {
		return
	}
	for _, length := range []string{"hour", "day", "week", "month", "quarter", "year"} {
		if m.o.Period != "" && length != m.o.Period {
			continue
		}
		spans, ok := cut(from.In(m.o.Zone), to.In(m.o.Zone), length, m.o.Period != "")
		if !ok && m.o.Period != "" {
			m.warn("more than %d periods: the time is not divided; choose a longer --period", mostPeriods)
			return
		}
		if ok || length == "year" {
			m.spans, m.out.Judged.Period = spans, length
			break
		}
	}
	if len(m.spans) < 2 && m.o.Period == "" {
		m.spans, m.out.Judged.Period = nil, ""
		return
	}
	m.periodOf = make([]int32, m.cur.roles.Rows)
	last := 0
	for i, at := range m.cur.roles.Time {
		m.periodOf[i] = -1
		if at == noTime {
			continue
		}
		t := time.UnixMilli(at)
		if t.Before(m.spans[last].from) || !t.Before(m.spans[last].to) {
			last = m.find(t)
		}
		m.periodOf[i] = int32(last)
	}
	for _, s := range m.spans {
		m.out.Periods = append(m.out.Periods, Period{From: s.from, To: s.to})
	}
	for _, p := range m.periodOf {
		if p >= 0 {
			m.out.Periods[p].Rows++
		}
	}
}

func (m *maker) find(t time.Time) int {
	lo, hi := 0, len(m.spans)
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		if t.Before(m.spans[mid].from) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return lo
}

// cut gives the periods from the one of a to that of b; ok is false when they
// are too many.
func cut(a, b time.Time, length string, asked bool) (out []span, ok bool) {
	most := maxPeriods
	if asked {
		most = mostPeriods
	}
	for at := beginning(a, length); !at.After(b); {
		if len(out) == most {
			return out, false
		}
		next := following(at, length)
		out = append(out, span{at, next})
		at = next
	}
	return out, true
}

// beginning is the start of the period that a time is in. Weeks begin on Monday.
func beginning(t time.Time, length string) time.Time {
	y, mo, d := t.Date()
	switch length {
	case "hour":
		return time.Date(y, mo, d, t.Hour(), 0, 0, 0, t.Location())
	case "week":
		return time.Date(y, mo, d-(int(t.Weekday())+6)%7, 0, 0, 0, 0, t.Location())
	case "month":
		return time.Date(y, mo, 1, 0, 0, 0, 0, t.Location())
	case "quarter":
		return time.Date(y, (mo-1)/3*3+1, 1, 0, 0, 0, 0, t.Location())
	case "year":
		return time.Date(y, 1, 1, 0, 0, 0, 0, t.Location())
	}
	return time.Date(y, mo, d, 0, 0, 0, 0, t.Location())
}

func following(t time.Time, length string) time.Time {
	switch length {
	case "hour":
		return t.Add(time.Hour)
	case "week":
		return t.AddDate(0, 0, 7)
	case "month":
		return t.AddDate(0, 1, 0)
	case "quarter":
		return t.AddDate(0, 3, 0)
	case "year":
		return t.AddDate(1, 0, 0)
	}
	return t.AddDate(0, 0, 1)
}

// manyValues is the size of a reference above which its values are put on the
// grid of the server for the periods, so that each costs its own rows only. The
// whole is always compared by values.
const manyValues = profile.MergeExact

// periods compares each period of one feature with the reference.
func (w *worker) periods(c *compared, name string, ref *profile.Feature, usual float64) {
	n := len(w.m.spans)
	values := w.bySpan()
	grid := len(w.refGot.values) > manyValues
	var centres []float64
	if grid {
		centres = profile.ChooseCentres(thin(w.refGot.values, 1000))
		ref = &profile.Feature{Rows: ref.Rows, Num: ref.Num.OnGrid(centres...), Cat: ref.Cat}
	}
	o := w.m.o.Drift
	comparer := measure.NewComparer(o, nil)
	o.Method = measure.MethodPSI
	standIn := measure.NewComparer(o, nil)
	c.periods, c.missing = make([]measure.Comparison, n), make([]float64, n)
	for p := range n {
		w.scratch.sort(values[p])
		rows := w.m.out.Periods[p].Rows
		part := gathered{rows: rows, values: values[p], counts: w.curGot.byPeriod[p], hasText: w.curGot.hasText}
		f := part.summary()
		if grid && f.Num != nil {
			f.Num = f.Num.OnGrid(centres...)
		}
		c.missing[p] = math.NaN()
		if rows > 0 {
			c.missing[p] = float64(f.Missing()) / float64(rows)
		}
		c.periods[p] = comparer.Feature(name, f, ref, usual)
		if !c.periods[p].Applies() {
			c.periods[p] = standIn.Feature(name, f, ref, math.NaN())
		}
	}
}

// bySpan sorts the current values into their periods.
func (w *worker) bySpan() [][]float64 {
	if w.split == nil {
		w.split = make([][]float64, len(w.m.spans))
	}
	for i := range w.split {
		w.split[i] = w.split[i][:0]
	}
	for i, v := range w.curGot.values {
		if p := w.m.periodOf[w.curGot.at[i]]; p >= 0 {
			w.split[p] = append(w.split[p], v)
		}
	}
	return w.split
}

// thin takes about n of ascending values, evenly by rank.
func thin(values []float64, n int) []float64 {
	if len(values) <= n {
		return values
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = values[i*len(values)/n]
	}
	return out
}

// settlePeriods gives each period its own verdict over all columns.
func (m *maker) settlePeriods(list []compared) {
	for p := range m.out.Periods {
		var heard []measure.Comparison
		var of []*Column
		worst := math.NaN()
		for i := range list {
			if list[i].periods == nil {
				continue
			}
			heard, of = append(heard, list[i].periods[p]), append(of, &list[i].column)
			if v := list[i].missing[p]; !(v <= worst) {
				worst = v
			}
		}
		out := &m.out.Periods[p]
		out.MissingRate = number(worst)
		drifts := measure.Verdicts(heard, m.o.Drift)
		for i := range drifts {
			of[i].Periods = append(of[i].Periods, number(drifts[i].Value))
			if drifts[i].Drifted {
				out.Drifted++
			}
		}
		if share := measure.DriftShare(drifts); share.Defined {
			out.DataDrift = number(share.Value)
		}
	}
}

// refChunks is how many parts of equal size the reference is cut into, in the
// order of its rows, to learn what is usual (NannyML's own default).
const refChunks = 10

// cutReference summarises the chunks of a feature of the reference.
func (w *worker) cutReference() []*profile.Feature {
	values := make([][]float64, refChunks)
	for i, v := range w.refGot.values {
		c := w.m.chunkOf[w.refGot.at[i]]
		values[c] = append(values[c], v)
	}
	out := make([]*profile.Feature, refChunks)
	for i := range out {
		w.scratch.sort(values[i])
		part := gathered{rows: int64(len(values[i])), values: values[i], counts: w.refGot.byPeriod[i], hasText: w.refGot.hasText}
		out[i] = part.summary()
	}
	return out
}

// usual is the feature's limit by NannyML's preset; NaN with another.
func (w *worker) usual(name string, ref *profile.Feature) float64 {
	if w.chunks == nil {
		return math.NaN()
	}
	one := func(f *profile.Feature) *profile.Profile {
		return &profile.Profile{Features: map[string]*profile.Feature{name: f}}
	}
	var chunks []*profile.Profile
	for _, f := range w.chunks {
		chunks = append(chunks, one(f))
	}
	if v, ok := measure.UsualDrift(chunks, one(ref), w.m.o.Drift.Method).Features[name]; ok {
		return v
	}
	return math.NaN()
}

// cutChunks gives each row of the reference its chunk, where that is needed.
func (m *maker) cutChunks() {
	if m.o.Drift.Preset != measure.PresetNannyML {
		return
	}
	m.chunkOf = make([]int32, m.ref.about.Used)
	for i := range m.chunkOf {
		m.chunkOf[i] = int32(i * refChunks / len(m.chunkOf))
	}
}

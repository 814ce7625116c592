package report

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// compared is one feature after its values are gone.
type compared struct {
	column  Column
	drift   measure.FeatureDrift
	periods []measure.FeatureDrift // nil entries are columns without a number
	missing []float64              // rate, by period
}

// compareFeatures reads the features side by side, the columns of one at a
// time in each worker.
func (m *maker) compareFeatures(ctx context.Context) error {
	names := slices.Clone(m.ref.features)
	for _, n := range m.cur.features {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	results := make([]compared, len(names))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range min(m.o.Workers, max(1, len(names))) {
		wg.Go(func() {
			w, err := m.newWorker()
			if err != nil {
				cancel(err)
				return
			}
			defer w.close()
			for i := range next {
				if results[i], err = w.compare(names[i]); err != nil {
					cancel(fmt.Errorf("column %s: %w", names[i], err))
					return
				}
				mu.Lock()
				done++
				m.bar.Step(float64(done)/float64(len(names)), fmt.Sprintf("%d of %d columns", done, len(names)))
				mu.Unlock()
			}
		})
	}
feed:
	for i := range names {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	m.settle(results)
	return nil
}

// worker compares one feature after the other.
type worker struct {
	m              *maker
	ref, cur       reader
	refGot, curGot gathered
	scratch        scratch
	split          [][]float64
}

func (m *maker) newWorker() (*worker, error) {
	ref, err := m.ref.source.reader()
	if err != nil {
		return nil, err
	}
	cur, err := m.cur.source.reader()
	if err != nil {
		ref.close()
		return nil, err
	}
	return &worker{m: m, ref: ref, cur: cur}, nil
}

func (w *worker) close() {
	w.ref.close()
	w.cur.close()
}

func (w *worker) compare(name string) (compared, error) {
	m := w.m
	w.refGot.reset()
	w.curGot.reset()
	absent := ""
	if slices.Contains(m.ref.features, name) {
		if err := w.refGot.take(w.ref, name, nil, 0); err != nil {
			return compared{}, err
		}
	} else {
		absent = "reference"
	}
	if slices.Contains(m.cur.features, name) {
		if err := w.curGot.take(w.cur, name, m.periodOf, len(m.spans)); err != nil {
			return compared{}, err
		}
	} else {
		absent = "current"
	}
	var c compared
	if absent == "" && m.spans != nil {
		w.periods(name, &c) // while the current values stand by row
	}
	ref, cur := w.refGot.feature(&w.scratch), w.curGot.feature(&w.scratch)
	c.column = Column{Name: name, Absent: absent, Method: m.o.Drift.Method, Grade: measure.Insufficient}
	c.describe(ref, cur, absent)
	if absent == "" {
		c.judge(name, cur, ref, m.o.Drift)
	}
	c.draw(ref, cur)
	return c, nil
}

// describe is the quality of the data on both sides.
func (c *compared) describe(ref, cur *profile.Feature, absent string) {
	one := func(f, base *profile.Feature) *measure.FeatureQuality {
		p := &profile.Profile{Features: map[string]*profile.Feature{"": f}}
		var b *profile.Profile
		if base != nil {
			b = &profile.Profile{Features: map[string]*profile.Feature{"": base}}
		}
		return &measure.DataQuality(p, b)[0]
	}
	if absent != "reference" {
		q := one(ref, nil)
		c.column.Kind, c.column.Reference = q.Kind, stateOf(q)
	}
	if absent != "current" {
		base := ref
		if absent == "reference" {
			base = nil
		}
		q := one(cur, base)
		c.column.Kind, c.column.Current = q.Kind, stateOf(q)
	}
}

func stateOf(q *measure.FeatureQuality) *State {
	s := &State{
		Rows: q.Rows, Missing: q.Missing, MissingRate: q.MissingRate, NaN: q.NaN, Infinite: q.Infinite,
		TypeErrors: q.TypeErrors, Outliers: q.Outliers, OutlierRate: q.OutlierRate, OutOfRange: q.OutOfRange, Unseen: q.Unseen,
	}
	if n := q.Number; n != nil && q.Kind == measure.KindNumeric {
		s.Mean, s.SD, s.Min, s.Max = number(n.Mean), n.SD, number(n.Min), number(n.Max)
		for _, p := range n.Quantiles {
			s.Quantiles = append(s.Quantiles, [2]float64{p.Q, p.Value})
		}
	}
	if q.Category != nil && q.Kind == measure.KindCategorical {
		s.Distinct = q.Category.Distinct
	}
	return s
}

// judge measures the column by each method that applies; the verdict over all
// columns comes later.
func (c *compared) judge(name string, cur, ref *profile.Feature, o measure.DriftOptions) {
	now := &profile.Profile{Features: map[string]*profile.Feature{name: cur}}
	base := &profile.Profile{Features: map[string]*profile.Feature{name: ref}}
	for _, method := range measure.Methods() {
		with := o
		with.Method = method
		list := measure.Drift(now, base, with)
		if len(list) == 0 {
			continue // it does not apply
		}
		d := list[0]
		c.column.Methods = append(c.column.Methods, Method{Name: method, Value: number(d.Value), P: ownP(&d)})
		if c.drift.Name == "" || method == o.Method {
			c.drift = d
		}
	}
}

// ownP is the p-value where the method has one of its own.
func ownP(d *measure.FeatureDrift) *float64 {
	if d.Method == measure.MethodKS || d.Method == measure.MethodChiSquare {
		return d.PValue
	}
	return nil
}

// settle gives the verdict over all columns and puts the worst first.
func (m *maker) settle(list []compared) {
	drifts := make([]measure.FeatureDrift, len(list))
	for i := range list {
		drifts[i] = list[i].drift
	}
	verdicts(drifts, m.o.Drift.Q)
	for i := range list {
		list[i].column.setDrift(&drifts[i])
	}
	m.settlePeriods(list)
	for i := range list {
		m.out.Features = append(m.out.Features, list[i].column)
	}
	slices.SortStableFunc(m.out.Features, worse)
}

func (c *Column) setDrift(d *measure.FeatureDrift) {
	if d.Grade == "" {
		return // there was nothing to compare
	}
	c.Grade, c.Drifted, c.Method = d.Grade, d.Drifted, d.Method
	c.Value, c.P = number(d.Value), d.PValue
	c.Unseen, c.UnseenSignificant = d.Unseen, d.UnseenSignificant
}

// verdicts takes back what is not significant any more when all columns of a
// window are judged together.
func verdicts(list []measure.FeatureDrift, q float64) {
	ps := make([]float64, len(list))
	for i := range list {
		ps[i] = math.NaN()
		if d := &list[i]; d.PValue != nil && d.Grade != measure.Insufficient && d.Grade != "" {
			ps[i] = *d.PValue
		}
	}
	for i, significant := range measure.BenjaminiHochberg(ps, q) {
		if d := &list[i]; !significant && (d.Grade == measure.Drifted || d.Grade == measure.Shifted) {
			d.Grade, d.Drifted = measure.Stable, false
		}
	}
}

var gradeOrder = map[string]int{measure.Drifted: 0, measure.Shifted: 1, measure.Stable: 2, measure.Insufficient: 3}

// worse orders columns: by grade, then by effect, then by name.
func worse(a, b Column) int {
	return cmp.Or(
		cmp.Compare(gradeOrder[a.Grade], gradeOrder[b.Grade]),
		cmp.Compare(effect(&b), effect(&a)),
		cmp.Compare(a.Name, b.Name),
	)
}

func effect(c *Column) float64 {
	if c.Value == nil {
		return -1
	}
	return *c.Value
}

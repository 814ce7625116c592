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
	drift   measure.Comparison
	heard   bool // there were both sides
	periods []measure.Comparison
	missing []float64 // rate, by period
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
				m.step(float64(done)/float64(len(names)), fmt.Sprintf("%d of %d columns", done, len(names)))
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
	chunks         []*profile.Feature // of the reference, for NannyML's preset
	// comparer judges; standIn is for columns to which its method does not apply.
	comparer, standIn *measure.Comparer
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
	w := &worker{m: m, ref: ref, cur: cur}
	o := m.o.Drift
	w.comparer = measure.NewComparer(o, m.methods)
	o.Method = measure.MethodPSI
	w.standIn = measure.NewComparer(o, m.methods)
	return w, nil
}

func (w *worker) close() {
	w.ref.close()
	w.cur.close()
}

func (w *worker) compare(name string) (compared, error) {
	m := w.m
	w.refGot.reset()
	w.curGot.reset()
	w.chunks = nil
	absent := ""
	if slices.Contains(m.ref.features, name) {
		if err := w.refGot.take(w.ref, name, m.chunkOf, refChunks); err != nil {
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
	if absent == "" && m.o.Drift.Preset == measure.PresetNannyML {
		w.chunks = w.cutReference() // while its values stand by row
	}
	ref := w.refGot.feature(&w.scratch)
	usual := w.usual(name, ref)
	if absent == "" && m.spans != nil {
		w.periods(&c, name, ref, usual) // while the current values stand by row
	}
	cur := w.curGot.feature(&w.scratch)
	c.column = Column{Name: name, Absent: absent, Grade: measure.Insufficient}
	c.describe(ref, cur, absent)
	if absent == "" {
		w.judge(&c, cur, ref, usual)
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
		s.Mean, s.Min, s.Max = number(n.Mean), number(n.Min), number(n.Max)
		if n.SD != nil {
			s.SD = number(*n.SD)
		}
		for _, p := range n.Quantiles {
			s.Quantiles = append(s.Quantiles, [2]float64{p.Q, p.Value})
		}
	}
	s.Distinct, s.Constant, s.AlmostConstant = q.Variety.Distinct, q.Variety.Constant, q.Variety.AlmostConstant
	return s
}

// listed are the methods that a report tells besides the one that judges.
func listed(o *Options) []string {
	list := []string{measure.MethodPSI, measure.MethodKS, measure.MethodChiSquare, measure.MethodJS, measure.MethodWasserstein}
	list = append(list, o.Also...)
	for _, c := range o.Conditions {
		if c.feature != "" {
			list = append(list, c.key)
		}
	}
	if o.Drift.Method != "" {
		list = append(list, o.Drift.Method)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// judge measures the column by each method that applies; the verdict over all
// columns comes later.
func (w *worker) judge(c *compared, cur, ref *profile.Feature, usual float64) {
	c.drift = w.comparer.Feature(c.column.Name, cur, ref, usual)
	if !c.drift.Applies() {
		c.drift = w.standIn.Feature(c.column.Name, cur, ref, math.NaN())
	}
	c.heard = true
	for _, a := range c.drift.Also {
		c.column.Methods = append(c.column.Methods, Method{Name: a.Method, Value: number(a.Value), P: number(a.P), Reason: a.Reason})
	}
}

// settle gives the verdict over all columns and puts the worst first.
func (m *maker) settle(list []compared) {
	var heard []measure.Comparison
	var of []*Column
	for i := range list {
		if list[i].heard {
			heard, of = append(heard, list[i].drift), append(of, &list[i].column)
		}
	}
	drifts := measure.Verdicts(heard, m.o.Drift)
	for i := range drifts {
		of[i].setDrift(&drifts[i])
	}
	m.drifts = drifts
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
	c.Grade, c.Drifted, c.Method, c.Reason = d.Grade, d.Drifted, d.Method, d.Reason
	c.Value, c.Limit = number(d.Value), number(d.Limit)
	if d.PValue != nil {
		c.P = number(*d.PValue)
	}
	c.Unseen, c.UnseenSignificant = d.Unseen, d.UnseenSignificant
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
	switch {
	case c.Value == nil:
		return -1
	case c.Limit != nil && *c.Limit > 0:
		return *c.Value / *c.Limit
	}
	return *c.Value
}

package measure

import (
	"maps"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/measure/twosample"
	"github.com/leewayhq/leeway/internal/profile"
)

// column is one column of two samples, ready to be compared.
type column struct {
	name     string
	kind     string
	n, m     int64
	points   []twosample.Point // of numbers
	bins     []twosample.Bin   // of psi and js
	every    []twosample.Bin   // of categories: each for itself
	sd       float64           // of the reference's numbers
	cur, ref ranked            // whose rank errors bound a distribution function
	unseen   int64
}

// ranked is a summary that knows how far its ranks can be off.
type ranked interface{ QuantileError() float64 }

// bound is how far the column's ks can be from that of the unrounded values.
func (c *column) bound() float64 {
	return min(1, c.cur.QuantileError()+c.ref.QuantileError())
}

// featureColumn compares by the kind that most of the reference has; values of
// the other kind are type errors, which data quality counts.
func featureColumn(name string, cur, ref *profile.Feature) column {
	if kindOf(ref) == KindNumeric {
		return numericColumn(name, orEmpty(cur.Num), orEmpty(ref.Num))
	}
	return categoryColumn(name, orEmpty(cur.Cat), orEmpty(ref.Cat))
}

// kindOf is the kind of most values; numeric when there is none.
func kindOf(f *profile.Feature) string {
	if f.Cat != nil && f.Cat.N > 0 && (f.Num == nil || f.Cat.N > f.Num.N) {
		return KindCategorical
	}
	return KindNumeric
}

// usualPoints is room for the edges of two grids of a usual column.
const usualPoints = 5000

func numericColumn(name string, cur, ref *profile.Numeric) column {
	c := column{name: name, kind: KindNumeric, n: cur.N, m: ref.N}
	if cur.N == 0 || ref.N == 0 {
		return c
	}
	c.points = make([]twosample.Point, 0, min(2*(cur.N+ref.N), usualPoints))
	// The reference first: where the grids differ, its edges are the ones kept.
	profile.Pairs(ref, cur, func(x float64, nref, ncur int64) {
		c.points = append(c.points, twosample.Point{X: x, Cur: ncur, Ref: nref})
	})
	c.bins = twosample.Deciles(c.points)
	c.sd = ref.SD(0)
	c.cur, c.ref = cur, ref
	return c
}

func scoreColumn(name string, cur, ref *profile.ScoreSet) column {
	c := column{name: name, kind: KindNumeric, n: cur.N(), m: ref.N()}
	if c.n == 0 || c.m == 0 {
		return c
	}
	profile.ScorePairs(cur, ref, func(x float64, ncur, nref int64) {
		c.points = append(c.points, twosample.Point{X: x, Cur: ncur, Ref: nref})
	})
	c.bins = twosample.Deciles(c.points)
	c.sd = refSD(c.points)
	c.cur, c.ref = cur, ref
	return c
}

// refSD is the reference's standard deviation from its points.
func refSD(pts []twosample.Point) float64 {
	var n, mean, m2 float64
	for _, p := range pts {
		if w := float64(p.Ref); w > 0 {
			n += w
			d := p.X - mean
			mean += d * w / n
			m2 += w * d * (p.X - mean)
		}
	}
	return math.Sqrt(m2 / n)
}

func categoryColumn(name string, cur, ref *profile.Categories) column {
	c := column{name: name, kind: KindCategorical, n: cur.N, m: ref.N}
	named, other := categoryBins(cur, ref)
	unseen := twosample.Bin{Name: "(unseen)"}
	for _, b := range named {
		if b.Ref == 0 {
			unseen.Cur += b.Cur
			continue
		}
		c.bins = append(c.bins, b)
	}
	c.bins = append(c.bins, other, unseen)
	c.every = append(named, other)
	c.unseen = unseen.Cur
	return c
}

// categoryBins is one bin a category, by name. Where a side does not keep all
// names, a name that only the other side has may be among those it dropped: it
// goes to the bin of the others, which cannot be told apart.
func categoryBins(cur, ref *profile.Categories) (named []twosample.Bin, other twosample.Bin) {
	other = twosample.Bin{Name: "(other)", Cur: cur.Other, Ref: ref.Other}
	named = make([]twosample.Bin, 0, len(ref.Counts)+1)
	for _, name := range slices.Sorted(maps.Keys(ref.Counts)) {
		n, kept := cur.Counts[name]
		if !kept && cur.Other > 0 {
			other.Ref += ref.Counts[name]
			continue
		}
		named = append(named, twosample.Bin{Name: name, Cur: n, Ref: ref.Counts[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(cur.Counts)) {
		if _, kept := ref.Counts[name]; kept {
			continue
		}
		if ref.Other > 0 {
			other.Cur += cur.Counts[name]
			continue
		}
		named = append(named, twosample.Bin{Name: name, Cur: cur.Counts[name]})
	}
	return named, other
}

// has tells whether a method applies to the column.
func (c *column) has(method string) bool {
	switch method {
	case MethodKS, MethodWasserstein:
		return c.kind == KindNumeric
	case MethodChiSquare:
		return c.kind == KindCategorical
	}
	return true
}

// value is the method's number and, where it has one, its own p-value.
func (c *column) value(method string) (v float64, p *float64) {
	switch method {
	case MethodKS:
		v = twosample.KSStatistic(c.points)
		pv := twosample.KSPValue(v, c.n, c.m)
		return v, &pv
	case MethodChiSquare:
		v, pv, _ := twosample.ChiSquare(c.every)
		return v, &pv
	case MethodJS:
		return twosample.JS(c.bins), nil
	case MethodWasserstein:
		return twosample.Wasserstein(c.points), nil
	}
	return twosample.PSI(c.bins), nil
}

// effect is what the limit of the method is compared with.
func (c *column) effect(method string, value float64) float64 {
	switch method {
	case MethodChiSquare:
		return twosample.PSI(c.bins)
	case MethodWasserstein:
		// A constant reference has no scale of its own: any move is a large one.
		if value == 0 {
			return 0
		}
		return value / c.sd
	}
	return value
}

// verdictP is the p-value that the verdict rests on: Kolmogorov-Smirnov for
// numbers; for categories the chi-square over bins pooled to Cochran's rule,
// or the chance of the never-seen ones, whichever says more (Bonferroni).
func (c *column) verdictP() float64 {
	if c.kind == KindNumeric {
		return twosample.KSPValue(twosample.KSStatistic(c.points), c.n, c.m)
	}
	_, p, _ := twosample.ChiSquare(twosample.Pool(c.bins))
	if c.unseen > 0 {
		p = min(1, 2*min(p, c.unseenP()))
	}
	return p
}

func (c *column) unseenP() float64 { return unseenP(c.unseen, c.n, c.m) }

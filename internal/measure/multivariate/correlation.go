package multivariate

import (
	"cmp"
	"math"
	"slices"
)

// CorrelationShift is how the correlation of two numeric columns changed.
type CorrelationShift struct {
	A, B          string
	Before, After float64 // Pearson
	N, RefN       int     // rows in which both have a value
	P             float64 // two-sided, of no change (Fisher's z)
}

// Change is After less Before.
func (c *CorrelationShift) Change() float64 { return c.After - c.Before }

// Correlations compares every pair of numeric columns that both tables have,
// the least likely to be chance first. Pairs with fewer than ten rows on a
// side, or with a constant column, are left out.
func Correlations(ref, cur *Table) []CorrelationShift {
	var out []CorrelationShift
	for i, a := range ref.Numbers {
		for _, b := range ref.Numbers[i+1:] {
			ca, cb := cur.number(a.Name), cur.number(b.Name)
			if ca == nil || cb == nil {
				continue
			}
			before, refN, ok := pearson(a.Values, b.Values)
			after, n, ok2 := pearson(ca, cb)
			if ok && ok2 {
				s := CorrelationShift{A: a.Name, B: b.Name, Before: before, After: after, N: n, RefN: refN}
				s.P = fisherP(before, after, refN, n)
				out = append(out, s)
			}
		}
	}
	slices.SortStableFunc(out, func(x, y CorrelationShift) int {
		return cmp.Or(cmp.Compare(x.P, y.P), cmp.Compare(math.Abs(y.Change()), math.Abs(x.Change())))
	})
	return out
}

func (t *Table) number(name string) []float64 {
	for _, c := range t.Numbers {
		if c.Name == name {
			return c.Values
		}
	}
	return nil
}

const fewestPairs = 10

func pearson(a, b []float64) (r float64, n int, ok bool) {
	var ma, mb, saa, sbb, sab float64
	for i, x := range a {
		y := b[i]
		if x-x != 0 || y-y != 0 {
			continue
		}
		n++
		dx, dy := x-ma, y-mb
		ma += dx / float64(n)
		mb += dy / float64(n)
		saa += dx * (x - ma)
		sbb += dy * (y - mb)
		sab += dx * (y - mb)
	}
	if n < fewestPairs || !(saa > 0) || !(sbb > 0) {
		return 0, n, false
	}
	return min(max(sab/math.Sqrt(saa*sbb), -1), 1), n, true
}

// fisherP compares two correlations. One of exactly 1 has no finite z: it is
// held just below.
func fisherP(a, b float64, na, nb int) float64 {
	const most = 1 - 1e-12
	z := math.Atanh(min(max(a, -most), most)) - math.Atanh(min(max(b, -most), most))
	se := math.Sqrt(1/float64(na-3) + 1/float64(nb-3))
	return math.Erfc(math.Abs(z) / se / math.Sqrt2)
}

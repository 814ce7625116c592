package profile

import "math"

// ScoreEdges walks two sets side by side over edges in ascending order, as
// Pairs does for numbers: at each, na and nb are the counts above the edge
// before and at or below this one, and between edges both are taken to rise in
// a straight line.
func ScoreEdges(a, b *ScoreSet, fn func(x float64, na, nb int64)) {
	a.settle()
	b.settle()
	if !a.gridded && !b.gridded {
		pairSpans(a.spans(), b.spans(), fn)
		return
	}
	p, n := a.onGrid(), b.onGrid()
	edge := math.Inf(-1)
	for len(p) > 0 || len(n) > 0 {
		var key uint32
		if len(n) == 0 || len(p) > 0 && p[0].key <= n[0].key {
			key = p[0].key
		} else {
			key = n[0].key
		}
		var na, nb int64
		if len(p) > 0 && p[0].key == key {
			na, p = p[0].count, p[1:]
		}
		if len(n) > 0 && n[0].key == key {
			nb, n = n[0].count, n[1:]
		}
		edge = gapTo(scoreSpan(key), edge, fn)
		fn(edge, na, nb)
	}
}

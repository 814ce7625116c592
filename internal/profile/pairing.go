package profile

import "math"

// PairsError is Pairs, and how far the two distribution functions together can
// be off at an edge, as a share; 0 when values are kept.
func PairsError(a, b *Numeric, fn func(x float64, na, nb int64)) (rankError float64) {
	if len(a.parts) == 1 && len(b.parts) == 1 {
		pa, pb := &a.parts[0], &b.parts[0]
		if pa.gridded() && pb.gridded() && comparePlace(pa, pb) == 0 {
			return pairCells(a, b, fn)
		}
	}
	Pairs(a, b, fn)
	return a.QuantileError() + b.QuantileError()
}

// pairCells is Pairs of two summaries with one grid in common, in one pass and
// without memory: it is what the drift of a usual feature costs most.
func pairCells(a, b *Numeric, fn func(x float64, na, nb int64)) (rankError float64) {
	total := a.N + b.N
	g := grid{centre: a.parts[0].centre, lo: math.Inf(-1), hi: math.Inf(1), integral: a.parts[0].integral && b.parts[0].integral}
	joint := Numeric{N: a.N, Min: a.Min, Max: a.Max}
	joint.stretch(b.Min, b.Max)
	const end = math.MaxUint32
	ca, cb := a.parts[0].cells, b.parts[0].cells
	var worstA, worstB int64
	edge := math.Inf(-1)
	last, key := uint32(0), nextKey(ca, cb)
	for key != end {
		var na, nb int64
		if len(ca) > 0 && ca[0].key == key {
			na, ca = ca[0].count, ca[1:]
		}
		if len(cb) > 0 && cb[0].key == key {
			nb, cb = cb[0].count, cb[1:]
		}
		next := nextKey(ca, cb)
		var s span
		if g.integral {
			s = g.span(key, joint.Min, joint.Max)
		} else {
			from, to := keySpan(key)
			s = span{lo: clamp(g.centre+from, joint.Min, joint.Max), hi: clamp(g.centre+to, joint.Min, joint.Max), sure: from == to}
		}
		if !s.sure {
			worstA, worstB = max(worstA, na), max(worstB, nb)
		}
		alone := (last == 0 || last+1 < key) && (next == end || next > key+1)
		if n := na + nb; alone && !g.integral && n >= isolatedCount && n*isolatedShare >= total {
			s.toBound(key)
		}
		edge = gapTo(s, edge, fn)
		fn(edge, na, nb)
		last, key = key, next
	}
	return float64(worstA)/float64(a.N) + float64(worstB)/float64(b.N)
}

// nextKey is the lesser key of two ascending lists; the greatest number when
// both are empty.
func nextKey(a, b []cell) uint32 {
	key := uint32(math.MaxUint32)
	if len(a) > 0 {
		key = a[0].key
	}
	if len(b) > 0 {
		key = min(key, b[0].key)
	}
	return key
}

package profile

import (
	"cmp"
	"maps"
	"slices"
)

// Parts of a quality that are there, as bits.
const (
	hasBinary = 1 << iota
	hasConfusion
	hasRegression
)

func (w *writer) quality(q *Quality) {
	q.settle(int(^uint(0) >> 1))
	binary := q.TP != 0 || q.FP != 0 || q.FN != 0 || q.TN != 0 || q.ProbLabels != 0 || !q.Pos.isEmpty() || !q.Neg.isEmpty()
	confusion := len(q.Confusion) > 0 || q.ConfusionOther != 0 || q.Correct != 0
	regression := q.Regression != nil && !q.Regression.isEmpty()
	w.byte(flag(binary, hasBinary) | flag(confusion, hasConfusion) | flag(regression, hasRegression))
	w.varint(q.Labels)
	if binary {
		w.binary(q)
	}
	if confusion {
		w.confusion(q)
	}
	if regression {
		w.regression(q.Regression)
	}
}

func (r *reader) quality() *Quality {
	parts := r.byte()
	if parts >= hasRegression<<1 {
		r.fail("quality of parts %#x", parts)
	}
	q := &Quality{Labels: r.varint()}
	if parts&hasBinary != 0 {
		r.binary(q)
	}
	if parts&hasConfusion != 0 {
		r.confusion(q)
	}
	if parts&hasRegression != 0 {
		q.Regression = r.regression()
	}
	return q
}

func (w *writer) binary(q *Quality) {
	for _, n := range []int64{q.TP, q.FP, q.FN, q.TN, q.ProbLabels} {
		w.varint(n)
	}
	for _, s := range []FixedSum{q.Brier, q.LogLoss} {
		w.varint(s.hi)
		w.word(s.lo)
	}
	w.scores(&q.Pos)
	w.scores(&q.Neg)
}

func (r *reader) binary(q *Quality) {
	for _, n := range []*int64{&q.TP, &q.FP, &q.FN, &q.TN, &q.ProbLabels} {
		*n = r.varint()
	}
	for _, s := range []*FixedSum{&q.Brier, &q.LogLoss} {
		*s = FixedSum{hi: r.varint(), lo: r.word()}
	}
	q.Pos, q.Neg = *r.scores(), *r.scores()
	if q.Pos.gridded != q.Neg.gridded {
		r.fail("scores of one class alone on the grid")
	}
}

func (w *writer) confusion(q *Quality) {
	w.varint(q.Correct)
	w.varint(q.ConfusionOther)
	w.uvarint(uint64(len(q.Confusion)))
	for _, at := range slices.SortedFunc(maps.Keys(q.Confusion), comparePairs) {
		w.string(at[0])
		w.string(at[1])
		w.varint(q.Confusion[at])
	}
}

func comparePairs(a, b [2]string) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
}

func (r *reader) confusion(q *Quality) {
	q.Correct, q.ConfusionOther = r.varint(), r.varint()
	n := r.length(3)
	if n > MaxConfusion {
		r.fail("confusion of %d cells", n)
		return
	}
	q.Confusion = make(map[[2]string]int64, n)
	var last [2]string
	for i := range n {
		at := [2]string{r.string(), r.string()}
		count := r.varint()
		if i > 0 && comparePairs(at, last) <= 0 || count == 0 {
			r.fail("confusion out of order or empty")
		}
		if r.err != nil {
			return
		}
		last, q.Confusion[at] = at, count
	}
}

func (w *writer) regression(x *Regression) {
	for _, n := range []int64{x.N, x.Invalid, x.NonZero} {
		w.varint(n)
	}
	for _, s := range x.sums() {
		negative, base, magnitude := s.digits()
		w.uvarint(uint64(len(magnitude))<<1 | uint64(flag(negative, 1)))
		if len(magnitude) > 0 {
			w.uvarint(uint64(base))
		}
		for _, digit := range magnitude {
			w.uvarint(uint64(digit))
		}
	}
}

func (r *reader) regression() *Regression {
	x := &Regression{N: r.varint(), Invalid: r.varint(), NonZero: r.varint()}
	for _, s := range x.sums() {
		head := r.limited(exactDigits<<1 | 1)
		if head>>1 == 0 {
			continue
		}
		base := r.limited(exactDigits)
		magnitude := make([]uint32, head>>1)
		for i := range magnitude {
			magnitude[i] = uint32(r.limited(1<<32 - 1))
		}
		if r.err != nil {
			return x
		}
		s.set(head&1 != 0, int(base), magnitude)
	}
	return x
}

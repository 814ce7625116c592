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
	_ // a regression without the distribution of its errors, which is refused
	hasRegression
	hasClassScores
	hasRanking
	hasUp
	hasLosses
)

func (w *writer) quality(q *Quality) {
	q.settle(int(^uint(0) >> 1))
	binary := q.TP != 0 || q.FP != 0 || q.FN != 0 || q.TN != 0 || q.ProbLabels != 0 || !q.Pos.isEmpty() || !q.Neg.isEmpty()
	confusion := len(q.Confusion) > 0 || q.ConfusionOther != 0 || q.Correct != 0
	regression := q.Regression != nil && !q.Regression.isEmpty()
	classes := q.Classes != nil && !q.Classes.isEmpty()
	losses := regression && !q.Regression.Losses.isEmpty()
	ranking := q.Ranking != nil && *q.Ranking != Ranking{}
	w.byte(flag(binary, hasBinary) | flag(confusion, hasConfusion) | flag(regression, hasRegression) |
		flag(classes, hasClassScores) | flag(ranking, hasRanking) | flag(!q.Up.isEmpty(), hasUp) |
		flag(losses, hasLosses))
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
	if classes {
		w.classScores(q.Classes)
	}
	if ranking {
		w.ranking(q.Ranking)
	}
	if !q.Up.isEmpty() {
		w.scores(&q.Up)
	}
	if losses {
		w.losses(&q.Regression.Losses)
	}
}

func (r *reader) quality() *Quality {
	parts := r.byte()
	const known = hasBinary | hasConfusion | hasRegression | hasClassScores | hasRanking | hasUp | hasLosses
	if parts&^known != 0 || parts&hasLosses != 0 && parts&hasRegression == 0 {
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
	if parts&hasClassScores != 0 {
		q.Classes = r.classScores()
	}
	if parts&hasRanking != 0 {
		q.Ranking = r.ranking()
	}
	if parts&hasUp != 0 {
		q.Up = *r.scores(ofScores)
	}
	if parts&hasLosses != 0 && q.Regression != nil {
		q.Regression.Losses = r.losses()
	}
	if q.Pos.gridded && parts&hasUp == 0 {
		q.Up.gridded = true
	} else if q.Up.gridded != q.Pos.gridded {
		r.fail("scores of positive predictions in another form than of the classes")
	}
	return q
}

func (w *writer) fixed(s FixedSum) {
	w.varint(s.hi)
	w.word(s.lo)
}

func (r *reader) fixed() FixedSum { return FixedSum{hi: r.varint(), lo: r.word()} }

func (w *writer) binary(q *Quality) {
	for _, n := range []int64{q.TP, q.FP, q.FN, q.TN, q.ProbLabels} {
		w.varint(n)
	}
	w.fixed(q.Brier)
	w.fixed(q.LogLoss)
	w.scores(&q.Pos)
	w.scores(&q.Neg)
}

func (r *reader) binary(q *Quality) {
	for _, n := range []*int64{&q.TP, &q.FP, &q.FN, &q.TN, &q.ProbLabels} {
		*n = r.varint()
	}
	q.Brier, q.LogLoss = r.fixed(), r.fixed()
	q.Pos, q.Neg = *r.scores(ofScores), *r.scores(ofScores)
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
	for _, n := range x.counts() {
		w.varint(*n)
	}
	for _, s := range x.sums() {
		w.exact(s)
	}
	for _, s := range x.shares() {
		w.fixed(*s)
	}
	for _, set := range x.sets() {
		w.scores(set)
	}
}

func (r *reader) regression() *Regression {
	x := &Regression{}
	for _, n := range x.counts() {
		*n = r.varint()
	}
	for _, s := range x.sums() {
		r.exact(s)
	}
	for _, s := range x.shares() {
		*s = r.fixed()
	}
	for _, set := range x.sets() {
		*set = *r.scores(ofNumbers)
	}
	return x
}

func (w *writer) exact(s *ExactSum) {
	negative, base, magnitude := s.digits()
	w.uvarint(uint64(len(magnitude))<<1 | uint64(flag(negative, 1)))
	if len(magnitude) > 0 {
		w.uvarint(uint64(base))
	}
	for _, digit := range magnitude {
		w.uvarint(uint64(digit))
	}
}

func (r *reader) exact(s *ExactSum) {
	head := r.limited(exactDigits<<1 | 1)
	if head>>1 == 0 {
		return
	}
	base := r.limited(exactDigits)
	magnitude := make([]uint32, head>>1)
	for i := range magnitude {
		magnitude[i] = uint32(r.limited(1<<32 - 1))
	}
	if r.err == nil {
		s.set(head&1 != 0, int(base), magnitude)
	}
}

func (w *writer) classScores(c *ClassScores) {
	for _, n := range []int64{c.Rows, c.Other, c.ProbLabels} {
		w.varint(n)
	}
	w.fixed(c.LogLoss)
	w.uvarint(uint64(len(c.Of)))
	for _, name := range slices.Sorted(maps.Keys(c.Of)) {
		w.string(name)
		w.scores(&c.Of[name].Pos)
		w.scores(&c.Of[name].Neg)
	}
}

func (r *reader) classScores() *ClassScores {
	c := &ClassScores{Rows: r.varint(), Other: r.varint(), ProbLabels: r.varint(), LogLoss: r.fixed()}
	n := r.length(5)
	if n > MaxScoredClasses {
		r.fail("scores of %d classes", n)
		return c
	}
	c.Of = make(map[string]*OneVsRest, n)
	last, grid := "", false
	for i := range n {
		name := r.string()
		class := &OneVsRest{*r.scores(ofClasses), *r.scores(ofClasses)}
		if i == 0 {
			grid = class.Pos.gridded
		}
		if i > 0 && name <= last || class.Pos.gridded != grid || class.Neg.gridded != grid || class.Pos.isEmpty() && class.Neg.isEmpty() {
			r.fail("scores of classes out of order, empty or of two forms")
		}
		if r.err != nil {
			return c
		}
		last, c.Of[name] = name, class
	}
	return c
}

func (w *writer) ranking(x *Ranking) {
	for _, n := range x.counts() {
		w.varint(*n)
	}
	for _, s := range x.sums() {
		w.fixed(s.Sum)
		w.fixed(s.Squares)
	}
}

func (r *reader) ranking() *Ranking {
	x := &Ranking{}
	for _, n := range x.counts() {
		*n = r.varint()
	}
	for _, s := range x.sums() {
		*s = MeanSum{r.fixed(), r.fixed()}
	}
	return x
}

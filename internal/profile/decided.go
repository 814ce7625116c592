package profile

// Decided is the scores of a binary model's predictions by what the model made
// of them. It stands beside the Scores of the same rows, of which Up is a part:
// the rest of them was predicted negative, but for the rows without a decision.
// Up is on its grid if and only if Scores is.
type Decided struct {
	N  int64    // rows with a score, finite or not, and a predicted class
	Up ScoreSet // scores of those that were predicted positive
}

// Merge adds o to d. The caller brings Up into the form of the Scores.
func (d *Decided) Merge(o *Decided, limit int) {
	d.N += o.N
	d.Up.Merge(&o.Up, limit)
}

// alignDecided brings the scores of the positive into the form of all scores.
func (p *Profile) alignDecided() {
	if p.Decided != nil && p.Scores != nil && p.Scores.gridded {
		p.Decided.Up.settle()
		p.Decided.Up.toGrid()
	}
}

func (w *writer) decided(d *Decided) {
	w.varint(d.N)
	w.scores(&d.Up)
}

func (r *reader) decided(scores *ScoreSet) *Decided {
	d := &Decided{N: r.count(), Up: *r.scores(ofScores)}
	if r.err == nil && (scores == nil || scores.gridded != d.Up.gridded) {
		r.fail("scores of decisions in another form than all scores")
	}
	return d
}

// Gridded tells whether scores are kept by the cells of a grid and not by value.
func (s *ScoreSet) Gridded() bool {
	s.settle()
	return s.gridded
}

// ScoreMiddle is the middle of the grid's cell that a score belongs to, as
// ScorePairs gives it of sets on the grid.
func ScoreMiddle(score float64) float64 {
	sp := scoreSpan(scoreKey(score))
	return sp.middle()
}

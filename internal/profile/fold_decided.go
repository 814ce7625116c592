package profile

import "github.com/leewayhq/leeway/internal/event"

// addDecided folds the scores of the rows that a binary model called positive.
// A batch without scores, classes or a positive class decides nothing.
func (f *Folder) addDecided(p *Profile, b *event.Batch, rows []int32) {
	if p.Scores == nil || !decides(b) {
		return
	}
	f.openDecided(p)
	code, several := positiveCode(b)
	var up []float64
	var decided int
	if several || b.Score.Valid != nil && !allValid(b.Score.Valid, len(b.Score.Values)) {
		up, decided = f.pickUpSlowly(b, rows)
	} else if rows == nil {
		up, decided = f.pickUp(b.Score.Values, b.Pred.Codes, code)
	} else {
		up, decided = f.pickUpOf(b, rows, code)
	}
	p.Decided.N += int64(decided)
	p.Decided.Up.addAll(up)
}

// addScoresDecided is addScores and addDecided in one pass, for whole batches
// without nulls and windows whose scores go to a table; it does nothing and
// says so for all others.
func (f *Folder) addScoresDecided(p *Profile, b *event.Batch, rows []int32) bool {
	if rows != nil || !decides(b) {
		return false
	}
	code, several := positiveCode(b)
	if several || b.Score.Valid != nil && !allValid(b.Score.Valid, len(b.Score.Values)) {
		return false
	}
	f.openDecided(p)
	all, up := p.Scores, &p.Decided.Up
	if all.open.table == nil {
		if !hasFinite(b.Score.Values, int(max(0, pendingScores-all.n))) {
			return false
		}
		all.openTable()
	}
	if up.open.table == nil {
		up.openTable() // Up goes to its grid where Scores does
	}
	p.Decided.N += int64(b.Rows - nulls(b.Pred.Codes))
	foldDecided(b, code, all, up)
	return true
}

// decides tells whether a batch can hold decisions: without scores, classes or
// a positive class it has none.
func decides(b *event.Batch) bool {
	return b.Task == event.Binary && b.Positive != "" && b.Pred.Present() && b.Score.Present()
}

// openDecided makes both sets of a window.
func (f *Folder) openDecided(p *Profile) {
	if p.Scores == nil {
		p.Scores = &ScoreSet{open: &openScores{pool: &f.tables}}
	}
	if p.Decided == nil {
		p.Decided = &Decided{}
	}
	if p.Decided.Up.open == nil {
		p.Decided.Up.open = &openScores{pool: &f.tables}
	}
}

func foldDecided(b *event.Batch, positive int32, all, up *ScoreSet) {
	scores, codes := b.Score.Values, b.Pred.Codes
	codes = codes[:len(scores)]
	counts, ups := &all.open.table.counts, &up.open.table.counts
	sum := 0
	for i, x := range scores {
		one := same(codes[i], positive)
		if x >= 0 && x <= 1 {
			at := tableIndex(x)
			counts[at]++
			ups[at] += int32(one)
			sum += one
			continue
		}
		all.n--
		all.Add(x, 1)
		up.Add(x, int64(one))
	}
	all.n += int64(len(scores))
	up.n += int64(sum)
}

// noCode is the positive code of a batch in which no row is positive.
const noCode = -2

// positiveCode is the code of the positive class. It may have several, where
// rows spell it in different ways.
func positiveCode(b *event.Batch) (code int32, several bool) {
	code = noCode
	for i, class := range b.Pred.Values {
		if event.SameClass(class, b.Positive) {
			several = several || code != noCode
			code = int32(i)
		}
	}
	return code, several
}

// pickUp copies the scores of positive rows without a branch: which rows are
// positive is what no processor can guess. decided counts the rows of a class.
func (f *Folder) pickUp(scores []float64, codes []int32, positive int32) (up []float64, decided int) {
	out := f.upRoom(len(scores))
	codes = codes[:len(scores)]
	n, null := 0, int32(0)
	for i, code := range codes {
		out[n] = scores[i]
		null |= code
		n += same(code, positive)
	}
	decided = len(codes)
	if null < 0 {
		decided -= nulls(codes)
	}
	return out[:n], decided
}

// same is 1 if the codes are equal, else 0.
func same(a, b int32) int { return int((uint64(uint32(a^b)) - 1) >> 63) }

func nulls(codes []int32) (n int) {
	for _, code := range codes {
		n += int(uint32(code) >> 31)
	}
	return n
}

// pickUpOf is pickUp of some rows.
func (f *Folder) pickUpOf(b *event.Batch, rows []int32, positive int32) (up []float64, decided int) {
	out, scores, codes := f.upRoom(len(rows)), b.Score.Values, b.Pred.Codes
	n, nulls := 0, 0
	for _, r := range rows {
		code := codes[r]
		out[n] = scores[r]
		n += same(code, positive)
		nulls += int(uint32(code) >> 31)
	}
	return out[:n], len(rows) - nulls
}

// pickUpSlowly is for a column with nulls, and for a class of several codes.
func (f *Folder) pickUpSlowly(b *event.Batch, rows []int32) (up []float64, decided int) {
	f.positive = f.positive[:0]
	for _, class := range b.Pred.Values {
		f.positive = append(f.positive, event.SameClass(class, b.Positive))
	}
	n := b.Rows
	if rows != nil {
		n = len(rows)
	}
	up = f.upRoom(n)[:0]
	eachRow(rows, n, func(i int) {
		if code := b.Pred.Codes[i]; code >= 0 && !b.Score.Null(i) {
			decided++
			if f.positive[code] {
				up = append(up, b.Score.Values[i])
			}
		}
	})
	return up, decided
}

// upRoom is memory for n scores and one more, which is written and not kept. It
// lies beside the buffer, which may hold a column.
func (f *Folder) upRoom(n int) []float64 {
	if cap(f.up) <= n {
		f.up = make([]float64, n+1)
	}
	return f.up[:n+1]
}

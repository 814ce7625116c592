package model

import (
	"math"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
)

// observeTask infers the task on first sight. An inferred task can still be
// corrected by what comes later (a regression whose first prediction was 1);
// a declared one cannot.
func (e *entry) observeTask(b *event.Batch) {
	m := &e.model
	if m.Task == Task(event.Unknown) && !m.Declared && ranks(b) {
		m.Task, e.dirty = Task(event.Ranking), true
		return
	}
	if !b.Pred.Present() && !b.PredValue.Present() && !b.Score.Present() && len(b.Scores) == 0 {
		return
	}
	// Binary is what a narrow first look suggests; the wider answer wins.
	if !m.Declared && (m.Task == Task(event.Unknown) || m.Task == Task(event.Binary)) {
		if task := inferTask(b); task != event.Unknown && task != event.Task(m.Task) {
			m.Task, e.dirty = Task(task), true
		}
	}
	if m.Task == Task(event.Binary) && m.Positive == "" {
		e.observePositive(b)
	}
}

// ranks tells of a batch that says nothing else than what was ranked or wanted.
// Beside a prediction, items are what a sender put there for itself.
func ranks(b *event.Batch) bool {
	return (b.Items.Present() || b.Relevant.Present()) && !b.Pred.Present() && !b.PredValue.Present() &&
		!b.Score.Present() && len(b.Scores) == 0 && !b.Label.Present() && !b.LabelValue.Present()
}

func inferTask(b *event.Batch) event.Task {
	if len(b.Scores) > 2 {
		return event.Multiclass
	}
	if binaryClasses(&b.Pred) || (!b.Pred.Present() && !b.PredValue.Present() && b.Score.Present()) {
		return event.Binary
	}
	if b.PredValue.Present() && !b.Score.Present() && len(b.Scores) == 0 {
		return event.Regression
	}
	if !b.Pred.Present() {
		return event.Unknown
	}
	used := usedValues(&b.Pred)
	if !b.Score.Present() || len(used) > 2 {
		return event.Multiclass
	}
	if len(used) < 2 && slices.Max(b.Score.Values) < 0.5 {
		return event.Unknown // one word with a low score: the other class is the positive one
	}
	return event.Binary
}

var truths = map[string]string{"0": "1", "1": "1", "false": "true", "true": "true", "False": "True", "True": "True", "no": "yes", "yes": "yes"}

func binaryClasses(d *event.Dict) bool {
	if !d.Present() {
		return false
	}
	used := usedValues(d)
	for _, v := range used {
		if truths[v] == "" || truths[v] != truths[used[0]] {
			return false
		}
	}
	return len(used) > 0
}

func usedValues(d *event.Dict) []string {
	var out []string
	for code, n := range rowsByCode(d) {
		if n > 0 {
			out = append(out, d.Values[code])
		}
	}
	return out
}

// observePositive learns which class of a binary model is the positive one, or
// at least which one is not.
func (e *entry) observePositive(b *event.Batch) {
	m := &e.model
	used := usedValues(&b.Pred)
	if p := m.inferPositive(b, used); p != "" {
		m.Positive, e.dirty = strings.Clone(p), true
	} else if len(used) == 1 && m.Negative == "" {
		m.Negative, e.dirty = strings.Clone(used[0]), true
	}
}

// inferPositive takes the known word of a pair, the class beside the one that is
// known to be negative, or the class that goes with the high scores. It is empty
// where only a class with low scores was seen.
func (m *Model) inferPositive(b *event.Batch, used []string) string {
	if len(used) == 0 {
		if b.Score.Present() && m.Negative == "" {
			return "1"
		}
		return ""
	}
	if p := truths[used[0]]; p != "" {
		return p
	}
	if m.Negative != "" {
		if i := slices.IndexFunc(used, func(v string) bool { return v != m.Negative }); i >= 0 {
			return used[i]
		}
		return ""
	}
	best, bestScore := used[0], math.Inf(-1)
	for i := range b.Rows {
		if v, ok := b.Pred.At(i); ok && !b.Score.Null(i) && b.Score.Values[i] > bestScore {
			best, bestScore = v, b.Score.Values[i]
		}
	}
	if len(used) == 1 && !math.IsInf(bestScore, -1) && bestScore < m.threshold() {
		return ""
	}
	return best
}

// complete brings the batch into the form that the model's task needs.
func (e *entry) complete(b *event.Batch) {
	m := &e.model
	b.Task, b.Positive, b.Generation = event.Task(m.Task), m.Positive, uint64(m.Created)
	if b.Task != event.Ranking {
		b.Items, b.Relevant = event.List{}, event.List{}
	}
	switch b.Task {
	case event.Ranking:
		b.Pred, b.PredValue, b.Score, b.Scores = event.Dict{}, event.Num{}, event.Num{}, nil
		b.Label, b.LabelValue = event.Dict{}, event.Num{}
	case event.Binary, event.Multiclass:
		if b.Task == event.Binary {
			e.completeBinary(b)
		} else {
			decideAmong(&b.Pred, b.Scores)
		}
		b.PredValue = event.Num{}
		if b.Label.Present() {
			b.LabelValue = event.Num{}
		}
	case event.Regression:
		b.Pred = event.Dict{}
		if b.LabelValue.Present() {
			b.Label = event.Dict{}
		}
	}
}

// completeBinary learns how a binary model calls its other class, and makes the
// decisions where only a score was sent.
func (e *entry) completeBinary(b *event.Batch) {
	m := &e.model
	if m.Positive == "" {
		b.Task = event.Unknown // neither class is known to be positive: nothing may be counted as right or wrong
		return
	}
	if m.Negative == "" {
		used := usedValues(&b.Pred)
		if i := slices.IndexFunc(used, func(v string) bool { return v != m.Positive }); i >= 0 {
			m.Negative, e.dirty = strings.Clone(used[i]), true
		}
	}
	if i := slices.IndexFunc(b.Scores, func(n event.Num) bool { return event.SameClass(n.Name, m.Positive) }); i >= 0 && !b.Score.Present() {
		b.Score = b.Scores[i]
		b.Score.Name = ""
	}
	if b.Score.Present() {
		m.decide(&b.Pred, &b.Score)
	}
}

// NegativeClass is how a binary model calls what is not positive.
func (m *Model) NegativeClass() string {
	if m.Negative != "" {
		return m.Negative
	}
	if usual := map[string]string{"1": "0", "true": "false", "True": "False", "yes": "no"}[m.Positive]; usual != "" {
		return usual
	}
	return "not " + m.Positive
}

// decide makes predictions of scores in the rows that have no prediction. The
// column's slices may be shared with others: they are replaced, not changed.
func (m *Model) decide(pred *event.Dict, score *event.Num) {
	var codes []int32
	var values []string
	var negative, positive int32
	for i, s := range score.Values {
		if (pred.Present() && pred.Codes[i] >= 0) || score.Null(i) || math.IsNaN(s) {
			continue
		}
		if codes == nil {
			codes = codesOrNulls(pred, len(score.Values))
			values, negative = codeOf(slices.Clone(pred.Values), m.NegativeClass())
			values, positive = codeOf(values, m.Positive)
		}
		codes[i] = negative
		if s >= m.threshold() {
			codes[i] = positive
		}
	}
	if codes != nil {
		pred.Codes, pred.Values = codes, values
	}
}

// decideAmong makes predictions of the scores of classes in the rows that have
// no prediction: the class with the highest one, of equal ones the first by
// name. The column's slices are replaced, not changed.
func decideAmong(pred *event.Dict, scores []event.Num) {
	var best []int32 // by row: the column of the highest score; -1 where there is a prediction, or none to make
	for i := range scores {
		values := scores[i].Values
		for row, s := range values {
			if (pred.Present() && pred.Codes[row] >= 0) || scores[i].Null(row) || math.IsNaN(s) {
				continue
			}
			if best == nil {
				best = codesOrNulls(&event.Dict{}, len(values))
			}
			if at := best[row]; at < 0 || s > scores[at].Values[row] {
				best[row] = int32(i)
			}
		}
	}
	if best == nil {
		return
	}
	codes, values := codesOrNulls(pred, len(best)), slices.Clone(pred.Values)
	for row, at := range best {
		if at >= 0 {
			values, codes[row] = codeOf(values, scores[at].Name)
		}
	}
	pred.Codes, pred.Values = codes, values
}

func codesOrNulls(d *event.Dict, rows int) []int32 {
	if d.Present() {
		return slices.Clone(d.Codes)
	}
	codes := make([]int32, rows)
	for i := range codes {
		codes[i] = -1
	}
	return codes
}

// codeOf is a value's place among the values, to which it is added if need be.
func codeOf(values []string, v string) ([]string, int32) {
	if i := slices.Index(values, v); i >= 0 {
		return values, int32(i)
	}
	return append(values, v), int32(len(values))
}

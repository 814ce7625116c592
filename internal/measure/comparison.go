package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// NotForKind is why a method has no number for a column: it is for the other
// kind.
const NotForKind = "not_for_kind"

// Resolved is the options with each zero replaced, for who tells how drift is
// judged. Where the preset chooses the method by column it stays empty.
func (o DriftOptions) Resolved() DriftOptions { return o.withDefaults() }

// Comparer does what Drift does for columns that are not in memory together:
// each is compared by itself, and Verdicts judges what is left of all of them.
// It uses its memory again, so one goroutine has one.
type Comparer struct {
	judge  *judge
	reader reader
	also   []string
}

// NewComparer also computes the methods that also names; those that do not
// apply to a column are left out of its answer.
func NewComparer(opt DriftOptions, also []string) *Comparer {
	return &Comparer{judge: newJudge(opt), also: also}
}

// Comparison is what is left of a column: numbers only.
type Comparison struct {
	testimony testimony
	Also      []MethodValue
}

// MethodValue is what one method found; NaN is no value and no p-value.
type MethodValue struct {
	Method   string
	Value, P float64
	Bound    float64
	Reason   string
}

// Feature compares one feature. usual is its limit for NannyML's preset, as in
// DriftOptions.Usual; NaN is none.
func (c *Comparer) Feature(name string, cur, ref *profile.Feature, usual float64) Comparison {
	j := c.judge
	if j.heard = j.heard[:0]; !math.IsNaN(usual) {
		j.usual = map[string]float64{name: usual}
	}
	col := c.reader.feature(name, orEmpty(cur), orEmpty(ref))
	j.hear(col)
	out := Comparison{testimony: j.heard[0]}
	for _, method := range c.also {
		m := j.table[method]
		if m == nil {
			continue
		}
		if r, ok := col.result(m); ok {
			out.Also = append(out.Also, MethodValue{method, r.Value, r.P, r.Bound, r.Reason})
		}
	}
	return out
}

// Applies tells whether the method that judges is for the column's kind.
func (c *Comparison) Applies() bool { return !c.testimony.left }

// Verdicts judges columns together, as Drift does. Each has its place in the
// answer; one to which the method does not apply has no grade but Insufficient.
func Verdicts(list []Comparison, opt DriftOptions) []FeatureDrift {
	opt = opt.withDefaults()
	ps := make([]float64, len(list))
	for i := range list {
		ps[i] = math.NaN()
		if list[i].Applies() {
			ps[i] = list[i].testimony.p
		}
	}
	significant := BenjaminiHochberg(ps, opt.Q)
	out := make([]FeatureDrift, len(list))
	for i := range list {
		t := list[i].testimony
		if t.left {
			t.Reason = NotForKind
		} else {
			t.grade(significant[i], opt.Preset == PresetLeeway)
		}
		out[i] = t.FeatureDrift
	}
	return out
}

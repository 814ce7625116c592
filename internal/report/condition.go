package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// Condition is what makes a report fail: a key, an operator and a number.
//
//	accuracy<0.9                  a metric of the catalogue, of the current file
//	drifted_features>0            a count; see Counts
//	missing_rate>=0.05            the worst feature's
//	feature:age.psi>0.2           a drift method of one feature
//	feature:age.missing_rate>0.1  its missing_rate, outlier_rate, unseen_rate or drifted (0 or 1)
type Condition struct {
	Text  string   `json:"condition"`
	Value *float64 `json:"value"` // nil when there is no such number
	Why   string   `json:"why,omitempty"`
	Holds bool     `json:"holds"`

	feature, key, op string
	limit            float64
}

// counts are the keys that are of the whole report.
var counts = map[string]func(*Report) *float64{
	"features":                func(r *Report) *float64 { return count(r.Summary.Features) },
	"judged_features":         func(r *Report) *float64 { return count(r.Summary.Judged) },
	"drifted_features":        func(r *Report) *float64 { return count(r.Summary.Drifted) },
	"shifted_features":        func(r *Report) *float64 { return count(r.Summary.Shifted) },
	"insufficient_features":   func(r *Report) *float64 { return count(r.Summary.Insufficient) },
	"new_categories_features": func(r *Report) *float64 { return count(r.Summary.New) },
	"rows":                    func(r *Report) *float64 { return count(r.Current.Used) },
	"rejected_rows":           func(r *Report) *float64 { return count(r.Current.Rows - r.Current.Used) },
	"labels":                  labelCount,
	"label_coverage":          labelCoverage,
	"data_drift":              func(r *Report) *float64 { return r.Summary.DataDrift },
	"missing_rate":            func(r *Report) *float64 { return r.Summary.MissingRate },
	"outlier_rate":            func(r *Report) *float64 { return r.Summary.OutlierRate },
	"prediction_drift":        func(r *Report) *float64 { return r.Summary.Prediction },
	"feature_drift":           worstDrift,
}

func count(n int) *float64 { return number(float64(n)) }

func labelCount(r *Report) *float64 {
	if r.Quality == nil || r.Quality.Current == nil {
		return number(0)
	}
	return number(float64(r.Quality.Current.Labels))
}

func labelCoverage(r *Report) *float64 {
	if r.Quality == nil || r.Quality.Current == nil {
		return nil
	}
	return r.Quality.Current.Coverage.Value
}

// worstDrift is the largest value of the method that judges.
func worstDrift(r *Report) *float64 {
	worst := math.NaN()
	for _, f := range r.Features {
		if f.Value != nil && (f.Method == r.Judged.Method || r.Judged.Method == "") && !(*f.Value <= worst) {
			worst = *f.Value
		}
	}
	return number(worst)
}

// operators, the longer ones first.
var operators = []string{">=", "<=", "==", "!=", ">", "<", "="}

// ParseCondition reads a condition.
func ParseCondition(text string) (Condition, error) {
	c := Condition{Text: strings.TrimSpace(text)}
	fail := func(format string, args ...any) (Condition, error) {
		return Condition{}, fmt.Errorf("condition %q: "+format+"; write it as drifted_features>0 or feature:age.psi>0.2", append([]any{text}, args...)...)
	}
	at, op := lastOperator(c.Text)
	if at < 0 {
		return fail("there is no operator (one of > >= < <= == !=)")
	}
	left, right := strings.TrimSpace(c.Text[:at]), strings.TrimSpace(c.Text[at+len(op):])
	c.op = op
	v, err := strconv.ParseFloat(strings.TrimSuffix(right, "%"), 64)
	if err != nil || math.IsNaN(v) {
		return fail("%q is not a number", right)
	}
	if strings.HasSuffix(right, "%") {
		v /= 100
	}
	c.limit = v
	name, isFeature := strings.CutPrefix(left, "feature:")
	if !isFeature {
		c.key = left
		if counts[left] == nil && !isQuality(left) {
			return fail("there is no number %q; there are %s, and the quality metrics of docs/metrics.md", left, strings.Join(Counts(), ", "))
		}
		return c, nil
	}
	dot := strings.LastIndexByte(name, '.')
	// A method may have a variant with a dot in it nowhere, so the last one parts.
	if dot <= 0 || dot == len(name)-1 {
		return fail("%q is not feature:NAME.METHOD", left)
	}
	c.feature, c.key = name[:dot], name[dot+1:]
	if !slices.Contains(featureKeys(), c.key) {
		return fail("a feature has no %q; it has %s", c.key, strings.Join(featureKeys(), ", "))
	}
	return c, nil
}

// lastOperator finds the operator from the right, since a feature's name may
// hold one too.
func lastOperator(s string) (at int, op string) {
	at = -1
	for _, o := range operators {
		if i := strings.LastIndex(s, o); i >= 0 && i+len(o) > at+len(op) {
			at, op = i, o
		}
	}
	return at, op
}

// Counts lists the keys of conditions besides the metrics of quality.
func Counts() []string {
	var out []string
	for key := range counts {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

func isQuality(key string) bool {
	m, ok := catalogue.Get(key)
	return ok && m.Group == catalogue.Quality
}

func featureKeys() []string {
	return append(measure.Methods(), "missing_rate", "outlier_rate", "unseen_rate", "drifted")
}

// check fills in what the report says. A number that does not exist makes the
// condition hold: what was to be watched was not there.
func check(list []Condition, r *Report) []Condition {
	out := slices.Clone(list)
	for i := range out {
		c := &out[i]
		c.Value, c.Why = c.find(r)
		c.Holds = c.Value == nil || c.compare(*c.Value)
	}
	return out
}

func (c *Condition) compare(v float64) bool {
	switch c.op {
	case ">=":
		return v >= c.limit
	case "<=":
		return v <= c.limit
	case ">":
		return v > c.limit
	case "<":
		return v < c.limit
	case "!=":
		return v != c.limit
	}
	return v == c.limit
}

func (c *Condition) find(r *Report) (*float64, string) {
	if c.feature != "" {
		return c.findFeature(r)
	}
	if of := counts[c.key]; of != nil {
		if v := of(r); v != nil {
			return v, ""
		}
		return nil, "there is no such number for these files"
	}
	if r.Quality == nil || r.Quality.Current == nil || r.Quality.Current.Labels == 0 {
		return nil, measure.NoLabels
	}
	v, ok := r.Quality.Current.Get(c.key)
	if !ok {
		return nil, "a " + r.Task + " model has no " + c.key
	}
	return v.Value, v.Reason
}

func (c *Condition) findFeature(r *Report) (*float64, string) {
	i := slices.IndexFunc(r.Features, func(f Column) bool { return f.Name == c.feature })
	if i < 0 {
		return nil, "there is no such feature"
	}
	f := &r.Features[i]
	if f.Absent != "" {
		return nil, "the " + f.Absent + " file lacks it"
	}
	switch c.key {
	case "missing_rate":
		return &f.Current.MissingRate, ""
	case "outlier_rate":
		return &f.Current.OutlierRate, ""
	case "unseen_rate":
		return &f.Unseen, ""
	case "drifted":
		if f.Drifted {
			return number(1), ""
		}
		return number(0), ""
	}
	for _, m := range f.Methods {
		if m.Name == c.key && m.Value != nil {
			return m.Value, ""
		}
	}
	return nil, "the method does not apply to it"
}

// Failed are the conditions that hold.
func (r *Report) Failed() []Condition {
	return slices.DeleteFunc(slices.Clone(r.Conditions), func(c Condition) bool { return !c.Holds })
}

func (c *Condition) String() string {
	if c.Value == nil {
		return c.Text + ": " + c.Why
	}
	return fmt.Sprintf("%s: it is %s", c.Text, strconv.FormatFloat(*c.Value, 'g', 6, 64))
}

// summarise counts what was found.
func (m *maker) summarise() {
	s := &m.out.Summary
	var graded []measure.FeatureDrift
	missing, outliers := math.NaN(), math.NaN()
	for i := range m.out.Features {
		f := &m.out.Features[i]
		s.Features++
		switch f.Grade {
		case measure.Drifted:
			s.Drifted++
		case measure.Shifted:
			s.Shifted++
		case measure.Insufficient:
			s.Insufficient++
		}
		if f.Grade != measure.Insufficient {
			s.Judged++
		}
		if f.UnseenSignificant {
			s.New++
		}
		if f.Absent == "" {
			graded = append(graded, measure.FeatureDrift{Grade: f.Grade, Drifted: f.Drifted})
		}
		if c := f.Current; c != nil && c.Rows > 0 {
			if !(c.MissingRate <= missing) {
				missing = c.MissingRate
			}
			if f.Kind == measure.KindNumeric && !(c.OutlierRate <= outliers) {
				outliers = c.OutlierRate
			}
		}
	}
	if v := measure.DriftShare(graded); v.Defined {
		s.DataDrift = number(v.Value)
	}
	s.MissingRate, s.OutlierRate = number(missing), number(outliers)
	if len(m.out.Prediction) > 0 {
		s.Prediction = m.out.Prediction[0].Value
	}
	m.tellJudge()
}

// tellJudge says how drift was decided, as far as it is the same for all.
func (m *maker) tellJudge() {
	d, j := m.o.Drift.Resolved(), &m.out.Judged
	j.Preset, j.Method, j.Q, j.MinRows = d.Preset, d.Method, d.Q, d.MinRows
	if j.Preset == measure.PresetNannyML {
		j.Method = cmp.Or(j.Method, "js@nannyml")
		return // the limit is one for each column
	}
	for i := range m.out.Features {
		if f := &m.out.Features[i]; f.Method == j.Method && f.Limit != nil {
			j.Limit = f.Limit
		}
	}
}

package report

import (
	"encoding/json"
	"io"
	"math"
	"time"

	"github.com/leewayhq/leeway/internal/measure"
)

// Format and Version name the JSON; see docs/formats/report.md.
const (
	Format  = "leeway-report"
	Version = 1
)

// Report is everything that is shown, as it stands in the JSON.
type Report struct {
	Format    string    `json:"format"`
	Version   int       `json:"version"`
	Generator string    `json:"generator,omitempty"`
	Created   time.Time `json:"created"`
	Title     string    `json:"title,omitempty"`
	Zone      string    `json:"zone"` // of all times that name none

	Reference File  `json:"reference"`
	Current   File  `json:"current"`
	Labels    *File `json:"labels,omitempty"`

	Task     string `json:"task"`
	Positive string `json:"positive_class,omitempty"`
	Judged   Judged `json:"judged_by"`

	Summary    Summary     `json:"summary"`
	Conditions []Condition `json:"conditions,omitempty"`
	Quality    *Quality    `json:"quality,omitempty"`
	Prediction []Column    `json:"prediction,omitempty"` // what was predicted, as columns
	Label      *Column     `json:"label,omitempty"`      // the labels of both files, as a column
	Features   []Column    `json:"features"`             // the worst first
	Periods    []Period    `json:"periods,omitempty"`
	Warnings   []string    `json:"warnings,omitempty"`
}

// File is what was read.
type File struct {
	Name     string     `json:"name"`
	Bytes    int64      `json:"bytes"`
	Rows     int        `json:"rows"`
	Used     int        `json:"used"` // rows that could be used
	From     *time.Time `json:"from,omitempty"`
	To       *time.Time `json:"to,omitempty"`
	Rejected []string   `json:"rejected,omitempty"` // the first reasons
}

// Judged is how drift is decided.
type Judged struct {
	Preset  string   `json:"preset"`
	Method  string   `json:"method,omitempty"` // of all columns; empty where the preset chooses
	Limit   *float64 `json:"limit"`            // likewise
	Q       float64  `json:"q"`
	MinRows int64    `json:"min_rows"`
	Period  string   `json:"period,omitempty"`
}

// Summary is the answer before the evidence.
type Summary struct {
	Features     int      `json:"features"`
	Judged       int      `json:"judged_features"`
	Drifted      int      `json:"drifted_features"`
	Shifted      int      `json:"shifted_features"`
	Insufficient int      `json:"insufficient_features"`
	New          int      `json:"new_categories_features"` // with never-seen categories beyond chance
	DataDrift    *float64 `json:"data_drift"`              // share of drifted features
	MissingRate  *float64 `json:"missing_rate"`            // the worst feature's
	OutlierRate  *float64 `json:"outlier_rate"`            // the worst feature's
	Prediction   *float64 `json:"prediction_drift"`
}

// Value is a number or the reason why there is none.
type Value struct {
	Key    string   `json:"key,omitempty"`
	Value  *float64 `json:"value"`
	Reason string   `json:"reason,omitempty"`
	Low    *float64 `json:"low,omitempty"` // of a 95 % interval
	High   *float64 `json:"high,omitempty"`
	N      int64    `json:"n"`
	Method string   `json:"method,omitempty"`
}

func valueOf(key string, v measure.Value) Value {
	out := Value{Key: key, N: v.N, Reason: v.Reason, Method: v.Method}
	if v.Defined {
		out.Value = number(v.Value)
	}
	if v.HasInterval {
		out.Low, out.High = number(v.Low), number(v.High)
	}
	return out
}

// number is nil for what JSON cannot hold.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// Quality is how good the model was.
type Quality struct {
	Reference *Side `json:"reference,omitempty"` // nil where the file has no labels
	Current   *Side `json:"current,omitempty"`
}

// Side is the quality in one of the files.
type Side struct {
	Predictions int64      `json:"predictions"`
	Labels      int64      `json:"labels"`
	Coverage    Value      `json:"label_coverage"`
	Metrics     []Value    `json:"metrics"`
	Confusion   *Confusion `json:"confusion,omitempty"`
	Classes     []Class    `json:"classes,omitempty"`
	Curves      *Curves    `json:"curves,omitempty"`
	Residuals   *Histogram `json:"residuals,omitempty"`
	// Estimated is the quality that is to be expected without labels (CBPE, with
	// a band of three sampling errors), or the reason why there is none.
	Estimated    []Value `json:"estimated,omitempty"`
	NotEstimated string  `json:"not_estimated,omitempty"`
}

// Get finds a metric.
func (s *Side) Get(key string) (Value, bool) {
	if s != nil {
		for _, m := range s.Metrics {
			if m.Key == key {
				return m, true
			}
		}
	}
	return Value{}, false
}

// Confusion is rows by true class (row) and predicted class (column).
type Confusion struct {
	Classes []string  `json:"classes"`
	Matrix  [][]int64 `json:"matrix"`
	Other   int64     `json:"other,omitempty"`
}

// Class is the quality of one class of several.
type Class struct {
	Name      string `json:"name"`
	Support   int64  `json:"support"`
	Predicted int64  `json:"predicted"`
	Precision Value  `json:"precision"`
	Recall    Value  `json:"recall"`
	F1        Value  `json:"f1_score"`
}

// Curves are drawn for a binary model with scores. Points are thinned to what
// can be seen; the areas are made of all.
type Curves struct {
	ROC         [][2]float64 `json:"roc"` // false positive rate, true positive rate
	PR          [][2]float64 `json:"pr"`  // recall, precision
	Calibration []Bucket     `json:"calibration"`
}

// Bucket is a group of rows of similar score.
type Bucket struct {
	Score float64 `json:"score"` // their mean
	Rate  float64 `json:"rate"`  // share of positives
	Low   float64 `json:"low"`   // of its 95 % interval
	High  float64 `json:"high"`
	N     int64   `json:"n"`
}

// Column is a feature, or what was predicted.
type Column struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Grade   string   `json:"grade"`
	Drifted bool     `json:"drifted"`
	Method  string   `json:"method"`
	Value   *float64 `json:"value"`
	P       *float64 `json:"p_value,omitempty"`
	// Limit is that of the effect, or of the p-value with Evidently's tests.
	Limit  *float64 `json:"limit,omitempty"`
	Reason string   `json:"reason,omitempty"` // why there is no value
	// Absent says which file lacks the column: "reference" or "current".
	Absent            string   `json:"absent,omitempty"`
	Unseen            float64  `json:"unseen,omitempty"`
	UnseenSignificant bool     `json:"unseen_significant,omitempty"`
	Methods           []Method `json:"methods,omitempty"` // every one that applies

	Reference *State `json:"reference,omitempty"`
	Current   *State `json:"current,omitempty"`

	Histogram  *Histogram `json:"histogram,omitempty"`
	Categories []Category `json:"categories,omitempty"`
	Periods    []*float64 `json:"periods,omitempty"` // the value, by period
}

// Method is one way to measure how far a column has moved.
type Method struct {
	Name   string   `json:"name"`
	Value  *float64 `json:"value"`
	P      *float64 `json:"p_value,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// State is the quality of a column's data in one file.
type State struct {
	Rows        int64   `json:"rows"`
	Missing     int64   `json:"missing"`
	MissingRate float64 `json:"missing_rate"`
	NaN         int64   `json:"nan,omitempty"`
	Infinite    int64   `json:"infinite,omitempty"`
	TypeErrors  int64   `json:"type_errors,omitempty"`
	Outliers    int64   `json:"outliers,omitempty"`
	OutlierRate float64 `json:"outlier_rate,omitempty"`
	OutOfRange  int64   `json:"out_of_range,omitempty"`
	Unseen      int64   `json:"unseen,omitempty"`
	Distinct    int64   `json:"distinct,omitempty"` // different values
	// Constant columns have one value, almost constant ones have it in 95 % of
	// the rows.
	Constant       bool `json:"constant,omitempty"`
	AlmostConstant bool `json:"almost_constant,omitempty"`

	Mean      *float64     `json:"mean,omitempty"`
	SD        *float64     `json:"sd,omitempty"`
	Min       *float64     `json:"min,omitempty"`
	Max       *float64     `json:"max,omitempty"`
	Quantiles [][2]float64 `json:"quantiles,omitempty"` // rank, value
}

// Histogram counts both files in the same bins: bin i lies between edges i and
// i+1, its lower edge excluded but for the first.
type Histogram struct {
	Edges     []float64 `json:"edges"`
	Reference []int64   `json:"reference"`
	Current   []int64   `json:"current"`
	// Values outside the edges, which leave out far tails.
	Below [2]int64 `json:"below"` // reference, current
	Above [2]int64 `json:"above"`
}

// Category counts one value of a column of strings.
type Category struct {
	Name      string `json:"name"`
	Reference int64  `json:"reference"`
	Current   int64  `json:"current"`
	Rest      bool   `json:"rest,omitempty"` // all that are not listed
}

// Period is a part of the current file's time.
type Period struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"` // exclusive
	Rows        int64     `json:"rows"`
	Labels      int64     `json:"labels"`
	Metrics     []Value   `json:"metrics,omitempty"`
	Estimated   []Value   `json:"estimated,omitempty"`
	Drifted     int       `json:"drifted_features"`
	DataDrift   *float64  `json:"data_drift"`
	MissingRate *float64  `json:"missing_rate"` // the worst feature's
}

// WriteJSON writes the report, indented.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

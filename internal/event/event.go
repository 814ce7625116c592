// Package event holds the words that every stage shares: one batch of
// predictions, labels, reference rows, log lines or metric samples, in columns,
// and its bytes.
//
// A batch is self-contained: its header and columns carry everything that the
// fold needs to know (task, positive class, grid centre of each number), so
// that the same records give the same profiles wherever and whenever they are
// folded. A batch that was decoded shares memory with the bytes it was decoded
// from; it is read-only, and those bytes must outlive it. The bytes are
// described in docs/formats/batch.md.
package event

import "fmt"

// Kind says what the rows of a batch are.
type Kind uint8

// The kinds of rows.
const (
	Predictions Kind = 1 + iota
	Labels
	Reference
	Logs
	Samples // of metrics
)

var kindNames = map[Kind]string{Predictions: "predictions", Labels: "labels", Reference: "reference", Logs: "logs", Samples: "samples"}

func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Task is what a model is asked to do; it decides how a prediction and its
// label are compared.
type Task uint8

// The tasks. Unknown is that of a model from which only features were seen.
const (
	Unknown Task = iota
	Binary
	Multiclass
	Regression
	// Ranking is to put items in order: a prediction is the answer to a query,
	// and its label is what of it was wanted.
	Ranking
)

var taskNames = [...]string{"unknown", "binary", "multiclass", "regression", "ranking"}

func (t Task) String() string {
	if int(t) < len(taskNames) {
		return taskNames[t]
	}
	return fmt.Sprintf("task(%d)", uint8(t))
}

// ParseTask is the inverse of String.
func ParseTask(s string) (Task, error) {
	for i, name := range taskNames {
		if s == name {
			return Task(i), nil
		}
	}
	return Unknown, fmt.Errorf("task %q is not one of binary, multiclass, regression, ranking, unknown", s)
}

// Flags of a batch.
type Flags uint32

const (
	// Imported rows are history: they page nobody and stay out of the rule series.
	Imported Flags = 1 << iota
	// KeepBatchID asks that the batch id be remembered for ever, not for a day.
	KeepBatchID
)

// Header is what is said once for all rows.
type Header struct {
	Kind    Kind
	Task    Task
	Flags   Flags
	Arrived int64 // when the door took it, unix ms
	// Generation tells a model from one of the same name that was deleted: ids
	// and batch ids of one mean nothing to the other.
	Generation uint64
	Model      string // empty for logs
	Positive   string // the positive class of a binary model
	BatchID    string // the client's, or empty
}

// Batch is rows in columns. A column that no row uses has length 0; a feature
// that is listed so is known and missing from every row.
type Batch struct {
	Header
	Rows int

	ID      Text
	Time    []int64 // event time, unix ms
	Version Dict

	Pred       Dict // predicted class, of binary and multiclass models
	PredValue  Num  // predicted value, of regression models
	Label      Dict
	LabelValue Num
	Score      Num   // probability of the positive class
	Scores     []Num // probability by class, named for it

	Items    List // of a ranking: what was answered to the query, best first
	Relevant List // of its label: what of it was wanted, with gains, by hash

	Latency Num  // ms
	Err     Dict // what failed; null is success

	Segments []Dict // the segment fields that this batch is to be cut by
	Nums     []Num  // numeric features
	Cats     []Dict // categorical features; booleans are "true" and "false"

	Message Text // of a log line
	Attrs   Text // of a log line: one JSON object a row, or empty

	Points Points // of metric samples
}

// HasIDs tells whether the rows can be joined.
func (b *Batch) HasIDs() bool { return len(b.ID.Offsets) > 0 }

// Num is a column of numbers. NaN is a value; null is absence.
type Num struct {
	Name   string
	Values []float64
	Valid  []byte // bitmap, least significant bit first; nil when all are valid
	// Centre is the origin of the feature's grid and Epoch its number; epoch 0
	// means that none is fixed yet and values are to be kept.
	Centre float64
	Epoch  uint32
	// Others are further centres, ascending and above Centre, of a column whose
	// values crowd in several places far apart: a value belongs to the nearest.
	Others []float64
}

// MaxCentres is how many centres the grid of a column can have.
const MaxCentres = 8

// Present tells whether any row could have a value.
func (n *Num) Present() bool { return len(n.Values) > 0 }

// Null tells whether row i has no value.
func (n *Num) Null(i int) bool {
	return len(n.Values) == 0 || (n.Valid != nil && n.Valid[i>>3]&(1<<(i&7)) == 0)
}

// SetNull marks row i of a column under construction.
func (n *Num) SetNull(i int) {
	if n.Valid == nil {
		n.Valid = make([]byte, (len(n.Values)+7)/8)
		for j := range n.Valid {
			n.Valid[j] = 0xff
		}
	}
	n.Valid[i>>3] &^= 1 << (i & 7)
}

// Dict is a column of strings by code; code -1 is null.
type Dict struct {
	Name   string
	Codes  []int32
	Values []string
}

// Present tells whether any row could have a value.
func (d *Dict) Present() bool { return len(d.Codes) > 0 }

// At is row i's value; ok is false when it is null.
func (d *Dict) At(i int) (value string, ok bool) {
	if len(d.Codes) == 0 || d.Codes[i] < 0 {
		return "", false
	}
	return d.Values[d.Codes[i]], true
}

// Text is a column of strings one after the other; empty is null.
type Text struct {
	Offsets []uint32 // one more than rows
	Data    []byte
}

// At is row i's bytes, which the caller must not keep or change.
func (t *Text) At(i int) []byte {
	if len(t.Offsets) == 0 {
		return nil
	}
	return t.Data[t.Offsets[i]:t.Offsets[i+1]]
}

// Append adds a row to a column under construction.
func (t *Text) Append(s string) {
	if len(t.Offsets) == 0 {
		t.Offsets = append(t.Offsets, 0)
	}
	t.Data = append(t.Data, s...)
	t.Offsets = append(t.Offsets, uint32(len(t.Data)))
}

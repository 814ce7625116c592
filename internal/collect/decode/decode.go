// Package decode turns the body of a request into one columnar batch.
//
// It knows JSON, NDJSON, CSV, Arrow streams, Parquet and Leeway's own frames;
// the same rows in any of them give the same batch. A row that breaks a rule
// is left out and named in the result; the others stay. A body that cannot be
// read as a whole is a SyntaxError with its position, or a LimitError.
// Nothing that a body contains makes a decoder panic or use memory beyond its
// Limits. Decoders keep nothing between calls and may run side by side.
//
// Ownership: JSON, NDJSON and CSV copy what they keep; Arrow and Frame share
// the body's memory where they can, so the body must outlive the batch. The
// formats are described in docs/formats/ingest.md.
package decode

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/event"
)

// Options say what the body's rows are and what they may be.
type Options struct {
	Kind        event.Kind
	Model       string
	Now         int64          // unix ms; 0 is the clock's
	DefaultTime int64          // of rows without a time, unix ms; 0 is Now
	Zone        *time.Location // of times that name none; nil is UTC
	// Map names the column of a role: id, time, version, prediction, score,
	// label, latency_ms, error, segment.<name>, score.<class>. With a map, each
	// other column of CSV, Parquet, Arrow, and each other key of a JSON row, is
	// a feature.
	Map map[string]string
	// Text names the features whose values are strings even in a body in which
	// each of them looks like a number, or none has a value: who cuts a file into
	// bodies knows that of the whole. It is of use to CSV, Parquet and Arrow.
	Text        map[string]bool
	Limits      Limits
	FutureLimit time.Duration // default 10 minutes after Now
	PastLimit   time.Duration // default 10 years before Now; not for reference rows
}

// Limits bound one body. Zero is the default.
type Limits struct {
	Rows      int   // 1,000,000
	Cells     int   // rows x columns: 16 Mi, which is 128 MiB of numbers
	Features  int   // 1,000
	Segments  int   // 100 names
	Classes   int   // 1,000 names of per-class scores
	Name      int   // 256 bytes of a column's name
	String    int   // 1,024 bytes of a value
	IDBytes   int   // 256
	LineBytes int   // 64 KiB of a log line's message, and of its attributes
	BodyBytes int64 // 64 MiB, after decompression; also what Arrow and Parquet may unfold to, four times
}

func or[T int | int64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// WithDefaults is the limits with each zero replaced.
func (l Limits) WithDefaults() Limits {
	or(&l.Rows, 1_000_000)
	or(&l.Cells, 16<<20)
	or(&l.Features, 1000)
	or(&l.Segments, 100)
	or(&l.Classes, 1000)
	or(&l.Name, 256)
	or(&l.String, 1024)
	or(&l.IDBytes, 256)
	or(&l.LineBytes, 64<<10)
	or(&l.BodyBytes, 64<<20)
	l.Rows = min(l.Rows, event.MaxRows)
	return l
}

// resolve is a copy of the options with nothing left open.
func (o *Options) resolve(body []byte) (*Options, error) {
	r := *o
	r.Limits = r.Limits.WithDefaults()
	or(&r.Now, time.Now().UnixMilli())
	or(&r.DefaultTime, r.Now)
	or(&r.FutureLimit, 10*time.Minute)
	or(&r.PastLimit, 10*365*24*time.Hour)
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	if int64(len(body)) > r.Limits.BodyBytes {
		return nil, &LimitError{What: "bytes of body", Limit: r.Limits.BodyBytes}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Map)) {
		if role, _ := roleOf(name); role == roleNone {
			return nil, unreadable("the mapping names role %q, which is not one of %s, segment.<name>, score.<class>", name, strings.Join(mappable, ", "))
		}
	}
	return &r, nil
}

// ParseMap reads a mapping as it stands in a query or on a command line:
// id=…,time=…,prediction=….
func ParseMap(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	m := map[string]string{}
	for _, pair := range strings.Split(s, ",") {
		name, column, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		if role, _ := roleOf(name); !ok || column == "" || role == roleNone {
			return nil, fmt.Errorf("mapping %q is not role=column with a role of %s, segment.<name>, score.<class>", pair, strings.Join(mappable, ", "))
		}
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("mapping names %q twice", name)
		}
		m[name] = column
	}
	return m, nil
}

// Rejection is a row that was left out.
type Rejection struct {
	Row    int    `json:"row"` // in the body, from 0
	Field  string `json:"field,omitempty"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// Warning is something of the body that was not used, or not as it stood;
// its row was accepted.
type Warning struct {
	Field  string `json:"field,omitempty"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// MaxListed bounds the rejections and the warnings of a result.
const MaxListed = 100

// Result is what came of a body.
type Result struct {
	Batch         *event.Batch
	Rows          int         // all that were seen
	Accepted      int         // those in Batch
	Rejected      []Rejection // the first MaxListed
	RejectedCount int
	RejectedBy    map[string]int // by code; nil when none was
	Warnings      []Warning      // the first MaxListed
	// RowIndex is the number in the body of each row of Batch; nil when none
	// was left out.
	RowIndex []int32
}

// RowOf is the number in the body of the batch's row i.
func (r *Result) RowOf(i int) int {
	if r.RowIndex == nil {
		return i
	}
	return int(r.RowIndex[i])
}

// The codes of rejections and warnings.
const (
	CodeSyntax      = "syntax"        // the row cannot be read
	CodeType        = "type"          // a value of the wrong kind
	CodeRange       = "range"         // a value outside its range
	CodeTime        = "time"          // a time that cannot be read
	CodeFuture      = "time_future"   // a time too far ahead
	CodePast        = "time_past"     // a time too long ago
	CodeTooLong     = "too_long"      // a string or name over its limit
	CodeTooMany     = "too_many"      // more features, segments or classes than allowed
	CodeMissing     = "missing"       // a field that this kind of row must have
	CodeEmpty       = "empty"         // a row that says nothing
	CodeDuplicate   = "duplicate_key" // one name twice in a row
	CodeFields      = "fields"        // a CSV row of another width than its header
	CodeUnknown     = "unknown_field" // a warning: not used
	CodeTruncated   = "truncated"     // a warning: cut to its limit
	CodeUnsupported = "unsupported"   // a warning: a column of a type that cannot be used
)

// Package report compares two files, a reference and what is to be judged by
// it, and says what it found as one page of HTML and as JSON. It needs no
// server and is behind leeway report.
//
// Nothing is counted in its own way here: columns are decoded by
// collect/decode, kept whole in exact summaries of profile, and each number is
// made by the function of measure that makes it on the server. So a number in
// a report is that of the server without the rounding of its grids.
//
// Features are read one by one, by as many workers as there are processors;
// a Parquet file is never in memory as a whole, but one column of both files
// for each worker is, and the columns of roles (id, time, prediction, score,
// label) are for the whole run. CSV and JSON come by rows, so all of their
// columns are kept: 8 bytes a number, 4 bytes and the distinct strings for a
// column of strings.
//
// The JSON is described in docs/formats/report.md.
package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leewayhq/leeway/internal/collect/file"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/twosample"
)

// Options say what is compared, and how.
type Options struct {
	Reference, Current string // CSV, NDJSON, a JSON array (each also .gz or .zst) or Parquet
	Labels             string // of the current file, joined by id; may be empty
	// Map names the column of a role, as decode.Options does; each other column
	// is a feature. Ignore names columns that are neither.
	Map      map[string]string
	Ignore   []string
	Task     event.Task // Unknown is inferred
	Positive string     // the positive class; empty is inferred
	Drift    measure.DriftOptions
	Also     []string // drift methods that are told besides the usual ones
	Period   string   // of Periods; empty chooses by the time that is spanned
	Zone     *time.Location
	Title    string
	// Conditions are checked last; see ParseCondition.
	Conditions []Condition
	Workers    int       // 0 is one a processor
	Progress   io.Writer // as file.Options has it
	Now        time.Time // zero is the clock's
}

// Periods lists what Options.Period may be.
func Periods() []string {
	return []string{"hour", "day", "week", "month", "quarter", "year", "none"}
}

// Validate reports everything that is wrong with the options.
func (o *Options) Validate() error {
	var errs []error
	if o.Reference == "" {
		errs = append(errs, errors.New("no reference file is named"))
	}
	if o.Current == "" {
		errs = append(errs, errors.New("no current file is named"))
	}
	if o.Task == event.Ranking {
		errs = append(errs, errors.New("a ranking is judged by a server (leeway import), not by a report"))
	}
	if o.Period != "" && !slices.Contains(Periods(), o.Period) {
		errs = append(errs, fmt.Errorf("period %q is not one of %v", o.Period, Periods()))
	}
	for _, name := range o.Also {
		if _, ok := twosample.Lookup(name); !ok {
			errs = append(errs, fmt.Errorf("drift method %q is not one of %v", name, measure.Methods()))
		}
	}
	return errors.Join(append(errs, o.Drift.Validate()...)...)
}

// maker is a report under construction.
type maker struct {
	o        Options
	out      *Report
	ref, cur *table
	drawing  sync.Mutex // of the bar
	bar      *file.Progress
	reading  atomic.Int64 // bytes of the files that come by rows
	spans    []span       // the periods; nil without a time column
	periodOf []int32      // by row of the current file
	chunkOf  []int32      // by row of the reference, for NannyML's preset
	methods  []string
	drifts   []measure.FeatureDrift
}

// Make reads the files and compares them. The error is that of reading or of
// the options; a condition that holds is none and stands in the report.
func Make(ctx context.Context, o Options) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	m := &maker{o: o, methods: listed(&o), bar: file.NewProgress(o.Progress)}
	m.out = &Report{Format: Format, Version: Version, Created: o.Now.UTC().Truncate(time.Second), Title: o.Title, Zone: o.Zone.String()}
	if err := m.run(ctx); err != nil {
		return nil, err
	}
	return m.out, nil
}

func (m *maker) run(ctx context.Context) error {
	if err := m.open(ctx); err != nil {
		return err
	}
	defer m.ref.close()
	defer m.cur.close()
	if err := m.join(ctx); err != nil {
		return err
	}
	m.infer()
	m.cutPeriods()
	m.cutChunks()
	m.judgeModel()
	if err := m.compareFeatures(ctx); err != nil {
		return err
	}
	m.summarise()
	m.out.Conditions = check(m.o.Conditions, m.out)
	m.bar.End(fmt.Sprintf("%d columns", len(m.out.Features)))
	return nil
}

// step draws how far the run is.
func (m *maker) step(done float64, what string) {
	m.drawing.Lock()
	defer m.drawing.Unlock()
	m.bar.Step(done, what)
}

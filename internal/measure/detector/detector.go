// Package detector watches a stream of numbers, one at a time, and says when
// they changed: the mean of a series, its distribution, or the rate of errors
// among labelled predictions. Each algorithm is a file, and a row of the table
// (table.go) that gives its names, parameters, ranges and source.
//
// What holds for all of them:
//   - Memory is bounded by the parameters, not by the stream; ADWIN's grows
//     with the logarithm of its window.
//   - The same values give the same answers. What draws a sample does so from a
//     generator with a fixed seed.
//   - After Drift a detector begins anew with the next value.
//   - NaN, the infinities, and what the kind of stream excludes are passed over
//     and counted; they change nothing. Values beyond 1e100 count as 1e100.
//   - A stream that never changes never fires.
//
// The package imports nothing of Leeway and starts no goroutine. A Detector is
// for one goroutine.
package detector

import (
	"fmt"
	"math"
	"slices"
)

// State is what a detector thinks after a value.
type State uint8

// The states. Few detectors know Warning.
const (
	Stable State = iota
	Warning
	Drift
)

func (s State) String() string { return [...]string{"stable", "warning", "drift"}[s] }

// algorithm is what a row makes. Update gets finite values that its kind
// allows; after Drift it is reset before the next one.
type algorithm interface {
	update(x float64) State
	reset()
}

// Detector is one algorithm at one stream.
type Detector struct {
	row     *Row
	alg     algorithm
	seen    int64
	skipped int64
}

// Options choose what differs from a row's defaults.
type Options struct {
	// Params are the parameters by name; what is not named has its default.
	Params map[string]float64
	// Standardise, if not 0, divides what arrives by the standard deviation of
	// the first so many values, after taking their mean away. Limits in units
	// of the value, such as the threshold of Page-Hinkley, then are in standard
	// deviations. Until the values differ there is no scale, and nothing fires.
	Standardise int
	// Sample draws for KSWIN; nil is the package's own.
	Sample Sampler
}

// MaxStandardise bounds Options.Standardise, whose values are kept.
const MaxStandardise = 10_000

// New makes the named detector.
func New(name string, o Options) (*Detector, error) {
	rows := Table()
	i := slices.IndexFunc(rows, func(r Row) bool { return r.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("detector %q is not known", name)
	}
	row := &rows[i]
	p, err := row.params(o.Params)
	if err != nil {
		return nil, fmt.Errorf("detector %s: %w", name, err)
	}
	if o.Standardise < 0 || o.Standardise == 1 || o.Standardise > MaxStandardise {
		return nil, fmt.Errorf("detector %s: %d values to standardise by are not 0 or 2 to %d", name, o.Standardise, MaxStandardise)
	}
	if p.sample = o.Sample; p.sample == nil {
		p.sample = ownSampler
	}
	alg := row.make(p)
	if o.Standardise > 0 {
		alg = newStandard(alg, o.Standardise)
	}
	return &Detector{row: row, alg: alg}, nil
}

// huge is the largest value that is told apart: squares of it, and sums of
// these, are finite.
const huge = 1e100

// Update takes the next value.
func (d *Detector) Update(x float64) State {
	if !d.row.Kind.allows(x) {
		d.skipped++
		return Stable
	}
	d.seen++
	s := d.alg.update(max(-huge, min(huge, x)))
	if s == Drift {
		d.alg.reset()
	}
	return s
}

// Reset begins anew, also the counts.
func (d *Detector) Reset() {
	d.alg.reset()
	d.seen, d.skipped = 0, 0
}

// Seen and Skipped are how many values were taken and passed over.
func (d *Detector) Seen() int64 { return d.seen }

// Skipped is how many values were passed over.
func (d *Detector) Skipped() int64 { return d.skipped }

// Row is the row of the table that it was made from.
func (d *Detector) Row() Row { return *d.row }

// Kind is what a stream consists of.
type Kind string

// The kinds of streams.
const (
	Values Kind = "values" // any finite numbers
	Unit   Kind = "unit"   // numbers from 0 to 1
	Errors Kind = "errors" // 1 is an error, 0 is none
)

func (k Kind) allows(x float64) bool {
	switch k {
	case Unit:
		return x >= 0 && x <= 1
	case Errors:
		return x == 0 || x == 1
	}
	return !math.IsNaN(x) && !math.IsInf(x, 0)
}

// mean is a running mean.
type mean struct {
	n     float64
	value float64
}

func (m *mean) add(x float64) {
	m.n++
	m.value += (x - m.value) / m.n
}

package multivariate

import (
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// TableOf is the features of a row sample.
func TableOf(s *profile.Sample) *Table {
	var numbers []Numbers
	var strings []Strings
	for _, c := range s.Nums {
		numbers = append(numbers, Numbers(c))
	}
	for _, c := range s.Cats {
		strings = append(strings, Strings(c))
	}
	t := NewTable(numbers, strings)
	t.rows = s.Rows()
	return t
}

// MinRows is the support that each side of a comparison needs.
const MinRows = 100

// fewestChunks of the reference are needed to take limits from their spread.
const fewestChunks = 5

// classifierLimit is the area from which on samples are far apart; a smaller
// one may be significant in large samples and matter to nobody.
const classifierLimit = 0.65

// Drift is a multivariate comparison of current rows with a reference.
type Drift struct {
	Rows, RefRows  int
	Reconstruction *ReconstructionDrift // nil when the reference has fewer than two columns
	Classifier     *Separation          // nil when it was not asked for
	Correlations   []CorrelationShift
}

// ReconstructionDrift is the reconstruction error and the limits that the
// reference sets.
type ReconstructionDrift struct {
	Error, Reference ErrorValue
	Lower, Upper     float64
	// Method of the limits: "chunks", the mean ± 3 deviations of the reference's
	// chunks, or "standard_error" where there are too few of them.
	Method              string
	Drifted             bool
	Components, Columns int
}

// Compare measures how far current rows are from the reference, which comes
// in chunks of time or as one. ErrTooFew is returned below MinRows.
func Compare(ref []*profile.Sample, cur *profile.Sample, classifier bool) (*Drift, error) {
	whole := Whole(ref)
	if min(whole.Rows(), cur.Rows()) < MinRows {
		return nil, ErrTooFew
	}
	before, now := TableOf(whole), TableOf(cur)
	d := &Drift{Rows: now.Rows(), RefRows: before.Rows(), Correlations: Correlations(before, now)}
	if before.Columns() >= 2 {
		m, err := FitReconstruction(before)
		if err != nil {
			return nil, err
		}
		d.Reconstruction = m.drift(before, now, ref)
	}
	if classifier {
		s, err := Separate(before, now)
		if err != nil {
			return nil, err
		}
		d.Classifier = &s
	}
	return d, nil
}

// Whole is the sample of all chunks, which stay as they are.
func Whole(chunks []*profile.Sample) *profile.Sample {
	var sum profile.SampleSum
	for _, chunk := range chunks {
		sum.Add(chunk.Clone())
	}
	return sum.Total()
}

// Drifted tells whether the samples are far apart and not by chance.
func (s *Separation) Drifted() bool { return s.AUC >= classifierLimit && s.Low > 0.5 }

func (m *Reconstruction) drift(before, now *Table, ref []*profile.Sample) *ReconstructionDrift {
	base := m.Errors(before)
	sd := SD(base)
	d := &ReconstructionDrift{
		Error: Mean(m.Errors(now), sd), Reference: Mean(base, sd), Components: m.Components(), Columns: before.Columns(),
	}
	var means []float64
	for _, chunk := range ref {
		if chunk.Rows() >= MinRows {
			means = append(means, meanOf(m.Errors(TableOf(chunk))))
		}
	}
	d.Method = "chunks"
	low, high, ok := Limits(means)
	if !ok || len(means) < fewestChunks {
		half := 3 * sd * math.Sqrt(1/float64(before.Rows())+1/float64(now.Rows()))
		d.Method, low, high = "standard_error", max(0, d.Reference.Mean-half), d.Reference.Mean+half
	}
	d.Lower, d.Upper = low, high
	d.Drifted = d.Error.Mean < low || d.Error.Mean > high
	return d
}

// Excess is how far the error is from the reference's in units of the distance
// to the limit on that side; 1 is the limit. NaN when the limits have no width.
func (d *ReconstructionDrift) Excess() float64 {
	off := d.Error.Mean - d.Reference.Mean
	if off >= 0 {
		return off / (d.Upper - d.Reference.Mean)
	}
	return off / (d.Lower - d.Reference.Mean)
}

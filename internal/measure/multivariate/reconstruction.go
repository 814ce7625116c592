package multivariate

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// keptVariance is the share of the variance that the components keep.
const keptVariance = 0.65

// Reconstruction is principal components fitted on a reference. Rows that keep
// to the reference's structure are rebuilt from few components with a small
// error; rows that break it, with every single column still in its range, are
// not. Definition as in NannyML: impute, count-encode, standardise, keep 65 %
// of the variance, mean Euclidean error of the standardised rows.
type Reconstruction struct {
	encoder    encoder
	scale      scale
	components [][]float64 // orthonormal, the strongest first
}

// ErrTooFew is returned where a table is too small to be fitted on.
var ErrTooFew = errors.New("two columns and two rows at least are needed")

// FitReconstruction fits on a reference.
func FitReconstruction(ref *Table) (*Reconstruction, error) {
	if ref.Columns() < 2 || ref.Rows() < 2 {
		return nil, ErrTooFew
	}
	m := &Reconstruction{encoder: fitEncoder(ref)}
	cols := m.encoder.encode(ref)
	m.scale = fitScale(cols)
	m.scale.apply(cols)
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance(cols), true) {
		return nil, errors.New("the covariance of the reference could not be factorised")
	}
	m.keep(&eigen)
	return m, nil
}

// covariance is that of standardised columns.
func covariance(cols [][]float64) *mat.SymDense {
	n := len(cols)
	c := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			sum := 0.0
			for r, v := range cols[i] {
				sum += v * cols[j][r]
			}
			c.SetSym(i, j, sum/float64(len(cols[i])-1))
		}
	}
	return c
}

// keep takes as many components as it needs for more than the kept share.
func (m *Reconstruction) keep(eigen *mat.EigenSym) {
	values := eigen.Values(nil) // ascending
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	total := 0.0
	for _, v := range values {
		total += max(v, 0)
	}
	sum := 0.0
	for i := len(values) - 1; i >= 0; i-- {
		m.components = append(m.components, mat.Col(nil, i, &vectors))
		if sum += max(values[i], 0); sum > keptVariance*total {
			return
		}
	}
}

// Components is how many components are kept.
func (m *Reconstruction) Components() int { return len(m.components) }

// Errors is each row's Euclidean distance from its reconstruction, in standard
// deviations of the reference.
func (m *Reconstruction) Errors(t *Table) []float64 {
	cols := m.encoder.encode(t)
	m.scale.apply(cols)
	out := make([]float64, t.Rows())
	row, back := make([]float64, len(cols)), make([]float64, len(cols))
	for r := range out {
		for i, col := range cols {
			row[i] = col[r]
		}
		m.rebuild(row, back)
		sum := 0.0
		for i, v := range row {
			sum += (v - back[i]) * (v - back[i])
		}
		out[r] = math.Sqrt(sum)
	}
	return out
}

func (m *Reconstruction) rebuild(row, back []float64) {
	clear(back)
	for _, c := range m.components {
		dot := 0.0
		for i, v := range row {
			dot += v * c[i]
		}
		for i := range back {
			back[i] += dot * c[i]
		}
	}
}

// ErrorValue is a mean reconstruction error and how sure it is.
type ErrorValue struct {
	Mean      float64
	Low, High float64 // mean ± 3 standard errors (sd of the reference's rows by root n)
	N         int
}

// Mean is the mean error of a table; refSD is the deviation of the
// reference's row errors, from SD.
func Mean(errors []float64, refSD float64) ErrorValue {
	v := ErrorValue{Mean: meanOf(errors), N: len(errors)}
	if v.N == 0 {
		v.Mean = math.NaN()
	}
	half := 3 * refSD / math.Sqrt(float64(v.N))
	v.Low, v.High = max(0, v.Mean-half), v.Mean+half
	return v
}

// SD is the deviation (ddof 1) of row errors.
func SD(errors []float64) float64 {
	m, sum := meanOf(errors), 0.0
	for _, e := range errors {
		sum += (e - m) * (e - m)
	}
	return math.Sqrt(sum / float64(len(errors)-1))
}

// Limits are the mean ± 3 deviations (ddof 0) of the means of the reference's
// chunks: a chunk outside is drifted. ok is false with fewer than two chunks.
func Limits(chunkMeans []float64) (low, high float64, ok bool) {
	means := slices.DeleteFunc(slices.Clone(chunkMeans), math.IsNaN)
	if len(means) < 2 {
		return 0, 0, false
	}
	m, sum := meanOf(means), 0.0
	for _, v := range means {
		sum += (v - m) * (v - m)
	}
	half := 3 * math.Sqrt(sum/float64(len(means)))
	return max(0, m-half), m + half, true
}

package multivariate

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Importances is a stand-in for a model that does not say what it looks at: a
// ridge regression of what it predicted on its standardised inputs, a string
// being encoded as the mean prediction of its rows. A column's part is the
// size of its coefficient. fit is the share of the prediction's variance that
// the line explains (R²): where it is low, the importances mean little.
func Importances(t *Table, predicted []float64) (list []Weight, fit float64, err error) {
	rows := presentRows(predicted)
	if len(rows) < 10*(t.Columns()+1) || t.Columns() == 0 {
		return nil, 0, ErrTooFew
	}
	names, cols := targetEncode(t, predicted, rows)
	y := take(predicted, rows)
	centre(y)
	total := dot(y, y)
	if !(total > 0) {
		return nil, 0, errors.New("the predictions are all the same")
	}
	s := fitScale(cols)
	s.apply(cols)
	coefficients, err := ridgeFit(cols, y)
	if err != nil {
		return nil, 0, err
	}
	left := 0.0
	for r, v := range y {
		for i, col := range cols {
			v -= coefficients[i] * col[r]
		}
		left += v * v
	}
	for i, c := range coefficients {
		coefficients[i] = math.Abs(c)
	}
	return shares(names, coefficients), max(0, 1-left/total), nil
}

func presentRows(v []float64) (rows []int) {
	for i, x := range v {
		if x-x == 0 {
			rows = append(rows, i)
		}
	}
	return rows
}

func take(v []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = v[r]
	}
	return out
}

func centre(v []float64) {
	m := meanOf(v)
	for i := range v {
		v[i] -= m
	}
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// smoothing is how many rows of the overall mean a category's mean is drawn
// towards, so that a rare one does not stand for its few rows.
const smoothing = 20

func targetEncode(t *Table, y []float64, rows []int) (names []string, cols [][]float64) {
	for _, c := range t.Numbers {
		col := take(c.Values, rows)
		fill := meanOf(col)
		for i, v := range col {
			if v-v != 0 {
				col[i] = fill
			}
		}
		names, cols = append(names, c.Name), append(cols, col)
	}
	overall := meanOf(take(y, rows))
	for _, c := range t.Strings {
		sum, n := map[string]float64{}, map[string]float64{}
		for _, r := range rows {
			sum[c.Values[r]] += y[r]
			n[c.Values[r]]++
		}
		col := make([]float64, len(rows))
		for i, r := range rows {
			v := c.Values[r]
			col[i] = (sum[v] + smoothing*overall) / (n[v] + smoothing)
		}
		names, cols = append(names, c.Name), append(cols, col)
	}
	return names, cols
}

// ridgeFit solves (X'X + n/1000 I) b = X'y: enough to keep columns that say the
// same from pulling against each other.
func ridgeFit(cols [][]float64, y []float64) ([]float64, error) {
	n := len(cols)
	gram, right := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			v := dot(cols[i], cols[j])
			if i == j {
				v += float64(len(y)) / 1000
			}
			gram.SetSym(i, j, v)
		}
		right.SetVec(i, dot(cols[i], y))
	}
	var chol mat.Cholesky
	if !chol.Factorize(gram) {
		return nil, errors.New("the inputs cannot be told apart")
	}
	var b mat.VecDense
	if err := chol.SolveVecTo(&b, right); err != nil {
		return nil, err
	}
	return mat.Col(nil, 0, &b), nil
}

// Package multivariate measures what the columns of a table do together:
// reconstruction error, a classifier that tells two samples apart, changes of
// correlation, and how much a model looks at each column. Marginal profiles
// cannot answer these; they need whole rows, most often the sample that
// profile.Sample keeps.
//
// Everything is pure and deterministic: the same rows in the same order give
// the same number.
package multivariate

import (
	"math"
	"slices"
)

// Table is rows by column. All columns have the same length; a missing number
// is NaN, a missing string is empty.
type Table struct {
	Numbers []Numbers
	Strings []Strings
	rows    int
}

// Numbers is a numeric column.
type Numbers struct {
	Name   string
	Values []float64
}

// Strings is a categorical column.
type Strings struct {
	Name   string
	Values []string
}

// NewTable takes columns of equal length; it panics when they are not, which
// is a mistake of the caller.
func NewTable(numbers []Numbers, strings []Strings) *Table {
	t := &Table{Numbers: numbers, Strings: strings, rows: -1}
	for _, c := range numbers {
		t.grow(len(c.Values))
	}
	for _, c := range strings {
		t.grow(len(c.Values))
	}
	t.rows = max(t.rows, 0)
	return t
}

func (t *Table) grow(n int) {
	if t.rows >= 0 && t.rows != n {
		panic("multivariate: columns of different length")
	}
	t.rows = n
}

// Rows is the number of rows.
func (t *Table) Rows() int { return t.rows }

// Columns is the number of columns.
func (t *Table) Columns() int { return len(t.Numbers) + len(t.Strings) }

// encoder makes numbers of a table's columns as they were in the table that it
// was fitted on: a missing number is the mean, a missing string the most
// frequent one, a string is the share of the fitted rows that had it (0 when
// none did).
type encoder struct {
	numbers []numberCode
	strings []stringCode
}

type numberCode struct {
	name string
	fill float64
}

type stringCode struct {
	name  string
	fill  string
	share map[string]float64
}

func fitEncoder(t *Table) encoder {
	var e encoder
	for _, c := range t.Numbers {
		e.numbers = append(e.numbers, numberCode{c.Name, meanOf(c.Values)})
	}
	for _, c := range t.Strings {
		e.strings = append(e.strings, fitStrings(&c))
	}
	return e
}

func meanOf(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if v-v == 0 {
			sum += v
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

func fitStrings(c *Strings) stringCode {
	counts := map[string]int{}
	for _, v := range c.Values {
		if v != "" {
			counts[v]++
		}
	}
	code := stringCode{name: c.Name, share: map[string]float64{}}
	for v, n := range counts {
		if best := counts[code.fill]; n > best || n == best && v < code.fill {
			code.fill = v
		}
	}
	if code.fill != "" {
		counts[code.fill] += countOf(c.Values, "")
	}
	for v, n := range counts {
		code.share[v] = float64(n) / float64(len(c.Values))
	}
	return code
}

func countOf(values []string, want string) (n int) {
	for _, v := range values {
		if v == want {
			n++
		}
	}
	return n
}

func (e *encoder) width() int { return len(e.numbers) + len(e.strings) }

func (e *encoder) names() []string {
	var out []string
	for _, c := range e.numbers {
		out = append(out, c.name)
	}
	for _, c := range e.strings {
		out = append(out, c.name)
	}
	return out
}

// encode gives the fitted columns of t, column by column; a column that t
// lacks is missing from every row.
func (e *encoder) encode(t *Table) [][]float64 {
	out := make([][]float64, 0, e.width())
	for _, code := range e.numbers {
		col := slices.Repeat([]float64{code.fill}, t.rows)
		if i := slices.IndexFunc(t.Numbers, func(c Numbers) bool { return c.Name == code.name }); i >= 0 {
			for r, v := range t.Numbers[i].Values {
				if v-v == 0 {
					col[r] = v
				}
			}
		}
		out = append(out, col)
	}
	for _, code := range e.strings {
		col := slices.Repeat([]float64{code.share[code.fill]}, t.rows)
		if i := slices.IndexFunc(t.Strings, func(c Strings) bool { return c.Name == code.name }); i >= 0 {
			for r, v := range t.Strings[i].Values {
				if v != "" {
					col[r] = code.share[v]
				}
			}
		}
		out = append(out, col)
	}
	return out
}

// scale is the mean and deviation (ddof 0) of each column; a constant column
// has deviation 1, so that it is 0 everywhere.
type scale struct{ mean, sd []float64 }

func fitScale(cols [][]float64) scale {
	var s scale
	for _, col := range cols {
		m := meanOf(col)
		sum := 0.0
		for _, v := range col {
			sum += (v - m) * (v - m)
		}
		sd := math.Sqrt(sum / float64(len(col)))
		if !(sd > 10*epsilon*math.Abs(m)) {
			sd = 1
		}
		s.mean, s.sd = append(s.mean, m), append(s.sd, sd)
	}
	return s
}

const epsilon = 2.220446049250313e-16

func (s *scale) apply(cols [][]float64) {
	for i, col := range cols {
		for r := range col {
			col[r] = (col[r] - s.mean[i]) / s.sd[i]
		}
	}
}

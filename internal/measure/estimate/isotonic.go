package estimate

import (
	"sort"

	"github.com/leewayhq/leeway/internal/measure"
)

// curve is a function of the score that never falls: straight lines between
// knots, level beyond the first and the last.
type curve struct{ x, y []float64 }

// near is how close two scores are one: the resolution of float64 as numpy
// and scikit-learn have it.
const near = 1e-15

// isotonic is the curve that never falls and is nearest, in squares, to the
// share of positives at each score (pool adjacent violators). cells ascend by
// score; there must be one.
func isotonic(cells []measure.Scored) curve {
	type block struct {
		positives, rows float64
		knots           int
	}
	var c curve
	var blocks []block
	for _, cell := range cells {
		rows := float64(cell.Pos + cell.Neg)
		if rows == 0 {
			continue
		}
		if n := len(c.x); n > 0 && cell.Score-c.x[n-1] < near {
			last := &blocks[len(blocks)-1]
			last.positives, last.rows = last.positives+float64(cell.Pos), last.rows+rows
		} else {
			c.x = append(c.x, cell.Score)
			blocks = append(blocks, block{float64(cell.Pos), rows, 1})
		}
		for n := len(blocks); n > 1 && blocks[n-2].positives*blocks[n-1].rows >= blocks[n-1].positives*blocks[n-2].rows; n-- {
			a, b := &blocks[n-2], blocks[n-1]
			*a = block{a.positives + b.positives, a.rows + b.rows, a.knots + b.knots}
			blocks = blocks[:n-1]
		}
	}
	for _, b := range blocks {
		for range b.knots {
			c.y = append(c.y, b.positives/b.rows)
		}
	}
	return c
}

// at is the curve's value.
func (c *curve) at(x float64) float64 {
	i := sort.SearchFloat64s(c.x, x)
	switch {
	case i == len(c.x):
		return c.y[i-1]
	case i == 0 || c.x[i] == x || c.y[i] == c.y[i-1]:
		return c.y[i]
	}
	return c.y[i-1] + (c.y[i]-c.y[i-1])*(x-c.x[i-1])/(c.x[i]-c.x[i-1])
}

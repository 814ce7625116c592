package report

import (
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// maxDistinct is how many values of a column of strings are counted by name.
const maxDistinct = 100_000

// gathered is one feature of one file, taken in from its pieces. Its slices
// are used again for the next feature.
type gathered struct {
	rows                int64
	nan, posInf, negInf int64
	values              []float64 // finite, by row until they are sorted
	at                  []int32   // the row of each value, where periods are wanted
	counts              map[string]int64
	hasText             bool
	// By period, of strings.
	byPeriod []map[string]int64
}

func (g *gathered) reset() {
	*g = gathered{values: g.values[:0], at: g.at[:0]}
}

// take counts the feature of a table. periods is the period of each row, or nil.
func (g *gathered) take(r reader, name string, periods []int32, spans int) error {
	g.reset()
	if periods != nil {
		g.byPeriod = make([]map[string]int64, spans)
	}
	row := 0
	return r.pieces(name, func(num *event.Num, cat *event.Dict, rows int) {
		if rows < 0 { // the other kind of the piece before
			rows, row, g.rows = -rows, row+rows, g.rows+int64(rows)
		}
		switch {
		case num != nil:
			g.takeNumbers(num, row, periods != nil)
		case cat != nil:
			g.takeText(cat, row, periods)
		}
		row += rows
		g.rows += int64(rows)
	})
}

func (g *gathered) takeNumbers(n *event.Num, row int, withRows bool) {
	g.values = slices.Grow(g.values, len(n.Values))
	for i, v := range n.Values {
		switch {
		case n.Valid != nil && n.Null(i):
		case v-v == 0:
			g.values = append(g.values, v)
			if withRows {
				g.at = append(g.at, int32(row+i))
			}
		case math.IsNaN(v):
			g.nan++
		case v > 0:
			g.posInf++
		default:
			g.negInf++
		}
	}
}

func (g *gathered) takeText(d *event.Dict, row int, periods []int32) {
	g.hasText = true
	if g.counts == nil {
		g.counts = map[string]int64{}
	}
	byCode := make([]int64, len(d.Values))
	for _, c := range d.Codes {
		if c >= 0 {
			byCode[c]++
		}
	}
	for c, n := range byCode {
		if n > 0 {
			g.counts[d.Values[c]] += n
		}
	}
	if periods == nil {
		return
	}
	for i, c := range d.Codes {
		p := periods[row+i]
		if c < 0 || p < 0 {
			continue
		}
		if g.byPeriod[p] == nil {
			g.byPeriod[p] = map[string]int64{}
		}
		g.byPeriod[p][d.Values[c]]++
	}
}

// feature is the summary of all rows. The values are sorted in place and
// belong to it until the next reset.
func (g *gathered) feature(s *scratch) *profile.Feature {
	s.sort(g.values)
	return g.summary()
}

// summary is made of values that are sorted.
func (g *gathered) summary() *profile.Feature {
	f := &profile.Feature{Rows: g.rows}
	if len(g.values) > 0 || g.nan+g.posInf+g.negInf > 0 || !g.hasText {
		f.Num = profile.ExactNumeric(g.values, g.nan, g.posInf, g.negInf)
	}
	if g.hasText {
		counts := g.counts
		if counts == nil {
			counts = map[string]int64{}
		}
		f.Cat = profile.ExactCategories(counts, maxDistinct)
	}
	return f
}

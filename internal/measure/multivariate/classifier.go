package multivariate

import (
	"cmp"
	"math"
	"slices"
)

// The classifier is small on purpose: it must tell whether two samples differ,
// not win a contest.
const (
	folds       = 5
	trees       = 40
	depth       = 3
	bins        = 32
	learning    = 0.15
	minLeafRows = 20
	ridge       = 1.0 // added to a leaf's sum of second derivatives
)

// Separation is how well a classifier tells current rows from reference rows
// (a domain classifier): an area under the ROC curve of 0.5 says not at all.
type Separation struct {
	AUC       float64
	Low, High float64 // 95 %, Hanley and McNeil (1982)
	N, RefN   int
	Features  []Weight // which columns it looked at, the most useful first
}

// Weight is a column's part of a whole.
type Weight struct {
	Name  string
	Share float64
}

// Separate trains boosted trees on four fifths of the rows and scores the
// fifth that was left out, five times over. It finds changes that no single
// column shows. ErrTooFew is returned where a side has too few rows.
func Separate(ref, cur *Table) (Separation, error) {
	if ref.Columns() == 0 || min(ref.Rows(), cur.Rows()) < 2*folds*minLeafRows {
		return Separation{}, ErrTooFew
	}
	e := fitEncoder(ref)
	both := joinColumns(e.encode(ref), e.encode(cur))
	d := newBinned(both)
	truth := make([]float64, ref.Rows()+cur.Rows())
	for i := ref.Rows(); i < len(truth); i++ {
		truth[i] = 1
	}
	score, gain := make([]float64, len(truth)), make([]float64, len(both))
	for fold := range folds {
		f := fit(d, truth, func(r int) bool { return r%folds != fold })
		for r := fold; r < len(truth); r += folds {
			score[r] = f.score(d, r)
		}
		for i, g := range f.gain {
			gain[i] += g
		}
	}
	s := Separation{N: cur.Rows(), RefN: ref.Rows(), Features: shares(e.names(), gain)}
	s.AUC = area(score, truth)
	s.interval()
	return s, nil
}

func joinColumns(a, b [][]float64) [][]float64 {
	out := make([][]float64, len(a))
	for i := range a {
		out[i] = slices.Concat(a[i], b[i])
	}
	return out
}

// shares are the columns by their part of the sum.
func shares(names []string, gain []float64) []Weight {
	total := 0.0
	for _, g := range gain {
		total += g
	}
	out := make([]Weight, len(names))
	for i, name := range names {
		out[i].Name = name
		if total > 0 {
			out[i].Share = gain[i] / total
		}
	}
	slices.SortStableFunc(out, func(a, b Weight) int { return cmp.Compare(b.Share, a.Share) })
	return out
}

func (s *Separation) interval() {
	a, n, m := s.AUC, float64(s.N), float64(s.RefN)
	q1, q2 := a/(2-a), 2*a*a/(1+a)
	v := (a*(1-a) + (n-1)*(q1-a*a) + (m-1)*(q2-a*a)) / (n * m)
	half := 1.959963984540054 * math.Sqrt(max(0, v))
	s.Low, s.High = max(0, a-half), min(1, a+half)
}

// area is the area under the ROC curve; ties count half.
func area(score, truth []float64) float64 {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
	var wins, below, positives float64
	for i := 0; i < len(order); {
		j, pos := i, 0.0
		for j < len(order) && score[order[j]] == score[order[i]] {
			pos += truth[order[j]]
			j++
		}
		neg := float64(j-i) - pos
		wins += pos * (below + neg/2)
		below += neg
		positives += pos
		i = j
	}
	return wins / (positives * below)
}

// binned is columns cut at their quantiles.
type binned struct {
	cols [][]uint8
	rows int
}

func newBinned(cols [][]float64) *binned {
	d := &binned{rows: len(cols[0])}
	for _, col := range cols {
		edges := quantileEdges(col)
		codes := make([]uint8, len(col))
		for r, v := range col {
			at, _ := slices.BinarySearch(edges, v)
			codes[r] = uint8(at)
		}
		d.cols = append(d.cols, codes)
	}
	return d
}

// quantileEdges are the upper ends of all bins but the last.
func quantileEdges(col []float64) []float64 {
	sorted := slices.Clone(col)
	slices.Sort(sorted)
	var edges []float64
	for b := 1; b < bins; b++ {
		v := sorted[b*len(sorted)/bins]
		if n := len(edges); (n == 0 || edges[n-1] < v) && v < sorted[len(sorted)-1] {
			edges = append(edges, v)
		}
	}
	return edges
}

// forest is a sum of trees that give log odds.
type forest struct {
	trees []tree
	gain  []float64 // by column
}

// tree is a full binary tree of fixed depth; node i has the children 2i+1 and
// 2i+2. A node that was not split sends every row to the left.
type tree struct {
	column [1<<depth - 1]int
	at     [1<<depth - 1]uint8 // bins up to at go left
	leaf   [1 << depth]float64
}

func (t *tree) leafOf(d *binned, r int) int {
	node := 0
	for range depth {
		if d.cols[t.column[node]][r] <= t.at[node] {
			node = 2*node + 1
		} else {
			node = 2*node + 2
		}
	}
	return node - (1<<depth - 1)
}

func (f *forest) score(d *binned, r int) (sum float64) {
	for i := range f.trees {
		sum += f.trees[i].leaf[f.trees[i].leafOf(d, r)]
	}
	return sum
}

// fit is gradient boosting of the logistic loss (Friedman 2001) with second
// derivatives, on the rows that use says.
func fit(d *binned, truth []float64, use func(r int) bool) *forest {
	f := &forest{gain: make([]float64, len(d.cols))}
	g := grower{d: d, forest: f, slope: make([]float64, d.rows), curve: make([]float64, d.rows)}
	for r := range d.rows {
		if use(r) {
			g.rows = append(g.rows, int32(r))
		}
	}
	odds := make([]float64, d.rows)
	for range trees {
		for _, r := range g.rows {
			p := 1 / (1 + math.Exp(-odds[r]))
			g.slope[r], g.curve[r] = p-truth[r], p*(1-p)
		}
		t := g.grow()
		for _, r := range g.rows {
			odds[r] += t.leaf[t.leafOf(d, int(r))]
		}
		f.trees = append(f.trees, t)
	}
	return f
}

// grower grows one tree after the other.
type grower struct {
	d            *binned
	forest       *forest
	rows         []int32
	slope, curve []float64 // derivatives of the loss by row
}

func (g *grower) grow() tree {
	var t tree
	nodes := [][]int32{g.rows}
	for level := range depth {
		first := 1<<level - 1
		next := make([][]int32, 0, 2*len(nodes))
		for i, rows := range nodes {
			left, right := g.split(&t, first+i, rows)
			next = append(next, left, right)
		}
		nodes = next
	}
	for i, rows := range nodes {
		var slope, curve float64
		for _, r := range rows {
			slope += g.slope[r]
			curve += g.curve[r]
		}
		t.leaf[i] = -learning * slope / (curve + ridge)
	}
	return t
}

// split looks for the column and bin that lower the loss most.
func (g *grower) split(t *tree, node int, rows []int32) (left, right []int32) {
	best := cutAt{column: 0, bin: bins}
	for c, codes := range g.d.cols {
		var h histogram
		for _, r := range rows {
			b := &h[codes[r]]
			b.slope += g.slope[r]
			b.curve += g.curve[r]
			b.n++
		}
		if cut := h.best(); cut.gain > best.gain {
			best, best.column = cut, c
		}
	}
	t.column[node], t.at[node] = best.column, best.bin
	g.forest.gain[best.column] += best.gain
	for _, r := range rows {
		if g.d.cols[best.column][r] <= best.bin {
			left = append(left, r)
		} else {
			right = append(right, r)
		}
	}
	return left, right
}

type cutAt struct {
	column int
	bin    uint8
	gain   float64
}

type histogram [bins]struct {
	slope, curve float64
	n            int
}

func (h *histogram) best() cutAt {
	var slope, curve float64
	n := 0
	for _, b := range h {
		slope += b.slope
		curve += b.curve
		n += b.n
	}
	best := cutAt{bin: bins}
	var ls, lc float64
	ln := 0
	for i, b := range h[:bins-1] {
		ls += b.slope
		lc += b.curve
		ln += b.n
		if ln < minLeafRows || n-ln < minLeafRows {
			continue
		}
		rs, rc := slope-ls, curve-lc
		gain := ls*ls/(lc+ridge) + rs*rs/(rc+ridge) - slope*slope/(curve+ridge)
		if gain > best.gain {
			best = cutAt{bin: uint8(i), gain: gain}
		}
	}
	return best
}

package twosample

import "math"

// scan is what one pass over the points tells. The statistics that every
// feature of every window needs are taken together, since the pass costs more
// than any one of them.
type scan struct {
	ks, wasserstein, slack float64
	bins                   [maxDeciles]Bin
	n                      int
}

// maxDeciles: each of nine edges ends a bin, and may have a bin of its own.
const maxDeciles = 20

func (x *Numbers) scan() *scan {
	if !x.read {
		x.read = true
		x.scanned.over(x)
	}
	return &x.scanned
}

// KS is the largest distance between the two distribution functions at an
// edge. It is NaN when a sample is empty.
func (x *Numbers) KS() float64 { return x.scan().ks }

// Wasserstein is W1, the mean distance by which mass must be moved to turn one
// sample into the other, in the feature's own unit: the area between the two
// distribution functions. It is NaN when a sample is empty.
func (x *Numbers) Wasserstein() float64 { return x.scan().wasserstein }

// WassersteinBound is how far Wasserstein can be from that of the values behind
// a grid: within a cell of width w that holds a share s of a sample, the
// straight line and the truth differ by an area of at most w s / 2.
func (x *Numbers) WassersteinBound() float64 {
	if x.Exact() || x.empty() {
		return 0
	}
	return x.scan().slack
}

// Deciles cuts two samples at the reference's deciles: nine edges, each the
// smallest edge or value at which the reference's share reaches k/10. A value
// on which several of them fall is a bin of its own, so that a column with few
// values does not lose what lies beside it. The outer bins are open. The bins
// belong to x.
func (x *Numbers) Deciles() []Bin {
	s := x.scan()
	return s.bins[:s.n]
}

// over fills s. The two reciprocals spare two divisions a point; the largest
// distance is divided exactly in the end.
func (s *scan) over(x *Numbers) {
	s.ks, s.wasserstein, s.n = math.NaN(), math.NaN(), 0
	if x.empty() {
		return
	}
	pts, m := x.Points, x.M
	nf, mf := 1/float64(x.N), 1/float64(m)
	var c, r, bestC, bestR, fromC, fromR int64
	var area, slack, before, best float64
	last, low := pts[0].X, math.Inf(-1)
	k, at := int64(1), (m+9)/10
	for i := range pts {
		p := &pts[i]
		if r += p.Ref; r >= at {
			crossed := 0
			for ; k <= 9 && 10*r >= k*m; k++ {
				crossed++
			}
			if at = (k*m + 9) / 10; k > 9 {
				at = math.MaxInt64
			}
			if crossed > 1 && c+r-p.Ref > fromC+fromR {
				s.add(Bin{Low: low, High: last, Cur: c - fromC, Ref: r - p.Ref - fromR})
				fromC, fromR, low = c, r-p.Ref, last
			}
			s.add(Bin{Low: low, High: p.X, Cur: c + p.Cur - fromC, Ref: r - fromR})
			fromC, fromR, low = c+p.Cur, r, p.X
		}
		c += p.Cur
		gap := float64(c)*nf - float64(r)*mf
		if d := math.Abs(gap); d > best {
			best, bestC, bestR = d, c, r
		}
		if w := p.X - last; w > 0 && (gap != 0 || before != 0) {
			if before*gap >= 0 {
				area += w * math.Abs(before+gap) * 0.5
			} else {
				area += w * (before*before + gap*gap) / (2 * math.Abs(before-gap))
			}
		}
		before, last = gap, p.X
	}
	if x.N+m > fromC+fromR {
		s.add(Bin{Low: low, High: math.Inf(1), Cur: x.N - fromC, Ref: m - fromR})
	}
	s.ks = math.Abs(float64(bestC)/float64(x.N) - float64(bestR)/float64(m))
	s.wasserstein = area
	if !x.Exact() {
		slack = x.slack(nf, mf)
	}
	s.slack = slack
}

func (s *scan) add(b Bin) {
	s.bins[s.n] = b
	s.n++
}

// slack is the area that the distribution functions can be off by.
func (x *Numbers) slack(nf, mf float64) float64 {
	sum, last := 0.0, x.Points[0].X
	for i := range x.Points {
		p := &x.Points[i]
		if p.Cur|p.Ref != 0 {
			w := p.X - last
			if w == 0 { // a cell that is shown as one value
				w = 2 * x.CellWidth * math.Abs(p.X-x.centre(p.X))
			}
			sum += w * (float64(p.Cur)*nf + float64(p.Ref)*mf)
		}
		last = p.X
	}
	return sum / 2
}

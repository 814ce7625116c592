package twosample

import "math"

// Energy is the energy distance (Szekely 2002) as scipy has it: the square root
// of twice the integral of the squared difference of the distribution
// functions.
func Energy(x *Numbers) Result {
	if x.empty() {
		return none(NoRows)
	}
	nf, mf := 1/float64(x.N), 1/float64(x.M)
	var sum, doubt, before, last float64
	var c, r int64
	for i := range x.Points {
		p := &x.Points[i]
		c, r = c+p.Cur, r+p.Ref
		gap := float64(c)*nf - float64(r)*mf
		w := p.X - last
		if i > 0 && w > 0 && (gap != 0 || before != 0) {
			sum += w * (before*before + before*gap + gap*gap) / 3
		}
		if !x.Exact() && p.Cur|p.Ref != 0 {
			if i == 0 || w == 0 {
				w = x.hidden(p)
			}
			off := float64(p.Cur)*nf + float64(p.Ref)*mf
			doubt += w * off * (2*max(math.Abs(before), math.Abs(gap)) + off)
		}
		before, last = gap, p.X
	}
	return root(2*sum, 2*doubt)
}

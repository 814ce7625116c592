package twosample

import "math"

// terms is the sum of a divergence over bins of shares p (reference) and q
// (current), and how far that sum can be off where the shares are in doubt. f
// is convex, so it is largest at a corner of what the shares can be; the least
// lies at a corner, at p = q or, for p ln(p/q), at p = q/e.
func terms(slots []Slot, n, m float64, f func(p, q float64) float64) (sum, doubt float64) {
	for i := range slots {
		c, r := &slots[i].Cur, &slots[i].Ref
		v := f(r.N/m, c.N/n)
		sum += v
		if c.Low == c.High && r.Low == r.High {
			continue
		}
		worst := 0.0
		for _, q := range []float64{c.Low / n, c.High / n} {
			for _, p := range []float64{r.Low / m, r.High / m, min(max(q, r.Low/m), r.High/m), min(max(q/math.E, r.Low/m), r.High/m)} {
				worst = max(worst, math.Abs(f(p, q)-v))
			}
		}
		doubt += worst
	}
	return sum, doubt
}

// root is the square root of a sum and how far it can be off.
func root(sum, doubt float64) Result {
	sum = max(0, sum)
	v := math.Sqrt(sum)
	return distance(v, max(math.Sqrt(sum+doubt)-v, v-math.Sqrt(max(0, sum-doubt))))
}

// jensenShannon is one bin's part of the divergence in nats.
func jensenShannon(p, q float64) float64 {
	mid, v := (p+q)/2, 0.0
	if p > 0 {
		v += p * math.Log(p/mid)
	}
	if q > 0 {
		v += q * math.Log(q/mid)
	}
	return v / 2
}

func hellinger(p, q float64) float64 {
	d := math.Sqrt(p) - math.Sqrt(q)
	return d * d / 2
}

// rowsIn are the rows of both samples in slots.
func rowsIn(slots []Slot) (cur, ref float64) {
	for i := range slots {
		cur, ref = cur+slots[i].Cur.N, ref+slots[i].Ref.N
	}
	return cur, ref
}

package twosample

import "math"

// Evidently's definitions (src/evidently/legacy/calculations/stattests, version
// 0.7). Numbers are taken as float64, so that bins may be narrower than 1.

// evidentlyDistinct is up to how many different values of the reference a
// column of numbers is compared value by value.
const evidentlyDistinct = 20

// evidentlySlots are its bins; reason is why there are none.
func (x *Numbers) evidentlySlots() (slots []Slot, reason string) {
	switch distinct, sure := x.distinct(); {
	case x.empty():
		return nil, NoRows
	case distinct > evidentlyDistinct:
		return x.SturgesSlots(false), ""
	case sure:
		return slotsOf(x.byValue()), ""
	}
	return nil, NeedsValues
}

// SturgesSlots are the bins of numpy's rule "sturges" over both samples; whole
// is for numbers of an integer type.
func (x *Numbers) SturgesSlots(whole bool) []Slot {
	lo, hi := x.span(either)
	return x.Slots(even(lo, hi, sturges(lo, hi, x.N+x.M, whole)))
}

// fill is what stands for a share of 0 on one side: 1e-4, or a millionth of
// the least share that is not 0 when that is 1e-4 or less. other is what it
// would be if the least were the least that it can be.
func fill(slots []Slot, n float64, side func(*Slot) *Mass) (value, other float64) {
	least, sure := math.Inf(1), math.Inf(1)
	for i := range slots {
		m := side(&slots[i])
		if m.N > 0 {
			least = min(least, m.N/n)
		}
		if m.High > 0 {
			sure = min(sure, max(m.Low, min(1, m.N))/n)
		}
	}
	of := func(least float64) float64 {
		if least <= 1e-4 && least > 0 {
			return least / 1e6
		}
		return 1e-4
	}
	return of(least), of(sure)
}

// filled is the sum of f where no share is 0.
func filled(slots []Slot, f func(p, q float64) float64) Result {
	n, m := rowsIn(slots)
	fq, oq := fill(slots, n, func(s *Slot) *Mass { return &s.Cur })
	fp, op := fill(slots, m, func(s *Slot) *Mass { return &s.Ref })
	with := func(fp, fq float64) func(p, q float64) float64 {
		return func(p, q float64) float64 {
			if p == 0 {
				p = fp
			}
			if q == 0 {
				q = fq
			}
			return f(p, q)
		}
	}
	v, doubt := terms(slots, n, m, with(fp, fq))
	if doubt > 0 && (fp != op || fq != oq) {
		again, more := terms(slots, n, m, with(op, oq))
		doubt = max(doubt, math.Abs(again-v)+more)
	}
	return distance(v, doubt)
}

// EvidentlyPSI is the sum of (p-q) ln(p/q), zeros filled.
func EvidentlyPSI(slots []Slot) Result {
	return filled(slots, func(p, q float64) float64 { return (p - q) * math.Log(p/q) })
}

// EvidentlyKL is the divergence of the reference from the current sample in
// nats, zeros filled and then renormalised.
func EvidentlyKL(slots []Slot) Result {
	n, m := rowsIn(slots)
	fq, _ := fill(slots, n, func(s *Slot) *Mass { return &s.Cur })
	fp, _ := fill(slots, m, func(s *Slot) *Mass { return &s.Ref })
	sumP, sumQ := 1.0, 1.0
	for i := range slots {
		if slots[i].Ref.N == 0 {
			sumP += fp
		}
		if slots[i].Cur.N == 0 {
			sumQ += fq
		}
	}
	return filled(slots, func(p, q float64) float64 { return p / sumP * math.Log(p/sumP/(q/sumQ)) })
}

// EvidentlyJS is the Jensen-Shannon distance with natural logarithms.
func EvidentlyJS(slots []Slot) Result {
	n, m := rowsIn(slots)
	return root(terms(slots, n, m, jensenShannon))
}

// evidentlyHellinger is sqrt(1 - sum sqrt(p q)); its bins of numbers follow
// Sturges' rule over the different values.
func evidentlyHellinger(x *Numbers) Result {
	if x.empty() {
		return none(NoRows)
	}
	if !x.Exact() {
		return none(NeedsValues)
	}
	lo, hi := x.span(either)
	return affinity(x.Slots(even(lo, hi, sturges(lo, hi, int64(len(x.byValue())), false))))
}

func affinity(slots []Slot) Result {
	n, m := rowsIn(slots)
	sum := 0.0
	for i := range slots {
		sum += math.Sqrt(slots[i].Cur.N / n * (slots[i].Ref.N / m))
	}
	return distance(math.Sqrt(1-clip01(sum)), 0)
}

// leastSD keeps a column that hardly varies from dividing by nothing.
const leastSD = 0.001

func evidentlyWasserstein(x *Numbers) Result {
	sd := max(x.Ref.SD, leastSD)
	v, least := x.Wasserstein()/sd, max(x.Ref.SD-x.Ref.Off, leastSD)
	return distance(v, x.WassersteinBound()/least+v*(sd/least-1))
}

// oneSample is the test of Evidently's chi-square and G: the reference's
// counts, scaled to the current sample, are taken for the truth.
func oneSample(c *Categories, part func(observed, expected float64) float64) Result {
	if c.N == 0 || c.M == 0 {
		return none(NoRows)
	}
	sum, k, scale := 0.0, 0, float64(c.N)/float64(c.M)
	for _, b := range c.Every {
		if b.Cur+b.Ref > 0 {
			sum += part(float64(b.Cur), float64(b.Ref)*scale)
			k++
		}
	}
	if k < 2 {
		return test(0, 1, 0)
	}
	return test(sum, chiSquareSF(sum, k-1), k-1)
}

// evidentlyZ compares two proportions with the pooled variance.
func evidentlyZ(c *Categories) Result {
	if c.N == 0 || c.M == 0 {
		return none(NoRows)
	}
	two, ok := twoOf(c.Every)
	if !ok {
		return none(NotTwo)
	}
	n, m := float64(c.N), float64(c.M)
	p, q := float64(two[1].Ref)/m, float64(two[1].Cur)/n
	pool := (p*m + q*n) / (n + m)
	if pool == 0 || pool == 1 {
		return test(0, 1, 0)
	}
	z := (p - q) / math.Sqrt(pool*(1-pool)*(1/m+1/n))
	return test(z, math.Erfc(math.Abs(z)/math.Sqrt2), 0)
}

// twoOf are the bins of a column of at most two values.
func twoOf(bins []Bin) (two [2]Bin, ok bool) {
	k := 0
	for _, b := range bins {
		if b.Cur+b.Ref == 0 {
			continue
		}
		if k == 2 {
			return two, false
		}
		two[k] = b
		k++
	}
	return two, true
}

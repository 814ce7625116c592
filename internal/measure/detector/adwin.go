package detector

import "math"

// adwin keeps a window of the latest values as buckets of powers of two, and
// drops its oldest part when the means before and after some cut differ by
// more than chance (Bifet and Gavalda 2007; the variance of buckets as Babcock
// et al. 2003). Every border of buckets is a cut.
type adwin struct {
	delta               float64
	clock, grace, least float64
	// skip is how many of the youngest buckets of each size are left out
	// wherever a cut is sought: 1 in River 0.13, 0 else.
	skip int

	origin float64  // the first value, taken away from all: sums stay small
	rows   []sizeOf // rows[i] holds buckets of 2^i values
	n      float64  // values in the window
	sum    float64  // of values - origin
	m2     float64  // sum of squared distances from their mean
	ticks  float64
}

// perSize is how many buckets of one size there are before two become one.
const perSize = 5

// sizeOf are the buckets of one size, the oldest first.
type sizeOf struct {
	n       int
	buckets [perSize + 1]bucket
}

type bucket struct{ sum, m2 float64 }

func (r *sizeOf) push(b bucket) {
	r.buckets[r.n] = b
	r.n++
}

func (r *sizeOf) drop(n int) {
	copy(r.buckets[:], r.buckets[n:r.n])
	r.n -= n
}

func (a *adwin) reset() {
	*a = adwin{delta: a.delta, clock: a.clock, grace: a.grace, least: a.least, skip: a.skip, rows: a.rows[:0]}
}

func (a *adwin) update(x float64) State {
	if a.n == 0 {
		a.origin = x
	}
	a.insert(x - a.origin)
	a.ticks++
	if math.Mod(a.ticks, a.clock) != 0 || a.n <= a.grace {
		return Stable
	}
	state := Stable
	for len(a.rows) > 0 && a.cuts() {
		state = Drift
		a.dropOldest()
	}
	return state
}

func (a *adwin) insert(x float64) {
	if len(a.rows) == 0 {
		a.rows = append(a.rows, sizeOf{})
	}
	a.rows[0].push(bucket{sum: x})
	if a.n > 0 {
		d := x - a.sum/a.n
		a.m2 += a.n * d * d / (a.n + 1)
	}
	a.n++
	a.sum += x
	for i, size := 0, 1.0; i < len(a.rows) && a.rows[i].n > perSize; i, size = i+1, 2*size {
		if i+1 == len(a.rows) {
			a.rows = append(a.rows, sizeOf{})
		}
		r := &a.rows[i]
		one, two := r.buckets[0], r.buckets[1]
		d := (one.sum - two.sum) / size
		a.rows[i+1].push(bucket{one.sum + two.sum, one.m2 + two.m2 + size*d*d/2})
		r.drop(2)
	}
}

// cuts tells whether some border parts the window into two that differ.
func (a *adwin) cuts() bool {
	var n0, sum0 float64
	for i := len(a.rows) - 1; i >= 0; i-- {
		for _, b := range a.rows[i].buckets[:max(0, a.rows[i].n-a.skip)] {
			n0 += math.Ldexp(1, i)
			sum0 += b.sum
			n1 := a.n - n0
			if n1 < a.least {
				return false // later cuts leave less
			}
			if n0 >= a.least && math.Abs(sum0/n0-(a.sum-sum0)/n1) > a.bound(n0, n1) {
				return true
			}
		}
	}
	return false
}

// bound is the difference of means that chance explains: Bernstein's, with the
// variance of the whole window.
func (a *adwin) bound(n0, n1 float64) float64 {
	log := math.Log(2 * math.Log(a.n) / a.delta)
	m := 1/(n0-a.least+1) + 1/(n1-a.least+1)
	return math.Sqrt(2*m*max(0, a.m2)/a.n*log) + 2.0/3*log*m
}

func (a *adwin) dropOldest() {
	last := len(a.rows) - 1
	size, b := math.Ldexp(1, last), a.rows[last].buckets[0]
	a.n -= size
	a.sum -= b.sum
	if a.n > 0 {
		d := b.sum/size - a.sum/a.n
		a.m2 = max(0, a.m2-b.m2-size*a.n*d*d/(size+a.n))
	}
	a.rows[last].drop(1)
	for len(a.rows) > 0 && a.rows[len(a.rows)-1].n == 0 {
		a.rows = a.rows[:len(a.rows)-1]
	}
}

func adwinRow() Row {
	return Row{
		Name: "adwin", Kind: Values, Scaled: true,
		Title:  Text{"Adaptive windowing (ADWIN)", "自适应窗口（ADWIN）"},
		Help:   Text{"notices a change of the mean at any time scale, up or down", "在任意时间尺度上检测均值的上升或下降"},
		Source: "Bifet and Gavalda, SDM 2007; as River 0.26",
		Params: adwinParams(),
		make:   func(p params) algorithm { return newADWIN(p, 0) },
	}
}

func adwinRiverRow() Row {
	r := adwinRow()
	r.Name = "adwin@river-0.13"
	r.Title = Text{"Adaptive windowing (ADWIN of River 0.13)", "自适应窗口（River 0.13 的 ADWIN）"}
	r.Source = "Bifet and Gavalda, SDM 2007; as River 0.13, which leaves the youngest bucket of each size out"
	r.make = func(p params) algorithm { return newADWIN(p, 1) }
	return r
}

func newADWIN(p params, skip int) *adwin {
	return &adwin{
		delta: p.get("delta"), clock: p.get("clock"), grace: p.get("grace_period"), least: p.get("min_window_length"), skip: skip,
	}
}

func adwinParams() []Param {
	return []Param{
		{Name: "delta", Default: 0.002, Min: 1e-12, Max: 0.5, Help: driftHelp},
		{Name: "clock", Default: 32, Min: 1, Max: 1e6, Integer: true, Help: Text{"values between two looks", "两次检查之间的样本数"}},
		{Name: "grace_period", Default: 10, Min: 1, Max: 1e6, Integer: true, Help: waitHelp},
		{Name: "min_window_length", Default: 5, Min: 1, Max: 1e6, Integer: true, Help: Text{"values on each side of a cut", "切分点两侧的最少样本数"}},
	}
}

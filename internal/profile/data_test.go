package profile

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// shape is a distribution that summaries are tried on.
type shape struct {
	name   string
	centre float64
	next   func(r *rand.Rand) float64
	// lumps are shapes that the grid cannot resolve; their error must be told.
	lumps bool
}

var shapes = []shape{
	{"normal", 0, func(r *rand.Rand) float64 { return r.NormFloat64() }, false},
	{"normal off centre", 0.7, func(r *rand.Rand) float64 { return r.NormFloat64()*2 + 1 }, false},
	{"uniform", 0.5, func(r *rand.Rand) float64 { return r.Float64() }, false},
	{"lognormal", 1, func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) }, false},
	{"pareto 1.1", 1.9, func(r *rand.Rand) float64 { return math.Pow(1-r.Float64(), -1/1.1) }, false},
	{"cauchy", 0, func(r *rand.Rand) float64 { return math.Tan(math.Pi * (r.Float64() - 0.5)) }, false},
	{"offset", 1e9, func(r *rand.Rand) float64 { return 1e9 + r.NormFloat64()*1e-3 }, false},
	{"offset far from centre", 0, func(r *rand.Rand) float64 { return 1e9 + r.NormFloat64() }, true},
	{"poisson", 5, func(r *rand.Rand) float64 { return poisson(r, 5) }, false},
	{"bits", 0.5, func(r *rand.Rand) float64 { return float64(r.IntN(2)) }, false},
	{"whole numbers", 499.5, func(r *rand.Rand) float64 { return float64(r.IntN(1000)) }, false},
	{"zero inflated", 0, func(r *rand.Rand) float64 { return max(0, r.NormFloat64()) }, false},
	{"constant", 3, func(r *rand.Rand) float64 { return 3 }, false},
	{"two modes", -5, func(r *rand.Rand) float64 {
		if r.IntN(2) == 0 {
			return -5 + 0.1*(2*r.Float64()-1)
		}
		return 1e6 + 2*r.Float64() - 1
	}, true},
}

func poisson(r *rand.Rand, mean float64) float64 {
	limit, p, n := math.Exp(-mean), 1.0, -1.0
	for p > limit {
		p *= r.Float64()
		n++
	}
	return max(n, 0)
}

func (s shape) draw(n int, seed uint64) []float64 {
	r := random(seed)
	values := make([]float64, n)
	for i := range values {
		values[i] = s.next(r)
	}
	return values
}

// origin is the centre that the first values would have fixed; shapes that are
// there to break the grid keep theirs.
func (s shape) origin() float64 {
	if s.lumps {
		return s.centre
	}
	return ChooseCentre(s.draw(1000, 99))
}

// numericOf folds values in one window.
func numericOf(values []float64, epoch uint32, centres ...float64) *Numeric {
	f := NewFolder(0)
	w := f.Open(false)
	f.Add(w, &event.Batch{Rows: len(values), Nums: []event.Num{{Name: "x", Values: values, Epoch: epoch, Centre: centres[0], Others: centres[1:]}}}, nil)
	if p := f.Close(w); p.Features["x"] != nil && p.Features["x"].Num != nil {
		return p.Features["x"].Num
	}
	return &Numeric{}
}

// randomBatch has every kind of column, with nulls, NaN and infinities.
func randomBatch(r *rand.Rand, rows int) *event.Batch {
	b := &event.Batch{Rows: rows}
	b.Arrived = r.Int64N(1e12)
	b.Task, b.Positive = event.Binary, "true"
	number := func(name string, epoch uint32, centre float64, next func() float64) event.Num {
		c := event.Num{Name: name, Epoch: epoch, Centre: centre, Values: make([]float64, rows)}
		for i := range c.Values {
			c.Values[i] = next()
		}
		for i := range c.Values {
			if r.IntN(20) == 0 {
				c.SetNull(i)
			}
		}
		return c
	}
	text := func(name string, values ...string) event.Dict {
		d := event.Dict{Name: name, Values: values, Codes: make([]int32, rows)}
		for i := range d.Codes {
			d.Codes[i] = int32(r.IntN(len(values)+1)) - 1
		}
		return d
	}
	odd := func(x float64) float64 {
		switch r.IntN(100) {
		case 0:
			return math.NaN()
		case 1:
			return math.Inf(1 - 2*r.IntN(2))
		}
		return x
	}
	b.Time = make([]int64, rows)
	for i := range b.Time {
		b.Time[i] = 1e12 + r.Int64N(60_000)
	}
	b.Pred, b.Err = text("", "yes", "no"), text("", "timeout")
	b.Score = number("", 0, 0, r.Float64)
	b.Latency = number("", 0, 0, func() float64 { return odd(r.ExpFloat64()*20 - 0.1) })
	b.PredValue = number("", 0, 0, r.NormFloat64)
	b.Nums = []event.Num{
		number("a", 1+uint32(r.IntN(2)), float64(r.IntN(2)), func() float64 { return odd(r.NormFloat64()) }),
		number("b", 1, 1e9, func() float64 { return 1e9 + r.NormFloat64() }),
		number("c", uint32(r.IntN(2)), 5, func() float64 { return poisson(r, 5) }),
	}
	b.Cats = []event.Dict{text("d", "x", "y", "", "z"), text("a", "one", "two")}
	return b
}

// bare is a profile's bytes without what is not exact in every order: moments
// and the sum of latencies.
func bare(t *testing.T, p *Profile) []byte {
	t.Helper()
	c, err := Decode(p.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Latency != nil {
		c.Latency.Sum = 0
	}
	eachNumeric(c, func(_ string, x *Numeric) { x.moments = moments{n: x.N} })
	return c.AppendTo(nil)
}

func eachNumeric(p *Profile, fn func(name string, x *Numeric)) {
	if p.Values != nil {
		fn("", p.Values)
	}
	for name, f := range p.Features {
		if f.Num != nil {
			fn(name, f.Num)
		}
	}
}

func near(a, b, relative float64) bool {
	return a == b || math.Abs(a-b) <= relative*max(math.Abs(a), math.Abs(b))
}

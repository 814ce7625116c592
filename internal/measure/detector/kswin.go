package detector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Sampler starts a generator, and is called again at each new beginning. What
// it returns draws k different numbers of 0 to n-1, in any order.
type Sampler func() func(n, k int) []int

// ownSampler draws with PCG (O'Neill 2014) of a fixed seed, by the first steps
// of a Fisher-Yates shuffle.
func ownSampler() func(n, k int) []int {
	rng := rand.New(rand.NewPCG(42, 42))
	var pool []int
	return func(n, k int) []int {
		pool = pool[:0]
		for i := range n {
			pool = append(pool, i)
		}
		for i := range k {
			j := i + rng.IntN(n-i)
			pool[i], pool[j] = pool[j], pool[i]
		}
		return pool[:k]
	}
}

// kswin compares the newest values of a window with as many drawn from the
// rest of it, by the test of Kolmogorov and Smirnov (Raab et al. 2020).
type kswin struct {
	window, stat int
	critical     int // the least distance, in steps of 1/stat, that fires
	sampler      Sampler

	draw       func(n, k int) []int
	ring       []float64
	next       int // where the next value goes, once the ring is full
	old, newer []float64
}

// leastDistance is a distance that must be passed besides the level: less is
// of no interest however sure it is (as River).
const leastDistance = 0.1

func newKSWIN(p params) *kswin {
	w := &kswin{window: p.int("window_size"), stat: p.int("stat_size"), sampler: p.sample}
	n := w.stat
	w.critical = int(math.Floor(leastDistance*float64(n))) + 1
	for w.critical <= n && equalKS(n, w.critical) > p.get("alpha") {
		w.critical++
	}
	w.reset()
	return w
}

func (w *kswin) reset() { w.draw, w.ring, w.next = w.sampler(), w.ring[:0], 0 }

func (w *kswin) update(x float64) State {
	if len(w.ring) < w.window {
		w.ring = append(w.ring, x)
	} else {
		w.ring[w.next] = x
		w.next = (w.next + 1) % w.window
	}
	if len(w.ring) < w.window {
		return Stable
	}
	w.old, w.newer = w.old[:0], w.newer[:0]
	rest := w.window - w.stat
	for _, i := range w.draw(rest, w.stat) {
		w.old = append(w.old, w.at(i))
	}
	for i := rest; i < w.window; i++ {
		w.newer = append(w.newer, w.at(i))
	}
	if distance(w.old, w.newer) >= w.critical {
		return Drift
	}
	return Stable
}

// at is the i-th value of the window, the oldest first.
func (w *kswin) at(i int) float64 { return w.ring[(w.next+i)%w.window] }

// distance is the largest difference of two counts of values up to some value.
// Both samples have one size; they are sorted.
func distance(a, b []float64) int {
	slices.Sort(a)
	slices.Sort(b)
	most, i, j := 0, 0, 0
	for i < len(a) && j < len(b) {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		most = max(most, i-j, j-i)
	}
	return most
}

// equalKS is the exact chance that two samples of n each lie h/n or more apart
// (Gnedenko and Korolyuk 1951).
func equalKS(n, h int) float64 {
	if h <= 0 {
		return 1
	}
	var p float64
	for k := 1; k*h <= n; k++ {
		// C(2n, n-kh) / C(2n, n)
		ratio := 1.0
		for i := range k * h {
			ratio *= float64(n-i) / float64(n+1+i)
		}
		if k%2 == 1 {
			p += ratio
		} else {
			p -= ratio
		}
	}
	return min(1, max(0, 2*p))
}

func kswinRow() Row {
	return Row{
		Name: "kswin", Kind: Values,
		Title:  Text{"Kolmogorov-Smirnov windowing (KSWIN)", "KS 滑动窗口检验（KSWIN）"},
		Help:   Text{"notices any change of the distribution", "检测分布的任意变化"},
		Source: "Raab, Heusinger and Schleif, Neurocomputing 2020; as River 0.26, with a generator of its own",
		Params: []Param{
			{Name: "alpha", Default: 0.005, Min: 1e-12, Max: 0.5, Help: Text{"level of each test", "每次检验的显著性水平"}},
			{Name: "window_size", Default: 100, Min: 4, Max: 10_000, Integer: true, Help: Text{"values that are kept", "窗口大小"}},
			{Name: "stat_size", Default: 30, Min: 2, Max: 5_000, Integer: true, Help: Text{"newest values that are compared", "参与比较的最新样本数"}},
		},
		check: func(p params) error {
			if 2*p.int("stat_size") > p.int("window_size") {
				return fmt.Errorf("stat_size %d is more than half of window_size %d", p.int("stat_size"), p.int("window_size"))
			}
			return nil
		},
		make: func(p params) algorithm { return newKSWIN(p) },
	}
}

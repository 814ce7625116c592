package detector

import "math"

// hddmW compares fading means before and after the cut where the mean was most
// surely low (or high), by McDiarmid's bound (Frias-Blanco et al. 2014, the W
// test).
type hddmW struct {
	drift, warning float64
	twoSided       bool
	all            fading
	rise, fall     cut
}

// fading is an exponentially weighted mean, and the sum of its squared weights.
type fading struct {
	lambda, value, weights float64
	begun                  bool
}

func newFading(lambda float64) fading { return fading{lambda: lambda, weights: 1} }

func (f *fading) add(x float64) {
	f.value = f.lambda*x + (1-f.lambda)*f.value
	if !f.begun {
		f.value, f.begun = x, true
	}
	f.weights = f.lambda*f.lambda + (1-f.lambda)*(1-f.lambda)*f.weights
}

func bound(weights, confidence float64) float64 {
	return math.Sqrt(weights * math.Log(1/confidence) / 2)
}

// cut parts a stream where sign*mean + bound was lowest.
type cut struct {
	sign          float64
	at            float64
	before, after fading
}

func (c *cut) add(x float64, all fading, confidence float64) {
	if v := c.sign*all.value + bound(all.weights, confidence); v < c.at {
		c.at, c.before, c.after = v, all, newFading(all.lambda)
		return
	}
	c.after.add(x)
}

func (c *cut) moved(confidence float64) bool {
	return c.before.begun && c.after.begun &&
		c.sign*(c.after.value-c.before.value) > bound(c.before.weights+c.after.weights, confidence)
}

func (h *hddmW) reset() {
	f := newFading(h.all.lambda)
	h.all = f
	h.rise = cut{sign: 1, at: math.Inf(1), before: f, after: f}
	h.fall = cut{sign: -1, at: math.Inf(1), before: f, after: f}
}

func (h *hddmW) update(x float64) State {
	h.all.add(x)
	h.rise.add(x, h.all, h.drift)
	state := h.judge(&h.rise)
	if h.twoSided {
		h.fall.add(x, h.all, h.drift)
		state = max(state, h.judge(&h.fall))
	}
	return state
}

func (h *hddmW) judge(c *cut) State {
	switch {
	case c.moved(h.drift):
		return Drift
	case c.moved(h.warning):
		return Warning
	}
	return Stable
}

func hddmWRow() Row {
	return Row{
		Name: "hddm_w", Kind: Unit, Rises: true,
		Title:  Text{"McDiarmid's bound on fading averages (HDDM_W)", "McDiarmid 界加权均值检验（HDDM_W）"},
		Help:   Text{"suits gradual changes of a rate", "适合比率的渐变"},
		Source: "Frias-Blanco et al., IEEE TKDE 2014; as River 0.26",
		Params: []Param{
			confidence("drift_confidence", 0.001, driftHelp), confidence("warning_confidence", 0.005, warningHelp),
			{Name: "lambda", Default: 0.05, Min: 1e-6, Max: 1, Help: Text{"the weight of the newest value", "最新样本的权重"}},
			sides(),
		},
		check: ordered,
		make: func(p params) algorithm {
			h := &hddmW{drift: p.get("drift_confidence"), warning: p.get("warning_confidence"), twoSided: p.bool("two_sided")}
			h.all = newFading(p.get("lambda"))
			h.reset()
			return h
		},
	}
}

package detector

import "math"

// hddmA compares the mean of all values with that of their beginning, cut
// where the mean was most surely low (and high), by Hoeffding's bound
// (Frias-Blanco et al. 2014, the A test).
type hddmA struct {
	drift, warning float64
	twoSided       bool
	all, low, high mean
}

func (h *hddmA) reset() { h.all, h.low, h.high = mean{}, mean{}, mean{} }

func (h *hddmA) update(x float64) State {
	h.all.add(x)
	bound := func(m mean) float64 { return math.Sqrt(math.Log(1/h.drift) / (2 * m.n)) }
	if h.low.n == 0 || h.low.value+bound(h.low) >= h.all.value+bound(h.all) {
		h.low = h.all
	}
	if h.high.n == 0 || h.high.value-bound(h.high) <= h.all.value-bound(h.all) {
		h.high = h.all
	}
	return max(h.judge(h.low, h.all.value-h.low.value), h.judgeFall())
}

func (h *hddmA) judgeFall() State {
	if !h.twoSided {
		return Stable
	}
	return h.judge(h.high, h.high.value-h.all.value)
}

// judge says whether the mean moved by more than chance since the cut.
func (h *hddmA) judge(cut mean, moved float64) State {
	if cut.n == h.all.n {
		return Stable
	}
	m := (h.all.n - cut.n) / cut.n / h.all.n
	far := func(confidence float64) bool { return moved >= math.Sqrt(m/2*math.Log(2/confidence)) }
	switch {
	case far(h.drift):
		return Drift
	case far(h.warning):
		return Warning
	}
	return Stable
}

func hddmARow() Row {
	return Row{
		Name: "hddm_a", Kind: Unit, Rises: true,
		Title:  Text{"Hoeffding's bound on averages (HDDM_A)", "Hoeffding 界均值检验（HDDM_A）"},
		Help:   Text{"suits sudden changes of a rate", "适合比率的突变"},
		Source: "Frias-Blanco et al., IEEE TKDE 2014; as River 0.26",
		Params: []Param{confidence("drift_confidence", 0.001, driftHelp), confidence("warning_confidence", 0.005, warningHelp), sides()},
		check:  ordered,
		make: func(p params) algorithm {
			return &hddmA{drift: p.get("drift_confidence"), warning: p.get("warning_confidence"), twoSided: p.bool("two_sided")}
		},
	}
}

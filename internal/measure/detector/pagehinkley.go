package detector

import "math"

var (
	deltaHelp     = Text{"what a value may lie above the mean unpunished", "允许超过均值的幅度"}
	thresholdHelp = Text{"the sum at which it fires", "触发的累计和阈值"}
	alphaHelp     = Text{"the weight of the sum before", "历史累计和的权重"}
)

func pageHinkleyParams() []Param {
	return []Param{
		warmUp(30, waitHelp),
		{Name: "delta", Default: 0.005, Min: 0, Max: 1e9, Help: deltaHelp},
		{Name: "threshold", Default: 50, Min: 0, Max: 1e12, Help: thresholdHelp},
		{Name: "alpha", Default: 0.9999, Min: 0, Max: 1, Help: alphaHelp},
		sides(),
	}
}

// pageHinkleyRow is Page-Hinkley as River 0.13 has it: the sum never falls below
// zero, so that a long calm does not delay the alarm, it fires at the
// threshold, and its count of values is one ahead.
func pageHinkleyRow() Row {
	return Row{
		Name: "page_hinkley", Kind: Values, Scaled: true, Rises: true,
		Title:  Text{"Page-Hinkley", "Page-Hinkley 检验"},
		Help:   Text{"adds up how far values lie above their mean", "累计数值高于均值的幅度"},
		Source: "Page, Biometrika 1954; as River 0.13, whose sum never falls below zero",
		Params: pageHinkleyParams(),
		make: func(p params) algorithm {
			delta, alpha, threshold := p.get("delta"), p.get("alpha"), p.get("threshold")
			return eitherSide(p, func() algorithm {
				return &cumulative{
					wait: p.get("min_instances") - 1,
					over: func(sum float64) bool { return sum > 0 && sum >= threshold },
					step: func(sum, d float64) float64 { return max(0, alpha*sum+(d-delta)) },
				}
			})
		},
	}
}

// pageHinkleyFrourosRow is Page-Hinkley as Frouros has it: the sum may fall
// below zero, and fires above the threshold.
func pageHinkleyFrourosRow() Row {
	return Row{
		Name: "page_hinkley@frouros", Kind: Values, Scaled: true, Rises: true,
		Title:  Text{"Page-Hinkley (Frouros)", "Page-Hinkley 检验（Frouros）"},
		Help:   Text{"Page-Hinkley whose sum may become negative", "累计和可以为负的 Page-Hinkley 检验"},
		Source: "Page, Biometrika 1954; as Frouros 0.10, whose sum may be negative",
		Params: pageHinkleyParams(),
		make: func(p params) algorithm {
			delta, alpha, threshold := p.get("delta"), p.get("alpha"), p.get("threshold")
			return eitherSide(p, func() algorithm {
				return &cumulative{
					wait: p.get("min_instances"),
					over: func(sum float64) bool { return sum > threshold },
					step: func(sum, d float64) float64 { return alpha*sum + (d - delta) },
				}
			})
		},
	}
}

// pageHinkleyRiverRow is Page-Hinkley as River 0.26 has it, and the paper: how
// far the sum lies above the lowest that it was. River's mode "both" is
// two_sided 1.
func pageHinkleyRiverRow() Row {
	return Row{
		Name: "page_hinkley@river-0.26", Kind: Values, Scaled: true, Rises: true,
		Title:  Text{"Page-Hinkley (River 0.26)", "Page-Hinkley 检验（River 0.26）"},
		Help:   Text{"compares the sum with the lowest that it was", "将累计和与其历史最低值比较"},
		Source: "Page, Biometrika 1954; as River 0.26",
		Params: pageHinkleyParams(),
		make: func(p params) algorithm {
			return eitherSide(p, func() algorithm {
				h := &pageHinkley{wait: p.get("min_instances"), delta: p.get("delta"), threshold: p.get("threshold"), alpha: p.get("alpha")}
				h.reset()
				return h
			})
		},
	}
}

type pageHinkley struct {
	wait, delta, threshold, alpha float64

	level       mean
	sum, lowest float64
}

func (h *pageHinkley) reset() { h.level, h.sum, h.lowest = mean{}, 0, math.Inf(1) }

func (h *pageHinkley) update(x float64) State {
	h.level.add(x)
	h.sum = h.alpha*h.sum + (x - h.level.value) - h.delta
	h.lowest = min(h.lowest, h.sum)
	if h.level.n >= h.wait && h.sum-h.lowest > h.threshold {
		return Drift
	}
	return Stable
}

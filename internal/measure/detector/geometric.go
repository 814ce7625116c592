package detector

// geometricRow is the geometric moving average of the distance from the
// running mean.
func geometricRow() Row {
	return Row{
		Name: "geometric_moving_average", Kind: Values, Scaled: true, Rises: true,
		Title:  Text{"Geometric moving average", "几何移动平均"},
		Help:   Text{"a fading mean of how far values lie above their mean", "数值高于均值幅度的衰减平均"},
		Source: "Roberts, Technometrics 1959; as Frouros 0.10",
		Params: []Param{
			warmUp(30, waitHelp),
			{Name: "alpha", Default: 0.99, Min: 0, Max: 1, Help: alphaHelp},
			{Name: "threshold", Default: 1, Min: 0, Max: 1e12, Help: thresholdHelp},
			sides(),
		},
		make: func(p params) algorithm {
			alpha, threshold := p.get("alpha"), p.get("threshold")
			return eitherSide(p, func() algorithm {
				return &cumulative{
					wait: p.get("min_instances"),
					over: func(sum float64) bool { return sum > threshold },
					step: func(sum, d float64) float64 { return alpha*sum + (1-alpha)*d },
				}
			})
		},
	}
}

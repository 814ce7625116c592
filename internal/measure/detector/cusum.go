package detector

// cusumRow is Page's cumulative sum against the running mean, as Frouros 0.10.
func cusumRow() Row {
	return Row{
		Name: "cusum", Kind: Values, Scaled: true, Rises: true,
		Title:  Text{"Cumulative sum (CUSUM)", "累计和（CUSUM）"},
		Help:   Text{"Page-Hinkley that forgets nothing", "不遗忘历史的 Page-Hinkley 检验"},
		Source: "Page, Biometrika 1954; as Frouros 0.10",
		Params: []Param{
			warmUp(30, waitHelp),
			{Name: "delta", Default: 0.005, Min: 0, Max: 1e9, Help: deltaHelp},
			{Name: "threshold", Default: 50, Min: 0, Max: 1e12, Help: thresholdHelp},
			sides(),
		},
		make: func(p params) algorithm {
			delta, threshold := p.get("delta"), p.get("threshold")
			return eitherSide(p, func() algorithm {
				return &cumulative{
					wait: p.get("min_instances"),
					over: func(sum float64) bool { return sum > threshold },
					step: func(sum, d float64) float64 { return max(0, sum+d-delta) },
				}
			})
		},
	}
}

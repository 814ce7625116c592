package detector

import "math"

// ddm remembers where the rate of errors plus its deviation was lowest, and
// compares the rate of now with it (Gama et al. 2004).
type ddm struct {
	wait, warning, drift float64 // values; deviations
	rate                 mean
	least, leastSD       float64
}

func (d *ddm) reset() { d.rate, d.least, d.leastSD = mean{}, math.Inf(1), math.Inf(1) }

func (d *ddm) update(x float64) State {
	d.rate.add(x)
	p := d.rate.value
	sd := math.Sqrt(max(0, p*(1-p)/d.rate.n))
	if d.rate.n <= d.wait {
		return Stable
	}
	if p+sd <= d.least+d.leastSD {
		d.least, d.leastSD = p, sd
	}
	switch {
	case p+sd > d.least+d.drift*d.leastSD:
		return Drift
	case p+sd > d.least+d.warning*d.leastSD:
		return Warning
	}
	return Stable
}

func ddmRow() Row {
	return Row{
		Name: "ddm", Kind: Errors, Rises: true,
		Title:  Text{"Drift detection method (DDM)", "漂移检测法（DDM）"},
		Help:   Text{"compares the error rate with the lowest that it was", "将错误率与其历史最低值比较"},
		Source: "Gama, Medas, Castillo and Rodrigues, SBIA 2004; as River 0.26",
		Params: []Param{
			warmUp(30, waitHelp),
			{Name: "warning_threshold", Default: 2, Min: 0, Max: 100, Help: Text{"deviations at which it warns", "预警的标准差倍数"}},
			{Name: "drift_threshold", Default: 3, Min: 0, Max: 100, Help: Text{"deviations at which it fires", "触发的标准差倍数"}},
		},
		make: func(p params) algorithm {
			d := &ddm{wait: p.get("min_instances"), warning: p.get("warning_threshold"), drift: p.get("drift_threshold")}
			d.reset()
			return d
		},
	}
}

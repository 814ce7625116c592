package detector

import "math"

// bocd keeps, for every moment at which the present level may have begun, how
// likely that is (Adams and MacKay 2007). Values are normal around a level of
// known variance, levels normal around the prior. It fires when the likeliest
// beginning is no longer the first value.
type bocd struct {
	wait                          float64
	logStay, logChange            float64
	priorMean, priorPrec, dataVar float64
	most                          int // beginnings that are kept

	n    float64
	runs []run // the newest first
}

// run is one moment at which the level may have begun.
type run struct {
	length     float64 // values since
	mean, prec float64 // what these say of the level
	logP       float64 // up to a constant that all share
}

func (b *bocd) fresh() run { return run{mean: b.priorMean, prec: b.priorPrec} }

func (b *bocd) reset() { b.n, b.runs = 0, append(b.runs[:0], b.fresh()) }

func (b *bocd) update(x float64) State {
	b.n++
	most, total := math.Inf(-1), 0.0
	for i := range b.runs {
		r := &b.runs[i]
		r.logP += b.logLikelihood(r, x)
		most = max(most, r.logP)
		r.learn(x, b.dataVar)
	}
	for i := range b.runs {
		r := &b.runs[i]
		r.logP -= most // the likeliest is 0: no sum runs away
		total += math.Exp(r.logP)
		r.logP += b.logStay
	}
	b.begin(math.Log(total) + b.logChange)
	if b.n >= b.wait && b.likeliest().length != b.n {
		return Drift
	}
	return Stable
}

func (b *bocd) logLikelihood(r *run, x float64) float64 {
	v := 1/r.prec + b.dataVar
	d := x - r.mean
	return -0.5 * (math.Log(2*math.Pi*v) + d*d/v)
}

func (r *run) learn(x, dataVar float64) {
	prec := r.prec + 1/dataVar
	r.mean = (r.mean*r.prec + x/dataVar) / prec
	r.prec = prec
	r.length++
}

// begin adds the beginning that comes next. Where there are too many, the
// unlikeliest goes.
func (b *bocd) begin(logP float64) {
	if len(b.runs) == b.most {
		least := 0
		for i := range b.runs {
			if b.runs[i].logP < b.runs[least].logP {
				least = i
			}
		}
		b.runs = append(b.runs[:least], b.runs[least+1:]...)
	}
	b.runs = append(b.runs, run{})
	copy(b.runs[1:], b.runs)
	b.runs[0] = b.fresh()
	b.runs[0].logP = logP
}

func (b *bocd) likeliest() *run {
	best := &b.runs[0]
	for i := range b.runs {
		if b.runs[i].logP > best.logP {
			best = &b.runs[i]
		}
	}
	return best
}

func bocdRow() Row {
	return Row{
		Name: "bocd", Kind: Values, Scaled: true,
		Title:  Text{"Bayesian online change detection (BOCD)", "贝叶斯在线变点检测（BOCD）"},
		Help:   Text{"weighs every moment at which the level may have changed", "评估每个可能的变点"},
		Source: "Adams and MacKay, arXiv 0710.3742, 2007; as Frouros 0.10, with a bound on the beginnings",
		Params: []Param{
			warmUp(30, waitHelp),
			{Name: "hazard", Default: 0.01, Min: 1e-9, Max: 0.5, Help: Text{"chance of a change at each value", "每个样本处发生变化的概率"}},
			{Name: "prior_mean", Min: -1e12, Max: 1e12, Help: Text{"where levels lie", "水平的先验均值"}},
			{Name: "prior_var", Default: 1, Min: 1e-9, Max: 1e12, Help: Text{"how far levels differ", "水平的先验方差"}},
			{Name: "data_var", Default: 1, Min: 1e-9, Max: 1e12, Help: Text{"how far values lie from their level", "数据方差"}},
			{Name: "max_runs", Default: 500, Min: 10, Max: 5000, Integer: true, Help: Text{"beginnings that are kept", "保留的候选起点数"}},
		},
		make: func(p params) algorithm {
			b := &bocd{
				wait: p.get("min_instances"), logStay: math.Log1p(-p.get("hazard")), logChange: math.Log(p.get("hazard")),
				priorMean: p.get("prior_mean"), priorPrec: 1 / p.get("prior_var"), dataVar: p.get("data_var"), most: p.int("max_runs"),
			}
			b.reset()
			return b
		},
	}
}

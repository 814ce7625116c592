package twosample

import (
	"math"
	"slices"
)

// Effects: what a limit of a method is compared with when an effect is asked
// for beside significance.
const (
	Itself      = "itself" // the value
	PerSD       = "per_sd" // the value over the reference's standard deviation
	EffectOfPSI = "psi"    // a statistic grows with the rows, so the column's psi stands for it
)

// Method is one row of the table: a name and the one definition that it means.
type Method struct {
	Name string
	// Test tells that a p-value decides where the method decides alone: it is
	// significant at Limit or below. Otherwise a value of Limit or above is.
	Test  bool
	Limit float64
	// Effect is what a limit is compared with where significance is judged
	// apart.
	Effect string
	// Definition, Source and Grid say what is computed, by whose definition, and
	// how good it is where a grid stands for the values; empty when a grid is as
	// good as the values.
	Definition, Source, Grid string

	numbers    func(*Numbers) Result
	categories func(*Categories) Result
}

// Numeric and Categorical tell to which columns the method applies.
func (m *Method) Numeric() bool     { return m.numbers != nil }
func (m *Method) Categorical() bool { return m.categories != nil }

// Numbers applies the method to two samples of numbers.
func (m *Method) Numbers(x *Numbers) Result {
	if x.empty() {
		return none(NoRows)
	}
	return told(m.numbers(x))
}

// told gives a number that is none its reason: what is squared or divided may
// leave float64.
func told(r Result) Result {
	if r.Reason == "" && (math.IsNaN(r.Value) || math.IsNaN(r.Bound)) {
		return none(NotFinite)
	}
	return r
}

// Categories applies the method to two samples of strings.
func (m *Method) Categories(c *Categories) Result {
	if c.N == 0 || c.M == 0 {
		return none(NoRows)
	}
	return told(m.categories(c))
}

// Lookup is the method of a name.
func Lookup(name string) (Method, bool) {
	list := Methods()
	i := slices.IndexFunc(list, func(m Method) bool { return m.Name == name })
	if i < 0 {
		return Method{}, false
	}
	return list[i], true
}

const (
	gridCells   = "rows of a cell that an edge cuts are shared out; the bound says how far that can be off"
	gridRank    = "the bound is the mass of the largest cell of either sample"
	gridArea    = "the bound is the area that the cells leave open"
	gridValues  = "needs the values"
	gridMoments = "exact for features, whose mean and deviation are kept; scores need the values"
	gridSnap    = "exact for edges of the grid; the deciles are edges of the grid"
)

// Methods is the table of all methods, in the order of the documentation.
func Methods() []Method {
	return slices.Concat(ownMethods(), evidentlyMethods(), nannymlMethods(), otherMethods())
}

func ownMethods() []Method {
	return []Method{
		{Name: "psi", Limit: 0.1, Effect: Itself, Source: "Leeway", Grid: gridSnap,
			Definition: "sum of (p-q) ln(p/q) over the reference's deciles, or categories with the never-seen ones as one; half a row added to each bin",
			numbers:    func(x *Numbers) Result { return distance(PSI(x.Deciles()), 0) },
			categories: func(c *Categories) Result { return distance(PSI(c.Pooled), 0) }},
		{Name: "ks", Test: true, Limit: 0.05, Effect: Itself, Source: "scipy ks_2samp, auto", Grid: gridRank,
			Definition: "largest difference of the distribution functions; p exact up to 10,000 rows, asymptotic beyond",
			numbers:    ks},
		{Name: "chi2", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: "scipy chi2_contingency",
			Definition: "the same as chi2@contingency", categories: contingency},
		{Name: "js", Limit: 0.1, Effect: Itself, Source: "Leeway", Grid: gridSnap,
			Definition: "Jensen-Shannon distance: square root of the divergence in bits over the bins of psi, nothing added",
			numbers:    func(x *Numbers) Result { return distance(JS(x.Deciles()), 0) },
			categories: func(c *Categories) Result { return distance(JS(c.Pooled), 0) }},
		{Name: "wasserstein", Limit: 0.1, Effect: PerSD, Source: "scipy wasserstein_distance", Grid: gridArea,
			Definition: "W1, in the unit of the feature; as an effect, over the reference's standard deviation",
			numbers:    func(x *Numbers) Result { return distance(x.Wasserstein(), x.WassersteinBound()) }},
	}
}

// slotted makes a method of a distance over Evidently's bins.
func slotted(f func([]Slot) Result) (numbers func(*Numbers) Result, categories func(*Categories) Result) {
	return func(x *Numbers) Result {
			slots, reason := x.evidentlySlots()
			if reason != "" {
				return none(reason)
			}
			return f(slots)
		}, func(c *Categories) Result {
			return f(slotsOf(c.Every))
		}
}

func evidentlyMethods() []Method {
	const source = "Evidently 0.7"
	const bins = " over Sturges' bins of both samples when the reference has more than 20 different values, else over the values"
	const zeros = "; a share of 0 is 1e-4, or a millionth of the least one when that is at most 1e-4"
	psiN, psiC := slotted(EvidentlyPSI)
	klN, klC := slotted(EvidentlyKL)
	jsN, jsC := slotted(EvidentlyJS)
	return []Method{
		{Name: "psi@evidently", Limit: 0.1, Effect: Itself, Source: source, Grid: gridCells,
			Definition: "sum of (p-q) ln(p/q)" + bins + zeros, numbers: psiN, categories: psiC},
		{Name: "kl@evidently", Limit: 0.1, Effect: Itself, Source: source, Grid: gridCells,
			Definition: "sum of p ln(p/q), p the reference," + bins + zeros + ", then renormalised", numbers: klN, categories: klC},
		{Name: "js@evidently", Limit: 0.1, Effect: Itself, Source: source, Grid: gridCells,
			Definition: "square root of the Jensen-Shannon divergence in nats" + bins, numbers: jsN, categories: jsC},
		{Name: "hellinger@evidently", Limit: 0.1, Effect: Itself, Source: source, Grid: gridValues,
			Definition: "square root of 1 - sum sqrt(p q); Sturges' bins by the number of different values",
			numbers:    evidentlyHellinger,
			categories: func(c *Categories) Result { return affinity(slotsOf(c.Every)) }},
		{Name: "wasserstein@evidently", Limit: 0.1, Effect: Itself, Source: source, Grid: gridArea,
			Definition: "W1 over the larger of the reference's standard deviation (ddof 0) and 0.001", numbers: evidentlyWasserstein},
		{Name: "chi2@evidently", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: source,
			Definition: "chi-square of the current counts against the reference's, scaled; a never-seen category gives p = 0",
			categories: func(c *Categories) Result { return oneSample(c, pearson) }},
		{Name: "g@evidently", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: source,
			Definition: "G of the current counts against the reference's, scaled",
			categories: func(c *Categories) Result { return oneSample(c, likelihood) }},
		{Name: "z@evidently", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: source,
			Definition: "difference of two proportions with the pooled variance; columns of two values", categories: evidentlyZ},
		{Name: "mannwhitney@evidently", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: source, Grid: gridValues,
			Definition: "Mann-Whitney with the alternative that the reference is less",
			numbers:    func(x *Numbers) Result { return mannWhitney(x, refLess) }},
	}
}

func nannymlMethods() []Method {
	const source = "NannyML 0.13"
	const bins = " over Doane's bins of the reference and one of what lies outside, or over its values when they are at most 50 and a tenth of the rows"
	binned := func(f func(slots []Slot, n, m int64) Result) (func(*Numbers) Result, func(*Categories) Result) {
		return func(x *Numbers) Result {
				slots, others, reason := x.nannymlSlots()
				if reason != "" {
					return none(reason)
				}
				r := f(slots, x.N, x.M)
				for _, o := range others {
					other := f(o, x.N, x.M)
					r.Bound = max(r.Bound, math.Abs(other.Value-r.Value)+other.Bound)
				}
				return r
			}, func(c *Categories) Result {
				return f(slotsOf(c.Pooled), c.N, c.M)
			}
	}
	jsN, jsC := binned(nannymlJS)
	hellingerN, hellingerC := binned(nannymlHellinger)
	return []Method{
		{Name: "js@nannyml", Limit: 0.1, Effect: Itself, Source: source, Grid: gridCells,
			Definition: "square root of the Jensen-Shannon divergence in bits" + bins, numbers: jsN, categories: jsC},
		{Name: "hellinger@nannyml", Limit: 0.1, Effect: Itself, Source: source, Grid: gridCells,
			Definition: "Hellinger distance" + bins, numbers: hellingerN, categories: hellingerC},
		{Name: "linf@nannyml", Limit: 0.1, Effect: Itself, Source: source,
			Definition: "largest difference of shares", categories: func(c *Categories) Result { return distance(LInf(c.Every), 0) }},
		{Name: "ks@nannyml", Test: true, Limit: 0.05, Effect: Itself, Source: source, Grid: gridRank,
			Definition: "ks; from 10,000 rows of reference on at its quantiles only, one for each 500 rows", numbers: nannymlKS},
	}
}

func otherMethods() []Method {
	const scipy = "scipy 1.17 "
	return []Method{
		{Name: "emd@deepchecks", Limit: 0.2, Effect: Itself, Source: "Deepchecks 0.19", Grid: gridValues,
			Definition: "W1 of both samples without 2.5 % at either end, over the range of what is left",
			numbers:    func(x *Numbers) Result { return TrimmedEMD(x, deepchecksMargin) }},
		{Name: "cramersv@deepchecks", Limit: 0.2, Effect: Itself, Source: "Deepchecks 0.19; Bergsma 2013",
			Definition: "Cramer's V, corrected for bias, on counts scaled to the smaller sample",
			categories: func(c *Categories) Result { return distance(CramersV(c.Every), 0) }},
		{Name: "psi@deepchecks", Limit: 0.2, Effect: Itself, Source: "Deepchecks 0.19",
			Definition: "sum of (p-q) ln(p/q) over the categories, each share at least 0.01",
			categories: func(c *Categories) Result { return distance(FlooredPSI(c.Every), 0) }},
		{Name: "psi@phoenix", Limit: 0.1, Effect: Itself, Source: "Phoenix (before 2026)",
			Definition: "sum of (p-q) ln(p/q) over the categories, one row added to each",
			categories: func(c *Categories) Result { return distance(SmoothedPSI(c.Every, 1), 0) }},
		{Name: "chi2@contingency", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: scipy + "chi2_contingency",
			Definition: "chi-square of the table of category by sample, Yates' correction for 2x2", categories: contingency},
		{Name: "g@contingency", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: scipy + "chi2_contingency, log-likelihood",
			Definition: "likelihood ratio of the same table, Yates' correction for 2x2",
			categories: func(c *Categories) Result { return GTest(c.Every) }},
		{Name: "fisher", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: scipy + "fisher_exact",
			Definition: "exact test of a 2x2 table, two-sided; columns of two values",
			categories: func(c *Categories) Result { return Fisher(c.Every) }},
		{Name: "tvd", Limit: 0.1, Effect: Itself, Source: "Evidently 0.7 (the distance)",
			Definition: "total variation: half the sum of the differences of shares",
			categories: func(c *Categories) Result { return distance(TotalVariation(c.Every), 0) }},
		{Name: "cvm", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: scipy + "cramervonmises_2samp", Grid: gridValues,
			Definition: "Cramer-von Mises; p exact up to 20 rows", numbers: CramerVonMises},
		{Name: "anderson", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: scipy + "anderson_ksamp, midrank", Grid: gridValues,
			Definition: "Anderson-Darling for two samples, standardised; p between 0.001 and 0.25", numbers: AndersonDarling},
		{Name: "energy", Limit: 0.1, Effect: Itself, Source: scipy + "energy_distance", Grid: gridArea,
			Definition: "energy distance, in the root of the unit of the feature", numbers: Energy},
		{Name: "epps_singleton", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: scipy + "epps_singleton_2samp", Grid: gridValues,
			Definition: "Epps-Singleton at 0.4 and 0.8", numbers: EppsSingleton},
		{Name: "t_test", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: scipy + "ttest_ind, equal_var=False",
			Grid: gridMoments, Definition: "Welch's t of the means", numbers: welchT},
		{Name: "t_test@student", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: scipy + "ttest_ind",
			Grid: gridMoments, Definition: "Student's t of the means, one variance", numbers: studentT},
		{Name: "mannwhitney", Test: true, Limit: 0.05, Effect: EffectOfPSI, Source: scipy + "mannwhitneyu", Grid: gridValues,
			Definition: "Mann-Whitney U of the reference, two-sided; p exact when a sample has at most 8 rows and nothing is tied",
			numbers:    func(x *Numbers) Result { return mannWhitney(x, twoSided) }},
		{Name: "mmd", Limit: 0.1, Effect: Itself, Source: "Evidently 0.7; Gretton et al. 2012", Grid: gridValues,
			Definition: "squared maximum mean discrepancy, unbiased, Gaussian kernel with the median of the reference's distances; up to 1,000 rows", numbers: mmd},
	}
}

func ks(x *Numbers) Result {
	d := x.KS()
	return Result{Value: d, P: KSPValue(d, x.N, x.M), Bound: min(1, x.RankError)}
}

func contingency(c *Categories) Result {
	v, p, df := ChiSquare(c.Every)
	return test(v, p, df)
}

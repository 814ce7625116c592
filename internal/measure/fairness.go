package measure

import (
	"cmp"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
)

// Fairness is how differently a binary model treats the groups of one field.
// Each gap is the greatest rate of a group less the least, over groups of the
// minimum support; 0 is equal treatment.
//
//   - DemographicParity: of the rate of positive predictions (Dwork et al. 2012)
//   - EqualOpportunity: of the true positive rate (Hardt, Price and Srebro 2016)
//   - EqualisedOdds: the greater of the gaps of true and false positive rates
//   - ImpactRatio: least rate of positive predictions over the greatest; the
//     four-fifths rule asks for 0.8
type Fairness struct {
	Field                                              string
	DemographicParity, EqualOpportunity, EqualisedOdds Value
	ImpactRatio                                        Value
	Groups                                             []Group // by name
}

// Group is one value of the field.
type Group struct {
	Name                                  string
	Positive, TruePositive, FalsePositive Value // rates
}

// FairnessOf compares the groups of a field. The model must be binary: of
// others the positive outcome is not known.
func FairnessOf(field string, segments []Segment, opt CutOptions) (Fairness, bool) {
	if opt.Task != event.Binary {
		return Fairness{}, false
	}
	opt = opt.withDefaults()
	f := Fairness{Field: field}
	var positive, tpr, fpr []sums
	for i := range segments {
		if s := &segments[i]; s.Field() == field {
			q := orEmpty(s.Profile.Quality)
			p, t, n := positives(s.Profile, opt.Positive), countsOf(q.TP, q.TP+q.FN), countsOf(q.FP, q.FP+q.TN)
			f.Groups = append(f.Groups, Group{
				Name:          s.Name,
				Positive:      proportion(int64(p.sum), p.n, NoPredictions),
				TruePositive:  proportion(int64(t.sum), t.n, NoPositives),
				FalsePositive: proportion(int64(n.sum), n.n, NoNegatives),
			})
			positive, tpr, fpr = append(positive, p), append(tpr, t), append(fpr, n)
		}
	}
	slices.SortFunc(f.Groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	f.DemographicParity = gap(positive, opt.MinRows)
	f.EqualOpportunity = gap(tpr, opt.MinRows)
	f.EqualisedOdds = greater(f.EqualOpportunity, gap(fpr, opt.MinRows))
	f.ImpactRatio = impact(positive, opt.MinRows)
	return f, true
}

// TooFewGroups is the reason of a gap that fewer than two groups have the
// support for.
const TooFewGroups = "too_few_groups"

// extremes are the groups of the least and the greatest rate.
func extremes(groups []sums, minRows int64) (least, most sums, n int64) {
	found := 0
	for _, g := range groups {
		if g.n < max(minRows, 1) {
			continue
		}
		if found == 0 || g.mean() < least.mean() {
			least = g
		}
		if found == 0 || g.mean() > most.mean() {
			most = g
		}
		found++
		n += g.n
	}
	if found < 2 {
		return sums{}, sums{}, 0
	}
	return least, most, n
}

func gap(groups []sums, minRows int64) Value {
	least, most, n := extremes(groups, minRows)
	if n == 0 {
		return undefined(TooFewGroups, 0)
	}
	diff, low, high, _ := differ(most, least)
	return defined(diff, n).between(max(0, low), high, "newcombe")
}

// greater is undefined when either is: the other one may be the greater.
func greater(a, b Value) Value {
	if a.Defined && (!b.Defined || b.Value > a.Value) {
		return b
	}
	return a
}

func impact(groups []sums, minRows int64) Value {
	least, most, n := extremes(groups, minRows)
	if n == 0 {
		return undefined(TooFewGroups, 0)
	}
	if most.sum == 0 {
		return undefined(NoPredictedPositives, n)
	}
	return defined(least.mean()/most.mean(), n)
}

// FieldsOf lists the fields of segments, ascending.
func FieldsOf(segments []Segment) []string {
	var out []string
	for i := range segments {
		if f := segments[i].Field(); !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	slices.Sort(out)
	return out
}

package demo

import "math/rand/v2"

// The world of the first model: applicants for a loan, of whom some will not
// pay it back. What drifts is one new sales channel, "partner": its customers
// are younger, it tells the income by the month instead of the year's, and often
// not how long somebody has been employed. The truth does not change, so what
// the model says of these applicants is wrong.

var creditNumbers = []string{
	"age", "income", "loan_amount", "loan_to_income", "debt_to_income", "utilization",
	"late_payments", "open_accounts", "employment_years", "credit_history_years",
}

var creditCategories = []string{"country", "channel", "home", "purpose"}

func creditRisk(r *rand.Rand) *subject {
	s := &subject{
		name: "credit-risk", title: "Credit risk", task: "binary", positive: "default",
		segments: []string{"country", "channel"}, perSecond: 30, perMinute: 24, latencyMS: 38, errorRate: 0.004, draw: drawApplicant,
	}
	s.old = trainCredit("v1", draws(r, 900, drawApplicant), 120)
	s.new = trainCredit("v2", draws(r, 6000, drawApplicant), 250)
	return s
}

func trainCredit(name string, rows []sample, steps int) version {
	e := newEncoder(rows, creditNumbers, creditCategories)
	fit := fitting{link: sigmoid, rate: 2, steps: steps}
	for _, s := range rows {
		fit.x = append(fit.x, e.encode(s.features))
		fit.y = append(fit.y, indicator(s.truth == "default"))
	}
	w := fit.train()
	return version{name, func(features map[string]any) answer {
		score := rounded(sigmoid(dot(w, e.encode(features))), 4)
		if score >= 0.5 {
			return answer{Prediction: "default", Score: &score}
		}
		return answer{Prediction: "repaid", Score: &score}
	}}
}

// partnerShare is how many applicants come through the new channel at the worst.
const partnerShare = 0.5

// applicant is a case before it is told to anybody.
type applicant struct {
	age, income, loan, debt, utilization, late, accounts, employed, history float64
	country, channel, home, purpose                                         string
}

func drawApplicant(r *rand.Rand, drift float64) sample {
	a := applicant{
		age: normal(r, 43, 11, 18, 85), income: normal(r, 52_000, 12_000, 14_000, 150_000), loan: normal(r, 18_000, 6_000, 1_000, 60_000),
		debt: normal(r, 17_000, 6_500, 0, 80_000), utilization: normal(r, 0.45, 0.18, 0, 1.2), late: float64(int(r.ExpFloat64() * 1.6)),
		accounts: float64(int(normal(r, 6, 2.2, 0, 25))), employed: normal(r, 9, 5, 0, 45), history: normal(r, 12, 5, 0, 50),
		country: weighted(r, []string{"DE", "FR", "NL", "PL"}, []float64{45, 30, 15, 10}),
		channel: weighted(r, []string{"web", "app", "branch"}, []float64{50, 35, 15}),
		home:    weighted(r, []string{"rent", "mortgage", "own"}, []float64{45, 35, 20}),
		purpose: weighted(r, []string{"car", "home", "education", "debt"}, []float64{40, 30, 10, 20}),
	}
	partner := r.Float64() < partnerShare*drift
	if partner {
		a.channel, a.age = "partner", normal(r, 29, 6, 18, 85)
	}
	truth := "repaid"
	if a.risk()+normal(r, 0, 0.15) > 0 {
		truth = "default"
	}
	reported, employed := a.income, any(rounded(a.employed, 1))
	if partner {
		reported = a.income / 12
	}
	if r.Float64() < 0.01 || partner && r.Float64() < 0.6 {
		employed = nil
	}
	return sample{truth: truth, features: map[string]any{
		"age": rounded(a.age, 0), "income": rounded(reported, -1), "loan_amount": rounded(a.loan, -2),
		"loan_to_income": rounded(min(a.loan/reported, 20), 3), "debt_to_income": rounded(min(a.debt/reported, 20), 3),
		"utilization": rounded(a.utilization, 3), "late_payments": a.late, "open_accounts": a.accounts,
		"employment_years": employed, "credit_history_years": rounded(a.history, 1),
		"country": a.country, "channel": a.channel, "home": a.home, "purpose": a.purpose,
	}}
}

// risk is above 0 for those who will not pay.
func (a *applicant) risk() float64 {
	z := -0.5 - 1.3*(a.income-52_000)/12_000 + 0.9*(a.loan-18_000)/6_000 + 1.1*(a.debt-17_000)/6_500 +
		1.5*(a.utilization-0.45)/0.18 + 1.0*(a.late-1.1)/1.6 - 0.7*(a.employed-9)/5 - 0.6*(a.history-12)/5
	switch a.home {
	case "rent":
		z += 0.5
	case "own":
		z -= 0.6
	}
	if a.purpose == "debt" {
		z += 0.8
	}
	return z
}

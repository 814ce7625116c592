package estimate

import "github.com/leewayhq/leeway/internal/profile"

// Memo keeps what was learnt from a reference profile, which takes some tens of
// milliseconds, until the labels in it change. Not safe for concurrent use.
type Memo struct {
	known  bool
	print  fingerprint
	ref    *Reference
	reason string
}

// fingerprint tells two sets of labelled scores apart: their exact sums.
type fingerprint struct {
	counts         [6]int64
	brier, logLoss profile.FixedSum
}

func printOf(p *profile.Profile) fingerprint {
	if p == nil || p.Quality == nil {
		return fingerprint{}
	}
	q := p.Quality
	return fingerprint{[6]int64{q.TP, q.FP, q.FN, q.TN, q.Pos.N(), q.Neg.N()}, q.Brier, q.LogLoss}
}

// FromProfile is FromProfile, done anew only when it must be.
func (m *Memo) FromProfile(p *profile.Profile) (r *Reference, reason string) {
	if print := printOf(p); !m.known || m.print != print {
		m.ref, m.reason = FromProfile(p)
		m.known, m.print = true, print
	}
	return m.ref, m.reason
}

package estimate

import (
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// Estimator is what labelled rows taught of a model: a Reference for two
// classes, Losses for numbers.
type Estimator interface {
	// OfProfile is the quality to be expected of all predictions of a window.
	OfProfile(p *profile.Profile) Result
	// GapsOf compares it with what was realised, on the labelled rows alone.
	GapsOf(p *profile.Profile) []Gap
	// About tells what it rests on.
	About() About
}

// About is what an estimator rests on.
type About struct {
	Method     string
	Labels     int64 // labelled rows of the reference
	Calibrated bool  // false: scores are taken as probabilities, or there are none
}

// About tells what the estimates of classes rest on.
func (r *Reference) About() About { return About{Method, r.Rows, r.Calibrated} }

// GapsOf is Gaps of a profile.
func (r *Reference) GapsOf(p *profile.Profile) []Gap {
	realised := measure.Quality(p, event.Binary)
	return r.Gaps(&realised, p.Quality)
}

// About tells what the estimates of errors rest on.
func (l *Losses) About() About { return About{Method: LossMethod, Labels: l.Rows} }

// GapsOf is Gaps of a profile.
func (l *Losses) GapsOf(p *profile.Profile) []Gap { return l.Gaps(p.Quality) }

// Learn makes the estimator of a task from a reference; nil and the reason
// when there is none.
func (m *Memo) Learn(p *profile.Profile, task event.Task) (e Estimator, reason string) {
	switch task {
	case event.Binary:
		r, reason := m.FromProfile(p)
		if r == nil {
			return nil, reason
		}
		return r, ""
	case event.Regression:
		l, reason := LossesFromProfile(p)
		if l == nil {
			return nil, reason
		}
		return l, ""
	}
	return nil, NotAnEstimate
}

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

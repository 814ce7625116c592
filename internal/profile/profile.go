// Package profile holds the mergeable summaries of what a model did in one
// window, and the kernels that fold columns into them.
//
// A merge is associative and commutative: counts, grids, scores, confusion and
// sums of errors exactly, means and deviations to 1e-12. Everything that
// depends on a label (Quality) is invertible as well: what was added can be
// taken back and leaves the same bytes as if it had never been there.
// Small summaries keep the values themselves and answer exactly; larger ones
// keep a grid and say how wrong an answer can be.
//
// Nothing here starts a goroutine and nothing is safe for concurrent use,
// except reading a profile that came from Close, Merge or Decode. The bytes
// are described in docs/formats/profile.md.
package profile

// Limits of exactness, in rows of the merged summary.
const (
	// WindowExact is the limit of a stored window.
	WindowExact = 256
	// MergeExact is the limit of a merge at query time.
	MergeExact = 10_000
)

// Profile is what one model, version and segment did in one window. A part
// that nothing was added to is nil.
type Profile struct {
	Predictions  int64 // rows with a prediction or an error
	Errors       int64 // those of them that failed
	NoPrediction int64 // rows of features alone
	Duplicates   int64 // rows refused because their id had been seen; the caller counts them

	FirstTime int64 // least event time, unix ms; 0 when Rows is 0
	LastTime  int64 // greatest event time
	Arrived   int64 // latest arrival at the door

	Latency  *Latency
	Scores   *ScoreSet   // of all predictions, labelled or not
	Decided  *Decided    // of the Scores, those of a binary model's decisions
	Classes  *Categories // predicted classes
	Values   *Numeric    // predicted values of a regression model
	Quality  *Quality
	Features map[string]*Feature // nil in a light profile
}

// Rows is how many rows were folded.
func (p *Profile) Rows() int64 { return p.Predictions + p.NoPrediction }

// Feature is one input of the model. One that arrives as a number in some
// rows and as a string in others has both summaries.
type Feature struct {
	Rows int64 // rows of the batches that listed the feature
	Num  *Numeric
	Cat  *Categories
}

// Missing is how many rows had no value: null, NaN or the empty string.
func (f *Feature) Missing() int64 {
	missing := f.Rows
	if f.Num != nil {
		missing -= f.Num.N + f.Num.PosInf + f.Num.NegInf
	}
	if f.Cat != nil {
		missing -= f.Cat.N
	}
	return missing
}

// Merge adds o to p. o is unchanged and shares no memory with p afterwards. A
// summary whose merged count is above limit goes to its grid.
func (p *Profile) Merge(o *Profile, limit int) {
	p.mergeTimes(o)
	p.Predictions += o.Predictions
	p.Errors += o.Errors
	p.NoPrediction += o.NoPrediction
	p.Duplicates += o.Duplicates
	mergePart(&p.Latency, o.Latency, limit)
	mergePart(&p.Scores, o.Scores, limit)
	mergePart(&p.Decided, o.Decided, limit)
	p.alignDecided()
	mergePart(&p.Classes, o.Classes, limit)
	mergePart(&p.Values, o.Values, limit)
	mergePart(&p.Quality, o.Quality, limit)
	for name, f := range o.Features {
		if p.Features == nil {
			p.Features = make(map[string]*Feature, len(o.Features))
		}
		mine := p.Features[name]
		if mine == nil {
			mine = &Feature{}
			p.Features[name] = mine
		}
		mine.merge(f, limit)
	}
}

func (p *Profile) mergeTimes(o *Profile) {
	switch {
	case o.Rows() == 0:
	case p.Rows() == 0:
		p.FirstTime, p.LastTime = o.FirstTime, o.LastTime
	default:
		p.FirstTime = min(p.FirstTime, o.FirstTime)
		p.LastTime = max(p.LastTime, o.LastTime)
	}
	p.Arrived = max(p.Arrived, o.Arrived)
}

func (f *Feature) merge(o *Feature, limit int) {
	f.Rows += o.Rows
	mergePart(&f.Num, o.Num, limit)
	mergePart(&f.Cat, o.Cat, limit)
}

// summary is what the parts of a profile have in common: a zero value that is
// empty, and a merge.
type summary[T any] interface {
	*T
	Merge(o *T, limit int)
}

func mergePart[T any, P summary[T]](mine **T, o *T, limit int) {
	if o == nil {
		return
	}
	if *mine == nil {
		*mine = new(T)
	}
	P(*mine).Merge(o, limit)
}

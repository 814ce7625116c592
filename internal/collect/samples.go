package collect

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// SampleLimits say which metric samples are taken, before they go to the queue:
// behind it nobody can be told any more. Zeros are the defaults.
type SampleLimits struct {
	Labels     int           // of a series: 64
	LabelBytes int           // of a name or a value: 2,048
	Past       time.Duration // older samples are refused: 3 h, the window of the series
	Future     time.Duration // later samples are refused: 10 min
	// Admit tells whether the store has room for a series, or has it; nil is yes.
	Admit func(labels.Labels) error
}

// WithDefaults fills the zeros.
func (l SampleLimits) WithDefaults() SampleLimits {
	if l.Labels == 0 {
		l.Labels = 64
	}
	if l.LabelBytes == 0 {
		l.LabelBytes = 2048
	}
	if l.Past == 0 {
		l.Past = 3 * time.Hour
	}
	if l.Future == 0 {
		l.Future = 10 * time.Minute
	}
	return l
}

// BadSample is a sample, or a series, that breaks a rule: sending it again does
// not help. Reason is a word for counters.
type BadSample struct{ Reason, Detail string }

func (e *BadSample) Error() string { return e.Detail }

func bad(reason, format string, args ...any) *BadSample {
	return &BadSample{reason, fmt.Sprintf(format, args...)}
}

// Series checks a label set, whose names must ascend.
func (l *SampleLimits) Series(ls labels.Labels) *BadSample {
	if ls.Get(model.MetricNameLabel) == "" {
		return bad("no_name", "a series without the label __name__: %s", clip(ls))
	}
	if n := ls.Len(); n > l.Labels {
		return bad("label_limit", "a series of %d labels, %d are allowed: %s", n, l.Labels, clip(ls))
	}
	if name, twice := ls.HasDuplicateLabelNames(); twice {
		return bad("duplicate_label", "the label %q stands twice in %s", name, clip(ls))
	}
	var wrong *BadSample
	ls.Range(func(label labels.Label) {
		switch {
		case wrong != nil:
		case label.Name == "" || !utf8.ValidString(label.Name) || !utf8.ValidString(label.Value):
			wrong = bad("invalid_label", "a label is not UTF-8 or has no name: %q", clip(ls))
		case len(label.Name) > l.LabelBytes || len(label.Value) > l.LabelBytes:
			wrong = bad("label_too_long", "the label %.60q has more than %d bytes", label.Name, l.LabelBytes)
		}
	})
	if wrong == nil && l.Admit != nil {
		if err := l.Admit(ls); err != nil {
			return bad("series_limit", "%v", err)
		}
	}
	return wrong
}

// Time checks the time of a sample, unix ms.
func (l *SampleLimits) Time(t int64, now time.Time) *BadSample {
	switch {
	case t > now.Add(l.Future).UnixMilli():
		return bad("future", "a sample at %s is more than %s ahead of the server's clock", iso(t), l.Future)
	case t < now.Add(-l.Past).UnixMilli():
		return bad("too_old", "a sample at %s is more than %s old", iso(t), l.Past)
	}
	return nil
}

func iso(ms int64) string {
	if ms < -62135596800000 || ms > 253402300799999 {
		return fmt.Sprintf("%d ms", ms)
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}

// Histogram checks a native histogram with whole counts, or with broken ones,
// and gives the form in which it is kept. One that is finer than what can be
// kept is made coarser.
func (l *SampleLimits) Histogram(h *histogram.Histogram, fh *histogram.FloatHistogram) (*histogram.FloatHistogram, *BadSample) {
	var err error
	if h != nil {
		if h.Schema > histogram.ExponentialSchemaMax && histogram.IsExponentialSchemaReserved(h.Schema) {
			err = h.ReduceResolution(histogram.ExponentialSchemaMax)
		}
		if err = errors.Join(err, h.Validate()); err == nil {
			return h.ToFloat(nil), nil
		}
		return nil, bad("invalid_histogram", "a histogram: %v", err)
	}
	if fh.Schema > histogram.ExponentialSchemaMax && histogram.IsExponentialSchemaReserved(fh.Schema) {
		err = fh.ReduceResolution(histogram.ExponentialSchemaMax)
	}
	if err = errors.Join(err, fh.Validate()); err != nil {
		return nil, bad("invalid_histogram", "a histogram: %v", err)
	}
	return fh, nil
}

// Exemplar checks an exemplar: its labels have 128 characters at most together.
func (l *SampleLimits) Exemplar(e *exemplar.Exemplar, now time.Time) *BadSample {
	length, valid := 0, true
	e.Labels.Range(func(label labels.Label) {
		length += utf8.RuneCountInString(label.Name) + utf8.RuneCountInString(label.Value)
		valid = valid && utf8.ValidString(label.Name) && utf8.ValidString(label.Value)
	})
	if length > exemplar.ExemplarMaxLabelSetLength || !valid {
		return bad("invalid_exemplar", "the labels of an exemplar are not UTF-8 or have more than %d characters", exemplar.ExemplarMaxLabelSetLength)
	}
	return l.Time(e.Ts, now)
}

// clip keeps an oversized label set out of messages.
func clip(ls labels.Labels) string {
	const most = 200
	if s := ls.String(); len(s) <= most {
		return s
	}
	return fmt.Sprintf("%.200s…", ls.String())
}

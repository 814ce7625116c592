package remotewrite

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/event/sample"
)

// The numbers of the fields that are read.
const (
	seriesOfV1  = 1
	symbolsOfV2 = 4
	seriesOfV2  = 5
)

// taken is what of one body is good, and what is not.
type taken struct {
	cfg   *Config
	now   time.Time
	build sample.Builder
	label labels.ScratchBuilder

	floats, histograms, exemplars int // that are good
	bad                           int
	rejected                      map[string]int // by reason
	first                         *collect.BadSample
}

func newTaken(cfg *Config) *taken {
	return &taken{cfg: cfg, now: cfg.Now(), rejected: map[string]int{}}
}

// read takes a message series by series, so that memory is that of one. An
// error is about the message: nothing of it is to be stored.
func (t *taken) read(ver version, message []byte) error {
	if ver == v1 {
		var ts prompb.TimeSeries
		return each(message, seriesOfV1, func(b []byte) error { return t.seriesV1(&ts, b) })
	}
	var symbols []string
	err := each(message, symbolsOfV2, func(b []byte) error {
		if len(symbols) == t.cfg.Symbols {
			return fmt.Errorf("more than %d symbols", t.cfg.Symbols)
		}
		symbols = append(symbols, unsafe.String(unsafe.SliceData(b), len(b)))
		return nil
	})
	if err != nil {
		return err
	}
	if len(symbols) > 0 && symbols[0] != "" {
		return errors.New("the first symbol is not empty")
	}
	var ts writev2.TimeSeries
	return each(message, seriesOfV2, func(b []byte) error { return t.seriesV2(&ts, b, symbols) })
}

// each calls fn with every field of a number that holds bytes.
func each(message []byte, number protowire.Number, fn func([]byte) error) error {
	for len(message) > 0 {
		num, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if num == number && kind == protowire.BytesType {
			b, n := protowire.ConsumeBytes(message)
			if n < 0 {
				return protowire.ParseError(n)
			}
			if err := fn(b); err != nil {
				return err
			}
			message = message[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(num, kind, message); n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
	}
	return nil
}

func (t *taken) fits(b []byte) error {
	if len(b) > t.cfg.SeriesBytes {
		return fmt.Errorf("a series of %d bytes, %d are allowed: send fewer of its samples at a time", len(b), t.cfg.SeriesBytes)
	}
	return nil
}

// unmarshaler is a message of either version; it adds to what it holds.
type unmarshaler interface{ Unmarshal([]byte) error }

func unmarshal(m unmarshaler, b []byte) (err error) {
	defer func() {
		if r := recover(); r != nil { // generated code; a bug in it must not end the server
			err = fmt.Errorf("a series cannot be read: %v", r)
		}
	}()
	return m.Unmarshal(b)
}

func (t *taken) seriesV1(ts *prompb.TimeSeries, b []byte) error {
	ts.Labels, ts.Samples, ts.Histograms, ts.Exemplars = ts.Labels[:0], ts.Samples[:0], ts.Histograms[:0], ts.Exemplars[:0]
	if err := errors.Join(t.fits(b), unmarshal(ts, b)); err != nil {
		return err
	}
	ls := t.labels(func(add func(name, value string)) {
		for i := range ts.Labels {
			add(ts.Labels[i].Name, ts.Labels[i].Value)
		}
	})
	if wrong := t.cfg.Samples.Series(ls); wrong != nil {
		t.reject(wrong, len(ts.Samples)+len(ts.Histograms)+len(ts.Exemplars))
		return nil
	}
	for i := range ts.Samples {
		t.float(ls, ts.Samples[i].Timestamp, ts.Samples[i].Value)
	}
	for i := range ts.Histograms {
		h := &ts.Histograms[i]
		if whole := h.ToIntHistogram(); whole != nil {
			t.histogram(ls, h.Timestamp, whole, nil)
		} else {
			t.histogram(ls, h.Timestamp, nil, h.ToFloatHistogram())
		}
	}
	for i := range ts.Exemplars {
		e := &ts.Exemplars[i]
		t.exemplar(ls, exemplar.Exemplar{Ts: e.Timestamp, Value: e.Value, HasTs: true, Labels: t.labels(func(add func(name, value string)) {
			for j := range e.Labels {
				add(e.Labels[j].Name, e.Labels[j].Value)
			}
		})})
	}
	return nil
}

func (t *taken) seriesV2(ts *writev2.TimeSeries, b []byte, symbols []string) error {
	ts.LabelsRefs, ts.Samples, ts.Histograms, ts.Exemplars = ts.LabelsRefs[:0], ts.Samples[:0], ts.Histograms[:0], ts.Exemplars[:0]
	ts.Metadata = writev2.Metadata{}
	if err := errors.Join(t.fits(b), unmarshal(ts, b)); err != nil {
		return err
	}
	all := len(ts.Samples) + len(ts.Histograms) + len(ts.Exemplars)
	ls, wrong := t.symbols(ts.LabelsRefs, symbols)
	if wrong == nil {
		wrong = t.cfg.Samples.Series(ls)
	}
	if wrong == nil && len(ts.Samples) > 0 && len(ts.Histograms) > 0 {
		wrong = &collect.BadSample{Reason: "mixed_series", Detail: "a series has samples and histograms at once: " + ls.Get("__name__")}
	}
	if wrong != nil {
		t.reject(wrong, max(all, 1)) // metadata alone can be wrong, too
		return nil
	}
	for i := range ts.Samples {
		t.float(ls, ts.Samples[i].Timestamp, ts.Samples[i].Value)
	}
	for i := range ts.Histograms {
		h := &ts.Histograms[i]
		if whole := h.ToIntHistogram(); whole != nil {
			t.histogram(ls, h.Timestamp, whole, nil)
		} else {
			t.histogram(ls, h.Timestamp, nil, h.ToFloatHistogram())
		}
	}
	for i := range ts.Exemplars {
		e := &ts.Exemplars[i]
		els, wrong := t.symbols(e.LabelsRefs, symbols)
		if wrong != nil {
			t.reject(wrong, 1)
			continue
		}
		t.exemplar(ls, exemplar.Exemplar{Ts: e.Timestamp, Value: e.Value, HasTs: true, Labels: els})
	}
	return nil
}

// labels sorts a label set. An empty value is an absent label.
func (t *taken) labels(fill func(add func(name, value string))) labels.Labels {
	t.label.Reset()
	fill(func(name, value string) {
		if value != "" {
			t.label.Add(name, value)
		}
	})
	t.label.Sort()
	return t.label.Labels()
}

// symbols is the label set of references into the table of symbols.
func (t *taken) symbols(refs []uint32, symbols []string) (labels.Labels, *collect.BadSample) {
	if len(refs)%2 != 0 {
		return labels.EmptyLabels(), &collect.BadSample{Reason: "bad_reference", Detail: fmt.Sprintf("%d references to names and values are no pairs", len(refs))}
	}
	for _, r := range refs {
		if int64(r) >= int64(len(symbols)) {
			return labels.EmptyLabels(), &collect.BadSample{Reason: "bad_reference", Detail: fmt.Sprintf("symbol %d of %d", r, len(symbols))}
		}
	}
	return t.labels(func(add func(name, value string)) {
		for i := 0; i < len(refs); i += 2 {
			add(symbols[refs[i]], symbols[refs[i+1]])
		}
	}), nil
}

func (t *taken) reject(wrong *collect.BadSample, n int) {
	if t.first == nil {
		t.first = wrong
	}
	t.bad += n
	t.rejected[wrong.Reason] += n
}

func (t *taken) float(ls labels.Labels, at int64, v float64) {
	if wrong := t.cfg.Samples.Time(at, t.now); wrong != nil {
		t.reject(wrong, 1)
		return
	}
	t.build.Float(ls, at, v)
	t.floats++
}

func (t *taken) histogram(ls labels.Labels, at int64, h *histogram.Histogram, fh *histogram.FloatHistogram) {
	wrong := t.cfg.Samples.Time(at, t.now)
	if wrong == nil {
		fh, wrong = t.cfg.Samples.Histogram(h, fh)
	}
	if wrong == nil && t.build.Histogram(ls, at, fh) != nil {
		wrong = &collect.BadSample{Reason: "invalid_histogram", Detail: "a histogram cannot be written"}
	}
	if wrong != nil {
		t.reject(wrong, 1)
		return
	}
	t.histograms++
}

// exemplar takes an exemplar. One that is wrong is counted and is no reason to
// refuse anything: exemplars are examples.
func (t *taken) exemplar(ls labels.Labels, e exemplar.Exemplar) {
	if wrong := t.cfg.Samples.Exemplar(&e, t.now); wrong != nil {
		t.rejected[wrong.Reason]++
		return
	}
	t.build.Exemplar(ls, &e)
	t.exemplars++
}

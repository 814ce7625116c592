package exposition

import (
	"io"
	"math"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"google.golang.org/protobuf/proto"

	"github.com/leewayhq/leeway/internal/store/series"
)

// page is one answer.
type page struct {
	format    expfmt.Format
	times     bool // samples have the times at which they were taken
	sums      bool // native histograms are shown as count and sum in text
	described map[string]Description
	points    []series.Reading // by metric name
}

func (p *page) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", string(p.format))
	w.Header().Set("Cache-Control", "no-store")
	enc := expfmt.NewEncoder(w, p.format)
	var family *dto.MetricFamily
	for i := range p.points {
		point := &p.points[i]
		m, kind := p.metric(point)
		if m == nil {
			continue
		}
		name := point.Labels.Get(model.MetricNameLabel)
		if family == nil || family.GetName() != name || family.GetType() != kind {
			if err := flush(enc, family); err != nil {
				return err
			}
			family = &dto.MetricFamily{Name: &name, Type: &kind}
			if d := p.described[name]; d.Help != "" {
				family.Help = &d.Help
			}
		}
		family.Metric = append(family.Metric, m)
	}
	if err := flush(enc, family); err != nil {
		return err
	}
	if c, ok := enc.(io.Closer); ok { // the end of OpenMetrics
		return c.Close()
	}
	return nil
}

func flush(enc expfmt.Encoder, f *dto.MetricFamily) error {
	if f == nil {
		return nil
	}
	return enc.Encode(f)
}

// binary tells whether the format has native histograms.
func (p *page) binary() bool {
	switch p.format.FormatType() {
	case expfmt.TypeProtoDelim, expfmt.TypeProtoText, expfmt.TypeProtoCompact:
		return true
	}
	return false
}

// metric is a point in the format's terms; nil if it has none for it.
func (p *page) metric(point *series.Reading) (*dto.Metric, dto.MetricType) {
	m := &dto.Metric{}
	point.Labels.Range(func(l labels.Label) {
		if l.Name != model.MetricNameLabel {
			m.Label = append(m.Label, &dto.LabelPair{Name: proto.String(l.Name), Value: proto.String(l.Value)})
		}
	})
	if p.times {
		m.TimestampMs = &point.T
	}
	if point.H == nil {
		return m, p.number(m, point)
	}
	kind := dto.MetricType_HISTOGRAM
	switch {
	case point.H.UsesCustomBuckets():
		m.Histogram = classic(point.H)
	case p.binary():
		if point.H.CounterResetHint == histogram.GaugeType {
			kind = dto.MetricType_GAUGE_HISTOGRAM
		}
		m.Histogram = native(point.H)
	case p.sums:
		kind = dto.MetricType_SUMMARY
		m.Summary = &dto.Summary{SampleCount: proto.Uint64(uint64(math.Round(max(point.H.Count, 0)))), SampleSum: &point.H.Sum}
	default:
		return nil, kind
	}
	return m, kind
}

func (p *page) number(m *dto.Metric, point *series.Reading) dto.MetricType {
	d, known := p.described[point.Labels.Get(model.MetricNameLabel)]
	switch {
	case known && d.Type == dto.MetricType_GAUGE:
		m.Gauge = &dto.Gauge{Value: &point.V}
	case known && d.Type == dto.MetricType_COUNTER:
		m.Counter = &dto.Counter{Value: &point.V}
	default:
		m.Untyped = &dto.Untyped{Value: &point.V}
		return dto.MetricType_UNTYPED
	}
	return d.Type
}

// native is a histogram with exponential buckets as it is.
func native(h *histogram.FloatHistogram) *dto.Histogram {
	out := &dto.Histogram{
		SampleCountFloat: &h.Count, SampleSum: &h.Sum, Schema: &h.Schema,
		ZeroThreshold: &h.ZeroThreshold, ZeroCountFloat: &h.ZeroCount,
		PositiveSpan: spans(h.PositiveSpans), PositiveCount: h.PositiveBuckets,
		NegativeSpan: spans(h.NegativeSpans), NegativeCount: h.NegativeBuckets,
	}
	if len(out.PositiveSpan)+len(out.NegativeSpan) == 0 && h.ZeroThreshold == 0 {
		// An empty span tells a native histogram without buckets from a classic one.
		out.PositiveSpan = []*dto.BucketSpan{{Offset: proto.Int32(0), Length: proto.Uint32(0)}}
	}
	return out
}

func spans(list []histogram.Span) []*dto.BucketSpan {
	out := make([]*dto.BucketSpan, len(list))
	for i := range list {
		out[i] = &dto.BucketSpan{Offset: &list[i].Offset, Length: &list[i].Length}
	}
	return out
}

// classic is a histogram with bounds of its own, as buckets from below.
func classic(h *histogram.FloatHistogram) *dto.Histogram {
	out := &dto.Histogram{SampleCountFloat: &h.Count, SampleSum: &h.Sum}
	sum := 0.0
	for it := h.PositiveBucketIterator(); it.Next(); {
		b := it.At()
		sum += b.Count
		out.Bucket = append(out.Bucket, &dto.Bucket{UpperBound: proto.Float64(b.Upper), CumulativeCountFloat: proto.Float64(sum)})
	}
	return out
}

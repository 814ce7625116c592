package otlp

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// prune takes out what has more attributes than a series may have labels. It
// would be rejected later, too, but the translator's time grows with the square
// of their number. A resource loses those that make no labels.
func (p *samples) prune(m pmetric.Metrics) {
	for _, rm := range m.ResourceMetrics().All() {
		p.pruneResource(rm.Resource().Attributes())
		for _, sm := range rm.ScopeMetrics().All() {
			for _, metric := range sm.Metrics().All() {
				p.prunePoints(metric)
			}
		}
	}
}

func (p *samples) tooMany(attributes pcommon.Map) bool {
	return attributes.Len() > p.receiver.cfg.Samples.Labels
}

func (p *samples) pruneResource(attributes pcommon.Map) {
	if !p.tooMany(attributes) {
		return
	}
	keep := map[string]bool{serviceName: true, "service.namespace": true, "service.instance.id": true}
	for _, name := range p.receiver.cfg.ResourceLabels {
		keep[name] = true
	}
	attributes.RemoveIf(func(name string, _ pcommon.Value) bool {
		kept := keep[name]
		keep[name] = false // what stands there twice is kept once
		return !kept
	})
}

func (p *samples) prunePoints(m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		m.Gauge().DataPoints().RemoveIf(func(d pmetric.NumberDataPoint) bool { return p.wide(d) })
	case pmetric.MetricTypeSum:
		m.Sum().DataPoints().RemoveIf(func(d pmetric.NumberDataPoint) bool { return p.wide(d) })
	case pmetric.MetricTypeHistogram:
		m.Histogram().DataPoints().RemoveIf(func(d pmetric.HistogramDataPoint) bool { return p.wide(d) })
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().DataPoints().RemoveIf(func(d pmetric.ExponentialHistogramDataPoint) bool { return p.wide(d) })
	case pmetric.MetricTypeSummary:
		m.Summary().DataPoints().RemoveIf(func(d pmetric.SummaryDataPoint) bool { return p.wide(d) })
	}
}

// wide rejects a point of too many attributes, and takes away such exemplars of
// the others.
func (p *samples) wide(point interface{ Attributes() pcommon.Map }) bool {
	if p.tooMany(point.Attributes()) {
		p.reject("label_limit", fmt.Sprintf("a point of %d attributes, %d are allowed", point.Attributes().Len(), p.receiver.cfg.Samples.Labels), 1)
		return true
	}
	if with, ok := point.(interface{ Exemplars() pmetric.ExemplarSlice }); ok {
		with.Exemplars().RemoveIf(func(e pmetric.Exemplar) bool { return p.tooMany(e.FilteredAttributes()) })
	}
	return false
}

package alert

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// selector is which series a threshold looks at.
type selector struct {
	series  string
	model   string // "" every
	version string // "" every
	segment string // "" the whole model, "*" every
	match   map[string]string
	host    bool // the series carry host instead of model, version, segment
}

func (t *ThresholdRule) selector(m catalogue.Metric) selector {
	every := func(s string) string {
		if s == Any {
			return ""
		}
		return s
	}
	return selector{
		series: m.Series, model: every(t.Model), version: every(t.Version),
		segment: t.Segment, match: t.Match, host: m.Group == catalogue.Host,
	}
}

// fixed counts what the selector pins: the rule that pins more is the one
// that means the series.
func (s selector) fixed() int {
	n := len(s.match)
	for _, v := range []string{s.model, s.version} {
		if v != "" {
			n++
		}
	}
	if s.segment != Any && s.segment != "" {
		n++
	}
	return n
}

// overlaps says whether a series can be selected by both.
func (s selector) overlaps(o selector) bool {
	clash := func(a, b, every string) bool { return a != every && b != every && a != b }
	if clash(s.model, o.model, "") || clash(s.version, o.version, "") || clash(s.segment, o.segment, Any) {
		return false
	}
	for k, v := range s.match {
		if w, ok := o.match[k]; ok && w != v {
			return false
		}
	}
	return true
}

// onlyModel says whether s takes from o all series of one model, so that
// leaving the model out of o is enough.
func (s selector) onlyModel(o selector) bool {
	return s.model != "" && o.model == "" && s.version == "" && len(s.match) == 0 &&
		(s.segment == Any || s.segment == o.segment)
}

// promQL writes the selector without the series that belong to overrides.
// Whole models are left out by a matcher, anything finer by "unless".
func (s selector) promQL(overrides []selector) string {
	var models []string
	var unless []string
	for _, o := range overrides {
		if o.onlyModel(s) {
			models = append(models, regexp.QuoteMeta(o.model))
			continue
		}
		unless = append(unless, o.promQL(nil))
	}
	slices.Sort(models)
	slices.Sort(unless)
	expr := s.series + s.matchers(slices.Compact(models))
	for _, u := range slices.Compact(unless) {
		expr += " unless " + u
	}
	if len(unless) > 0 {
		return "(" + expr + ")"
	}
	return expr
}

func (s selector) matchers(without []string) string {
	var out []string
	add := func(kind labels.MatchType, name, value string) {
		out = append(out, name+kind.String()+strconv.Quote(value))
	}
	if !s.host {
		if s.model != "" {
			add(labels.MatchEqual, "model", s.model)
		}
		if len(without) > 0 {
			add(labels.MatchNotRegexp, "model", strings.Join(without, "|"))
		}
		if s.version != "" {
			add(labels.MatchEqual, "version", s.version)
		}
		if s.segment != Any {
			add(labels.MatchEqual, "segment", s.segment)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.match)) {
		add(labels.MatchEqual, name, s.match[name])
	}
	return "{" + strings.Join(out, ",") + "}"
}

// condition writes the whole expression of one limit. model_evaluated_window
// is the number of labels, and model_predictions_window that of predictions,
// in the trailing window that the published values are computed over. Without
// the first there is no quality; the second only takes alerts away.
func (t *ThresholdRule) condition(m catalogue.Metric, base string, limit float64) string {
	expr := fmt.Sprintf("%s %s %s", base, t.Operator.PromQL(), formatFloat(limit))
	switch {
	case t.MinSamples <= 0:
		return expr
	case m.Group == catalogue.Quality:
		return fmt.Sprintf("(%s) and on(model,version,segment) (model_evaluated_window >= %d)", expr, t.MinSamples)
	}
	return fmt.Sprintf("(%s) unless on(model,version,segment) (model_predictions_window < %d)", expr, t.MinSamples)
}

func formatFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

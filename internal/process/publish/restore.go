package publish

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
)

// restorer brings a start's series to what the profiles say. It compares, for
// each subject, the counts by evaluation with the count samples since some
// minute, and writes the difference; so it can be broken off and run again. It
// never writes more than the profiles have in all since then: a row is never
// published before the minute in which it arrived.
type restorer struct {
	p    *Publisher
	now  time.Time
	from int64     // the first minute that is compared, unix ms
	stop time.Time // after it only the trailing window is compared

	late bool // stop has passed

	minutes, limited int
	rows             int64
}

// written is what the series have of one minute.
type written struct {
	counts counts
	last   int64 // of the latest count sample, unix ms
}

func (p *Publisher) restore(ctx context.Context) error {
	now := p.cfg.Now()
	r := &restorer{p: p, now: now, stop: time.Now().Add(p.cfg.RepairTime)}
	r.from = r.trailing()
	if p.cfg.Series.Unclean() {
		end := now
		if newest, ok := p.cfg.Series.Newest(); ok && newest.Before(now) {
			end = newest
		}
		r.from = min(r.from, ceilMinute(end.Add(-p.cfg.RepairSpan)))
	}
	for _, m := range p.cfg.Registry.List() {
		for _, segment := range append([]string{""}, m.SegmentValues...) {
			if r.from < r.trailing() && time.Now().After(r.stop) {
				r.from, r.late = r.trailing(), true
			}
			if err := r.restore(ctx, m.Name, segment, event.Task(m.Task)); err != nil {
				return fmt.Errorf("reading the last minutes of %q: %w", m.Name, err)
			}
		}
	}
	r.report()
	return nil
}

// trailing is the first minute of the trailing window.
func (r *restorer) trailing() int64 { return ceilMinute(r.now.Add(-r.p.cfg.Window)) }

func ceilMinute(t time.Time) int64 {
	return t.Add(time.Minute - time.Millisecond).Truncate(time.Minute).UnixMilli()
}

// restore does one model and segment, version by version.
func (r *restorer) restore(ctx context.Context, model, segment string, task event.Task) error {
	versions, err := r.read(ctx, model, segment)
	if err != nil {
		return err
	}
	for _, version := range slices.Sorted(maps.Keys(versions)) {
		of := &subjectSeries{r.p.cfg.Series, subject{model, version, segment}, task}
		if err := r.subject(ctx, of, versions[version]); err != nil {
			return err
		}
	}
	return nil
}

// read is the minutes by evaluation, by version, in order of time. They begin a
// trailing window before the first that is compared.
func (r *restorer) read(ctx context.Context, model, segment string) (map[string][]minute, error) {
	out := map[string][]minute{}
	q := profiles.Query{Set: profiles.ByEvaluation, Model: model, Segment: segment, From: r.from - r.p.cfg.Window.Milliseconds()}
	err := r.p.cfg.Profiles.Scan(ctx, q, func(w *profiles.Window) error {
		if w.Width != minuteMS {
			return nil // an hour is two days old at least
		}
		prof, err := profile.Decode(w.Bytes)
		if err == nil {
			out[w.Version] = append(out[w.Version], minute{start: w.Start, profile: prof})
		}
		return err
	})
	return out, err
}

// subject makes the series of one subject whole, and reads its trailing window.
func (r *restorer) subject(ctx context.Context, of *subjectSeries, minutes []minute) error {
	if minutes[len(minutes)-1].start < r.from {
		return nil
	}
	if r.late {
		r.limited++
	}
	have, err := r.published(ctx, of)
	if err != nil {
		return err
	}
	if lost := r.missing(minutes, have, countsOf(of.task)); len(lost) > 0 {
		if err := r.repair(ctx, of, minutes, have, lost); err != nil {
			return err
		}
	}
	for _, m := range minutes {
		if m.start >= r.trailing() {
			t := r.p.trail(of.subject)
			*t.minute(m.start) = minute{start: m.start, profile: m.profile, stamp: have[m.start].last}
			t.changed = true
		}
	}
	return nil
}

// published is what the series have, by minute.
func (r *restorer) published(ctx context.Context, of *subjectSeries) (map[int64]written, error) {
	have := map[int64]written{}
	equal := func(name, value string) *labels.Matcher { return labels.MustNewMatcher(labels.MatchEqual, name, value) }
	for i, name := range countNames[:countsOf(of.task)] {
		matchers := []*labels.Matcher{equal("__name__", name), equal("model", of.subject.model), equal("version", of.subject.version), equal("segment", of.subject.segment)}
		err := of.store.Each(ctx, r.from, math.MaxInt64, func(t int64, v float64) {
			w := have[t-t%minuteMS]
			w.counts[i] += int64(math.Round(v))
			w.last = max(w.last, t)
			have[t-t%minuteMS] = w
		}, matchers...)
		if err != nil {
			return nil, err
		}
	}
	return have, nil
}

// missing is what the series lack, by minute. What they lack in all is given to
// the newest minutes that lack something: the end is what a crash takes.
func (r *restorer) missing(minutes []minute, have map[int64]written, names int) map[int64]*counts {
	var left counts
	for _, w := range have {
		for i := range w.counts {
			left[i] -= w.counts[i]
		}
	}
	for _, m := range minutes {
		if m.start >= r.from {
			left.add(m.profile)
		}
	}
	out := map[int64]*counts{}
	for _, m := range slices.Backward(minutes) {
		if m.start < r.from {
			break
		}
		var want, lost counts
		want.add(m.profile)
		got := have[m.start].counts
		for i := range names {
			lost[i] = max(0, min(want[i]-got[i], left[i]))
			left[i] -= lost[i]
		}
		if lost != (counts{}) {
			out[m.start] = &lost
		}
	}
	return out
}

// repair writes what is lost, and beside it what the trailing window was then.
// All of a subject is one append, and so one record of the series' log.
func (r *restorer) repair(ctx context.Context, of *subjectSeries, minutes []minute, have map[int64]written, lost map[int64]*counts) error {
	t := trail{}
	var samples []series.Sample
	for _, m := range minutes {
		*t.minute(m.start) = m
		for t.minutes[0].start <= m.start-r.p.cfg.Window.Milliseconds() {
			t.minutes = t.minutes[1:]
		}
		c := lost[m.start]
		if c == nil {
			continue
		}
		m.stamp = have[m.start].last
		at, ok := m.next(r.now.UnixMilli())
		if !ok {
			continue
		}
		have[m.start] = written{last: at}
		if m.profile.Predictions > 0 {
			t.latency.add(m.profile.Latency, float64(c[0])/float64(m.profile.Predictions))
		}
		samples = of.putCounts(samples, &t, c, at)
		samples = t.gauges(samples, of, time.UnixMilli(at), float64(m.profile.Predictions)/60)
		r.minutes, r.rows = r.minutes+1, r.rows+c[0]
	}
	for start := range lost {
		if start < r.from+r.p.cfg.Window.Milliseconds() && r.from < r.trailing() {
			r.limited++ // it may reach further back
			break
		}
	}
	return r.p.append(ctx, samples)
}

func (r *restorer) report() {
	r.p.metrics.repaired.Add(float64(r.minutes))
	r.p.metrics.limited.Add(float64(r.limited))
	from := time.UnixMilli(r.from).UTC().Format(time.RFC3339)
	if r.minutes > 0 {
		r.p.cfg.Logger.Info("what a crash kept from the series was written again from the profiles", "minutes", r.minutes, "predictions", r.rows, "took", time.Since(r.stop.Add(-r.p.cfg.RepairTime)).Round(time.Millisecond))
	}
	if r.limited > 0 {
		r.p.cfg.Logger.Warn("the series of some models may lack more than could be written again; the profiles have all", "models_versions_segments", r.limited, "compared_from", from)
	}
}

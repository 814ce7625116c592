package series

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/storage"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/event/sample"
)

// Sink takes metric samples from the queue. To take the same ones again is
// harmless: the store has them. What it refuses is counted and gone. Calls for
// one partition come one after the other, those for several at one time.
type Sink struct {
	store *Store
	parts []sinkPart
}

// sinkPart is what a partition remembers of its series.
type sinkPart struct {
	known map[string]*Series // by encoded label set
	batch []Sample
}

// NewSink makes the way in for so many partitions.
func (s *Store) NewSink(partitions int) *Sink {
	return &Sink{store: s, parts: make([]sinkPart, partitions)}
}

// Append stores the samples of a batch. An error is not about single samples,
// and nothing of the batch counts as stored.
func (k *Sink) Append(ctx context.Context, partition int, b *event.Batch) error {
	p, points := &k.parts[partition], &b.Points
	handles, err := k.handles(p, points.Series.Values)
	if err != nil {
		return err
	}
	samples, damaged := p.batch[:0], 0
	var examples []example
	for i := range b.Rows {
		if i >= len(points.Series.Codes) || points.Series.Codes[i] < 0 {
			damaged++
			continue
		}
		s := Sample{Series: handles[points.Series.Codes[i]], T: b.Time[i]}
		if !points.Value.Null(i) {
			s.V = points.Value.Values[i]
		}
		if e := points.Exemplar.At(i); len(e) > 0 {
			ls, err := sample.Labels(string(e))
			if err != nil {
				return err
			}
			examples = append(examples, example{s.Series, exemplar.Exemplar{Labels: ls, Value: s.V, Ts: s.T, HasTs: true}})
			continue
		}
		if h := points.Histogram.At(i); len(h) > 0 {
			if s.H, err = sample.Histogram(h); err != nil {
				return err
			}
		}
		samples = append(samples, s)
	}
	p.batch = samples[:0]
	k.store.metrics.refused.WithLabelValues(reasonInvalid).Add(float64(damaged))
	var refused *RefusedError
	if err := k.store.Append(ctx, samples); err != nil && !errors.As(err, &refused) {
		return err
	}
	if refused != nil {
		k.store.log.Debug("samples from the queue were refused", "partition", partition, "err", refused)
	}
	clear(samples) // lets go of the histograms
	return k.store.appendExamples(ctx, examples)
}

// handles are those of a batch's label sets.
func (k *Sink) handles(p *sinkPart, sets []string) ([]*Series, error) {
	if most := k.store.cfg.MaxSeries / len(k.parts); p.known == nil || len(p.known) > most {
		p.known = map[string]*Series{} // they are looked up by label again
	}
	out := make([]*Series, len(sets))
	for i, set := range sets {
		h := p.known[set]
		if h == nil {
			ls, err := sample.Labels(set)
			if err != nil {
				return nil, err
			}
			h = k.store.Series(ls)
			p.known[strings.Clone(set)] = h
		}
		out[i] = h
	}
	return out, nil
}

// Flush makes what was appended durable.
func (k *Sink) Flush(context.Context) error { return k.store.Sync() }

// example is an exemplar on its way.
type example struct {
	series *Series
	exemplar.Exemplar
}

// appendExamples keeps exemplars in memory and in the log. They are few of
// many by nature: one that is refused (its series is gone, it is older than
// what is known) is only counted.
func (s *Store) appendExamples(ctx context.Context, list []example) error {
	if len(list) == 0 {
		return nil
	}
	app := s.db.Appender(ctx)
	for i := range list {
		e := &list[i]
		if _, err := app.AppendExemplar(storage.SeriesRef(e.series.ref.Load()), e.series.labels, e.Exemplar); err != nil {
			s.metrics.refused.WithLabelValues(reasonExemplar).Inc()
		}
	}
	if err := app.Commit(); err != nil {
		return fmt.Errorf("series: exemplars: %w", err)
	}
	return nil
}

// Sync makes all that Append has stored survive a loss of power. The TSDB
// writes its logs without syncing them, segment by segment: the last two of
// each log are all that may be dirty, for a full one is synced when the next
// has begun. A sync through another handle is one of the file.
func (s *Store) Sync() error {
	for _, log := range []string{"wal", "wbl"} {
		if err := syncTail(filepath.Join(s.cfg.Dir, log)); err != nil {
			return fmt.Errorf("series: sync the %s: %w", log, err)
		}
	}
	return nil
}

func syncTail(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the log of out-of-order samples begins with the first
	}
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.IsDir() }) // checkpoints
	for _, e := range entries[max(0, len(entries)-2):] {
		if err := syncFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return syncFile(dir)
}

// syncFile syncs a file or folder; one that was truncated away meanwhile is in
// a block by now, which is synced.
func syncFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Package series keeps numbers over time: an embedded Prometheus TSDB and the
// PromQL engine over it.
//
// What it promises:
//   - Append returns after the samples are in the write-ahead log. That log
//     survives kill -9 but is synced to the disk only when a segment is full,
//     so power loss can take the last samples with it. Series are published
//     from profiles, which are the truth: when Unclean reports true, the
//     publisher compares the last hours with them and writes what is missing.
//   - Samples up to OutOfOrderWindow old may come in any order. Older ones are
//     refused by Append and belong in Import, which writes blocks.
//   - Whatever is refused is counted by reason and reported to the caller; the
//     rest of its batch is kept.
//   - Rules have an engine of their own, so slow dashboards cannot hold an
//     alert back.
//
// Goroutines: Open starts those of tsdb.DB (compaction and reload), Close ends
// them. The bytes on disk are Prometheus's own block and WAL formats, so
// promtool reads the folder of a stopped server.
package series

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"
)

const (
	// openMarker exists in the folder from Open to Close.
	openMarker = "leeway-open"
	// importFolder holds the unfinished blocks of Import.
	importFolder = "import"
)

// Store is an open TSDB with its query engines. All methods are safe for
// concurrent use; none may be called after Close.
type Store struct {
	cfg     Config
	log     *slog.Logger
	db      *tsdb.DB
	parser  parser.Parser
	queries *promql.Engine
	rules   *promql.Engine

	registry *prometheus.Registry
	metrics  *metrics
	unclean  bool

	importing sync.Mutex // one import at a time: it bounds their memory
	closing   sync.Once
	closeErr  error
}

// Open opens or creates the store in cfg.Dir and replays its log. One process
// can have a folder open at a time.
func Open(cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	unclean, err := prepareFolder(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("series: %w", err)
	}
	s := &Store{cfg: cfg, log: cfg.Logger, unclean: unclean, registry: prometheus.NewRegistry()}
	s.metrics = newMetrics(s.registry)
	s.parser = parser.NewParser(parser.Options{})
	s.queries = s.newEngine("query", newGate(cfg.MaxConcurrentQueries))
	s.rules = s.newEngine("rules", nil)
	if s.db, err = tsdb.Open(cfg.Dir, cfg.Logger, s.registry, tsdbOptions(cfg), nil); err != nil {
		return nil, fmt.Errorf("series: open %s: %w", cfg.Dir, err)
	}
	if err := errors.Join(s.clearImport(), s.publish()); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// clearImport removes what an interrupted import left. Only the owner of the
// TSDB's lock may do it.
func (s *Store) clearImport() error {
	if err := os.RemoveAll(filepath.Join(s.cfg.Dir, importFolder)); err != nil {
		return fmt.Errorf("series: clear the work folder: %w", err)
	}
	return nil
}

// publish registers all metrics of this store as one collector, so that Close
// can take every one of them back and a process can open a store again.
func (s *Store) publish() error {
	if s.cfg.Registerer == nil {
		return nil
	}
	if err := s.cfg.Registerer.Register(s.registry); err != nil {
		return fmt.Errorf("series: register metrics: %w", err)
	}
	return nil
}

// prepareFolder reports whether the last owner of the folder left without
// Close, and sets the marker.
func prepareFolder(dir string) (unclean bool, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return false, err
	}
	marker := filepath.Join(dir, openMarker)
	if _, err := os.Stat(marker); err == nil {
		unclean = true
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return unclean, os.WriteFile(marker, nil, 0o640)
}

func tsdbOptions(cfg Config) *tsdb.Options {
	o := tsdb.DefaultOptions()
	o.RetentionDuration = cfg.Retention.Milliseconds()
	o.MaxBytes = cfg.MaxBytes
	o.OutOfOrderTimeWindow = cfg.OutOfOrderWindow.Milliseconds()
	o.MaxBlockDuration = cfg.maxBlock().Milliseconds()
	o.WALCompression = compression.Snappy
	o.EnableExemplarStorage, o.MaxExemplars = true, int64(cfg.MaxExemplars)
	return o
}

// Close ends background work and releases the folder. It may be called twice.
func (s *Store) Close() error {
	s.closing.Do(func() {
		if s.cfg.Registerer != nil {
			s.cfg.Registerer.Unregister(s.registry)
		}
		s.closeErr = s.shut()
	})
	return s.closeErr
}

func (s *Store) shut() error {
	if err := errors.Join(s.queries.Close(), s.rules.Close(), s.db.Close()); err != nil {
		return fmt.Errorf("series: close: %w", err)
	}
	if err := os.Remove(filepath.Join(s.cfg.Dir, openMarker)); err != nil {
		return fmt.Errorf("series: close: %w", err)
	}
	return nil
}

// Unclean reports whether the previous owner of the folder ended without
// Close, so that the newest samples may be missing.
func (s *Store) Unclean() bool { return s.unclean }

// Queryable reads every stored series.
func (s *Store) Queryable() storage.SampleAndChunkQueryable { return s.db }

// Exemplars answers exemplar queries from the newest that came with samples.
func (s *Store) Exemplars() storage.ExemplarQueryable { return s.db }

// Appendable is the raw way in for Prometheus's own writers (rules, scrape,
// receivers). It does not apply the limits of Append.
func (s *Store) Appendable() Appendable { return s.db }

// Appendable is both generations of Prometheus's appender interface.
type Appendable interface {
	storage.Appendable
	storage.AppendableV2
}

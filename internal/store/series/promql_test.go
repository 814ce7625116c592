package series

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// TestPrometheusOwnQueries runs the evaluation tests that Prometheus ships on a
// store as we open it.
func TestPrometheusOwnQueries(t *testing.T) {
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	promqltest.RunBuiltinTestsWithStorage(fileFilter{t}, engine, func(tb testing.TB) storage.Storage {
		s, err := Open(Config{Dir: tb.TempDir()})
		if err != nil {
			tb.Fatal(err)
		}
		return openStore{s.db, s}
	})
}

// openStore makes the tests close the store and not only its TSDB.
type openStore struct {
	*tsdb.DB
	store *Store
}

func (o openStore) Close() error { return o.store.Close() }

// fileFilter leaves out the one file that needs the storage of start
// timestamps, which is an experiment behind a flag.
type fileFilter struct{ *testing.T }

func (f fileFilter) Run(name string, test func(*testing.T)) bool {
	return strings.HasSuffix(name, "/start_timestamps.test") || f.T.Run(name, test)
}

package segment

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/queue/queuetest"
	"github.com/prometheus/client_golang/prometheus"
)

func TestConformance(t *testing.T) {
	disks := map[string]func(*testing.T) Config{
		"real disk": func(t *testing.T) Config { return Config{Dir: t.TempDir()} },
		"memory":    func(*testing.T) Config { return Config{Dir: "q", FS: vfs.NewMem()} },
		"small segments": func(*testing.T) Config {
			return Config{Dir: "q", FS: vfs.NewMem(), SegmentBytes: minSegmentBytes}
		},
		"small tail": func(*testing.T) Config { return Config{Dir: "q", FS: vfs.NewMem(), TailBytes: 10_000} },
		"no tail":    func(*testing.T) Config { return Config{Dir: "q", FS: vfs.NewMem(), TailBytes: 1} },
	}
	for name, config := range disks {
		t.Run(name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T) queuetest.Harness {
				cfg := config(t)
				cfg.Partitions, cfg.MaxBytes, cfg.Registerer = 2, 256<<20, prometheus.NewRegistry()
				if strings.Contains(t.Name(), "trimmed") {
					cfg.SegmentBytes, cfg.RetentionBytes = 256<<10, 1
				}
				return queuetest.Harness{Reopen: true, Trims: true, FillBytes: 1 << 20,
					Open: func(t *testing.T) queue.Log { return mustOpen(t, cfg) }}
			})
		})
	}
}

func mustOpen(t testing.TB, cfg Config) *Log {
	t.Helper()
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the test closes where it matters
	return l
}

func mustAppend(t testing.TB, l *Log, partition int, data []byte) queue.Offset {
	t.Helper()
	o, err := l.Append(t.Context(), partition, data)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// readAll reads what is there without waiting.
func readAll(t testing.TB, l *Log, partition int, from queue.Offset) ([]queue.Record, error) {
	t.Helper()
	var all []queue.Record
	for {
		records, err := l.parts[partition].read(from, 1<<20)
		if err != nil || len(records) == 0 {
			return all, err
		}
		all = append(all, records...)
		from = records[len(records)-1].Offset + 1
	}
}

func TestTheNumberOfPartitionsIsKept(t *testing.T) {
	cfg := Config{Dir: "q", FS: vfs.NewMem(), Partitions: 3}
	mustClose(t, mustOpen(t, cfg))
	cfg.Partitions = 0
	l := mustOpen(t, cfg)
	if l.Partitions() != 3 {
		t.Errorf("reopened with %d partitions", l.Partitions())
	}
	mustClose(t, l)
	cfg.Partitions = 4
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "has 3 partitions and the configuration says 4") {
		t.Errorf("opening with another number: %v", err)
	}
}

func TestALostMetaFileIsNotReplaced(t *testing.T) {
	cfg := Config{Dir: "q", FS: vfs.NewMem(), Partitions: 2}
	l := mustOpen(t, cfg)
	mustAppend(t, l, 0, []byte("x"))
	mustClose(t, l)
	if err := cfg.FS.Remove("q/" + metaName); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), metaName) {
		t.Errorf("opening without the meta file: %v", err)
	}
}

// TestAnotherFormatIsRefused opens a log that says it is of the first format.
func TestAnotherFormatIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	mustClose(t, mustOpen(t, Config{Dir: "q", FS: fs, Partitions: 1}))
	if err := writeJSON(fs, "q", metaName, meta{Format: 1, Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: "q", FS: fs}); err == nil || !strings.Contains(err.Error(), "has format 1, this program knows 2") {
		t.Fatal(err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	for name, cfg := range map[string]Config{
		"memory":    {Dir: "q", FS: vfs.NewMem()},
		"real disk": {Dir: t.TempDir()},
	} {
		l := mustOpen(t, cfg)
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%s: opening twice: %v", name, err)
		}
		mustClose(t, l)
		mustClose(t, mustOpen(t, cfg))
	}
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestValidateReportsEveryProblem(t *testing.T) {
	err := Config{Partitions: -1, SegmentBytes: 1, SegmentAge: -1, RetentionAge: -1,
		RetentionBytes: -1, MaxBytes: -1, MaxRecordBytes: -1}.Validate()
	for _, want := range []string{"dir", "partitions", "segment size", "segment age", "retention age", "retention size", "maximum size", "record size"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of the %s in: %v", want, err)
		}
	}
	if err := (Config{Dir: "q"}).Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
}

func TestMetricsLeaveTheRegisterer(t *testing.T) {
	reg := prometheus.NewRegistry()
	cfg := Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1, Registerer: reg}
	for range 2 {
		l := mustOpen(t, cfg)
		mustAppend(t, l, 0, []byte("four"))
		got := gather(t, reg)
		for name, want := range map[string]float64{
			"leeway_queue_appended_records_total": 1, "leeway_queue_appended_bytes_total": 4, "leeway_queue_read_only": 0} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		if got["leeway_queue_disk_bytes"] < 4 {
			t.Errorf("disk bytes %v", got["leeway_queue_disk_bytes"])
		}
		mustClose(t, l)
	}
}

func TestTwoLogsOnOneRegistererAreRefused(t *testing.T) {
	reg := prometheus.NewRegistry()
	mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Registerer: reg})
	before := len(gather(t, reg))
	if _, err := Open(Config{Dir: "q", FS: vfs.NewMem(), Registerer: reg}); err == nil {
		t.Error("the second log opened")
	}
	if after := len(gather(t, reg)); after != before {
		t.Errorf("the first log had %d metrics and has %d", before, after)
	}
}

// gather sums each metric over its labels; a histogram gives its count.
func gather(t testing.TB, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			got[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return got
}

func TestOffsetsOfARotatedLogIncrease(t *testing.T) {
	l := mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1, SegmentBytes: minSegmentBytes})
	var offsets []queue.Offset
	for i := range 100 {
		offsets = append(offsets, mustAppend(t, l, 0, fmt.Append(make([]byte, 5000), i)))
	}
	if n := len(l.parts[0].segments); n < 5 {
		t.Fatalf("only %d segments", n)
	}
	records, err := readAll(t, l, 0, 0)
	if err != nil || len(records) != len(offsets) {
		t.Fatalf("read %d records, error %v", len(records), err)
	}
	for i, r := range records {
		if r.Offset != offsets[i] || r.Seq != uint64(i+1) {
			t.Fatalf("record %d: offset %d, sequence %d", i, r.Offset, r.Seq)
		}
	}
}

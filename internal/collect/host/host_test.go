package host

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/shirou/gopsutil/v4/cpu"
	psnet "github.com/shirou/gopsutil/v4/net"

	"github.com/leewayhq/leeway/internal/collect"
)

// TestThisMachine reads the real sensors until each has spoken.
func TestThisMachine(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	limits := map[string][2]float64{ // the smallest and the largest possible value
		"system_cpu_usage": {0, 1}, "system_memory_usage": {0.001, 1}, "system_disk_usage": {0, 1},
		"system_network_in": {0, 1e12}, "system_network_out": {0, 1e12}, "system_load1": {0, 1e5},
	}
	missing := maps.Clone(limits)
	start := time.Now().UnixMilli()
	c, err := New(Config{DataDir: t.TempDir(), Emit: func(_ context.Context, batch []collect.Reading) {
		for _, r := range batch {
			if limit, ok := limits[r.Name()]; ok && !(r.Value >= limit[0] && r.Value <= limit[1]) {
				t.Errorf("%s is %v", r.Labels, r.Value)
			}
			if r.T < start || r.T > time.Now().UnixMilli() || r.Labels.Get("host") == "" {
				t.Errorf("%+v, read after %d", r, start)
			}
			delete(missing, r.Name())
		}
		if len(missing) == 0 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.Run(ctx)
	if len(missing) != 0 {
		t.Errorf("no reading within 2 s: %v", slices.Sorted(maps.Keys(missing)))
	}
}

func TestWhenReadingsAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var seconds []float64
		c, err := New(Config{Interval: 5 * time.Second, Host: "h", Emit: func(context.Context, []collect.Reading) {
			seconds = append(seconds, time.Since(start).Seconds())
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		c.Run(ctx)
		if want := []float64{0, 1, 6, 11}; !slices.Equal(seconds, want) {
			t.Errorf("batches after %v s, want %v", seconds, want)
		}
	})
}

func TestFailingSensorIsCountedAndLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	gone := filepath.Join(t.TempDir(), "gone")
	others := 0
	c, err := New(Config{
		DataDir: gone, Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Emit: func(_ context.Context, batch []collect.Reading) {
			if slices.ContainsFunc(batch, func(r collect.Reading) bool { return r.Name() == "system_memory_usage" }) {
				others++
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c.collect(t.Context())
	}
	if got := testutil.ToFloat64(c.metrics.failed.WithLabelValues("disk")); got != 3 {
		t.Errorf("%v failures counted, want 3", got)
	}
	if got := strings.Count(log.String(), "sensor=disk"); got != 1 {
		t.Errorf("logged %d times, want once:\n%s", got, log.String())
	}
	if others != 3 {
		t.Errorf("the memory was read %d times, want 3", others)
	}
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	c.collect(t.Context())
	if !strings.Contains(log.String(), "is back") {
		t.Errorf("the return of the disk is not logged:\n%s", log.String())
	}
}

func TestBusyShare(t *testing.T) {
	before := cpu.TimesStat{User: 10, System: 10, Idle: 80, Guest: 5}
	for _, c := range []struct {
		name  string
		after cpu.TimesStat
		want  float64
		ok    bool
	}{
		{"a quarter", cpu.TimesStat{User: 11, System: 10, Idle: 82, Iowait: 1, Guest: 6}, 0.25, true},
		{"idle steps back", cpu.TimesStat{User: 11, System: 10, Idle: 79.9}, 1, true},
		{"no time passed", before, 0, false},
	} {
		if got, ok := busyShare(before, c.after); got != c.want || ok != c.ok {
			t.Errorf("%s: %v %v, want %v %v", c.name, got, ok, c.want, c.ok)
		}
	}
	if _, ok := busyShare(cpu.TimesStat{}, before); ok {
		t.Error("the time since boot is taken for a reading")
	}
}

func TestTrafficRates(t *testing.T) {
	var n traffic
	at := time.Unix(1000, 0)
	read := func(after time.Duration, counters ...psnet.IOCountersStat) []value {
		at = at.Add(after)
		current := make(map[string]psnet.IOCountersStat)
		for _, c := range counters {
			current[c.Name] = c
		}
		return n.rates(current, at)
	}
	nic := func(name string, in, out uint64) psnet.IOCountersStat {
		return psnet.IOCountersStat{Name: name, BytesRecv: in, BytesSent: out}
	}
	want := func(step string, got []value, in, out float64) {
		t.Helper()
		if w := []value{number("network_in", in), number("network_out", out)}; !reflect.DeepEqual(got, w) {
			t.Errorf("%s: %v, want %v", step, got, w)
		}
	}
	if got := read(0, nic("a", 100, 10)); got != nil {
		t.Errorf("a rate from one reading: %v", got)
	}
	want("two interfaces, one new", read(2*time.Second, nic("a", 300, 20), nic("b", 1e9, 1e9)), 100, 5)
	want("both known", read(time.Second, nic("a", 301, 22), nic("b", 1e9+1, 1e9)), 2, 2)
	want("one reset", read(time.Second, nic("a", 0, 0), nic("b", 1e9+4, 1e9+5)), 3, 5)
	if got := read(0, nic("a", 1, 1)); got != nil {
		t.Errorf("a rate over no time: %v", got)
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	_, err := New(Config{
		Interval: time.Millisecond, Parts: []string{"cpu", "keyboard"}, MaxSets: -1,
		Processes: []Process{{}, {Name: "a"}, {Name: "a", Match: "("}},
	})
	for _, key := range []string{"host: interval:", "host: emit:", `no "keyboard"`, "max_sets:", "processes[0].name:", "processes[2].name:", "processes[2].match:"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named in %v", key, err)
		}
	}
}

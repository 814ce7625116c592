//go:build linux && cgo

package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leewayhq/leeway/internal/collect"
)

// server is NVIDIA's own stand-in for a machine with eight A100, with numbers
// for what it leaves open.
func server() *dgxa100.Server {
	s := dgxa100.New()
	for i, one := range s.Devices {
		d := one.(*dgxa100.Device)
		d.MemoryInfo.Used = d.MemoryInfo.Total / 4
		d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) {
			return nvml.Utilization{Gpu: uint32(10 * i), Memory: 7}, nvml.SUCCESS
		}
		d.GetTemperatureFunc = func(nvml.TemperatureSensors) (uint32, nvml.Return) { return 60, nvml.SUCCESS }
		d.GetPowerUsageFunc = func() (uint32, nvml.Return) { return 300_000, nvml.SUCCESS }
		d.GetEnforcedPowerLimitFunc = func() (uint32, nvml.Return) { return 400_000, nvml.SUCCESS }
		d.GetClockInfoFunc = func(kind nvml.ClockType) (uint32, nvml.Return) {
			if kind == nvml.CLOCK_MEM {
				return 0, nvml.ERROR_NOT_SUPPORTED
			}
			return 1410, nvml.SUCCESS
		}
		d.GetTotalEccErrorsFunc = func(kind nvml.MemoryErrorType, _ nvml.EccCounterType) (uint64, nvml.Return) {
			return uint64(kind) + 2, nvml.SUCCESS // corrected is 0, uncorrected 1
		}
		d.GetCurrentClocksEventReasonsFunc = func() (uint64, nvml.Return) {
			return nvml.ClocksEventReasonGpuIdle | nvml.ClocksThrottleReasonHwThermalSlowdown, nvml.SUCCESS
		}
	}
	return s
}

// read gives what a collector before the driver emits, by series.
func read(t *testing.T, c *Collector) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	c.cfg.Emit = func(_ context.Context, batch []collect.Reading) {
		for _, r := range batch {
			if _, twice := out[r.Labels.String()]; twice {
				t.Errorf("%s twice in one batch", r.Labels)
			}
			out[r.Labels.String()] = r.Value
		}
	}
	c.collect(t.Context())
	return out
}

func collector(t *testing.T, lib nvml.Interface, cfg Config) *Collector {
	t.Helper()
	cfg.Host, cfg.Emit = "box", func(context.Context, []collect.Reading) {}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.open = func() (driver, error) { return openNVML(lib) }
	return c
}

func TestEverySeriesOfACard(t *testing.T) {
	got := read(t, collector(t, server(), Config{}))
	for series, want := range map[string]float64{
		`{__name__="gpu_up", gpu="3", host="box"}`:                              1,
		`{__name__="gpu_utilisation", gpu="3", host="box"}`:                     0.3,
		`{__name__="gpu_memory_utilisation", gpu="3", host="box"}`:              0.07,
		`{__name__="gpu_memory_usage", gpu="3", host="box"}`:                    0.25,
		`{__name__="gpu_memory_bytes", gpu="7", host="box", state="total"}`:     40960 << 20,
		`{__name__="gpu_memory_bytes", gpu="7", host="box", state="used"}`:      10240 << 20,
		`{__name__="gpu_temperature", gpu="0", host="box"}`:                     60,
		`{__name__="gpu_power_watts", gpu="0", host="box"}`:                     300,
		`{__name__="gpu_power_usage", gpu="0", host="box"}`:                     0.75,
		`{__name__="gpu_power_limit_watts", gpu="0", host="box"}`:               400,
		`{__name__="gpu_clock_hertz", clock="sm", gpu="0", host="box"}`:         1.41e9,
		`{__name__="gpu_ecc_corrected", gpu="0", host="box"}`:                   2,
		`{__name__="gpu_ecc_uncorrected", gpu="0", host="box"}`:                 3,
		`{__name__="gpu_throttled", gpu="0", host="box", reason="thermal"}`:     1,
		`{__name__="gpu_throttled", gpu="0", host="box", reason="power_cap"}`:   0,
		`{__name__="gpu_throttled", gpu="0", host="box", reason="power_brake"}`: 0,
	} {
		if v, ok := got[series]; !ok || v != want {
			t.Errorf("%s is %v (there: %v), want %v", series, v, ok, want)
		}
	}
	info := 0
	for series := range got {
		if strings.Contains(series, "gpu_info") && strings.Contains(series, "A100") && strings.Contains(series, `driver="550.54.15"`) {
			info++
		}
		if strings.Contains(series, `clock="memory"`) {
			t.Errorf("a number that the card does not tell: %s", series)
		}
	}
	if info != 8 {
		t.Errorf("%d of 8 cards say what they are", info)
	}
}

func TestALostCardIsDownAndTheOthersGoOn(t *testing.T) {
	s := server()
	s.Devices[2].(*dgxa100.Device).GetMemoryInfoFunc = func() (nvml.Memory, nvml.Return) {
		return nvml.Memory{}, nvml.ERROR_GPU_IS_LOST
	}
	got := read(t, collector(t, s, Config{}))
	up := 0.0
	for i := range 8 {
		up += got[fmt.Sprintf(`{__name__="gpu_up", gpu="%d", host="box"}`, i)]
	}
	if down, ok := got[`{__name__="gpu_up", gpu="2", host="box"}`]; !ok || down != 0 || up != 7 {
		t.Errorf("card 2 is up %v, %v cards are up", down, up)
	}
	if _, ok := got[`{__name__="gpu_utilisation", gpu="2", host="box"}`]; ok {
		t.Error("a lost card has a utilisation")
	}
}

func TestAnOlderDriverIsNotAskedForMore(t *testing.T) {
	s := server()
	s.LookupSymbolFunc = func(string) error { return fmt.Errorf("no such symbol") }
	got := read(t, collector(t, s, Config{}))
	if len(got) == 0 {
		t.Fatal("nothing was read")
	}
	for series := range got {
		if strings.Contains(series, "gpu_throttled") {
			t.Errorf("%s", series)
		}
	}
}

func TestCardsAreBounded(t *testing.T) {
	for series := range read(t, collector(t, server(), Config{MaxGPUs: 2})) {
		if !strings.Contains(series, `gpu="0"`) && !strings.Contains(series, `gpu="1"`) {
			t.Errorf("a card beyond the limit: %s", series)
		}
	}
}

// Without a driver: one line in a day, and cards as soon as one was loaded.
func TestNoDriverIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := server()
		loaded := time.Now().Add(24 * time.Hour)
		s.InitFunc = func() nvml.Return {
			if time.Now().Before(loaded) {
				return nvml.ERROR_LIBRARY_NOT_FOUND
			}
			return nvml.SUCCESS
		}
		reg := prometheus.NewRegistry()
		c := collector(t, s, Config{Interval: time.Minute, Registerer: reg, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		batches := 0
		c.cfg.Emit = func(context.Context, []collect.Reading) { batches++ }
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Hour)
		defer cancel()
		c.Run(ctx)
		if got := strings.Count(log.String(), "\n"); got != 1 {
			t.Errorf("%d lines of log, want one:\n%s", got, &log)
		}
		if v := testutil.ToFloat64(c.failed); v != 0 {
			t.Errorf("%v failures counted of what is none", v)
		}
		if batches < 40 {
			t.Errorf("%d batches in the hour after the driver came", batches)
		}
		if len(s.ShutdownCalls()) != 1 {
			t.Errorf("the library was let go %d times", len(s.ShutdownCalls()))
		}
	})
}

func TestAFailingDriverIsCountedLoggedOnceAndOpenedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := server()
		well := false
		s.DeviceGetCountFunc = func() (int, nvml.Return) {
			if well {
				return 8, nvml.SUCCESS
			}
			return 0, nvml.ERROR_UNKNOWN
		}
		c := collector(t, s, Config{Interval: time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		for range 3 {
			c.collect(t.Context())
			time.Sleep(time.Second)
		}
		if v := testutil.ToFloat64(c.failed); v != 3 || strings.Count(log.String(), "fails") != 1 {
			t.Errorf("%v failures, want 3, and one line:\n%s", v, &log)
		}
		well = true
		if got := read(t, c); len(got) == 0 || !strings.Contains(log.String(), "is back") {
			t.Errorf("%d readings after the driver came back:\n%s", len(got), &log)
		}
	})
}

// TestThisMachine opens whatever is here: cards, or a clear word that there is
// no driver.
func TestThisMachine(t *testing.T) {
	d, err := openDriver()
	if err != nil {
		if !errors.Is(err, errNoDriver) {
			t.Errorf("without a driver: %v", err)
		}
		t.Logf("no GPU to read: %v", err)
		return
	}
	defer d.close()
	cards, err := d.read()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cards {
		if c.values[0].key != "up" {
			t.Errorf("card %s: %+v", c.index, c.values)
		}
		t.Logf("card %s: %+v", c.index, c.values)
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	_, err := New(Config{Interval: time.Millisecond, MaxGPUs: -1})
	for _, key := range []string{"gpu: interval:", "gpu: max_gpus:", "gpu: emit:"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named in %v", key, err)
		}
	}
}

//go:build linux

package host

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leewayhq/leeway/internal/collect"
)

// fixture is a machine made of files, and a collector before it.
type fixture struct {
	t    *testing.T
	root string
	c    *Collector
	log  bytes.Buffer
	got  map[string]float64
}

func newFixture(t *testing.T, cfg Config, files ...string) *fixture {
	t.Helper()
	f := &fixture{t: t, root: t.TempDir()}
	f.write(files...)
	cfg.Root, cfg.Host, cfg.DataDir = f.root, "box", f.root
	cfg.Logger = slog.New(slog.NewTextHandler(&f.log, nil))
	cfg.Emit = func(_ context.Context, batch []collect.Reading) {
		for _, r := range batch {
			key := strings.ReplaceAll(r.Labels.String(), `, host="box"`, "")
			if _, twice := f.got[key]; twice {
				t.Errorf("%s twice in one batch", key)
			}
			f.got[key] = r.Value
		}
	}
	var err error
	if f.c, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return f
}

// write takes paths and what is to stand in them.
func (f *fixture) write(files ...string) {
	f.t.Helper()
	for i := 0; i+1 < len(files); i += 2 {
		path := filepath.Join(f.root, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			f.t.Fatal(err)
		}
	}
}

// read takes one reading of every sensor, at a time of seconds.
func (f *fixture) read(second int64) map[string]float64 {
	f.t.Helper()
	f.got = map[string]float64{}
	f.c.cfg.Emit(f.t.Context(), f.c.round(f.t.Context(), time.Unix(second, 0)))
	return f.got
}

func (f *fixture) want(got map[string]float64, pairs ...any) {
	f.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		series := `{__name__="system_` + pairs[i].(string)
		v, ok := got[series]
		if want, none := pairs[i+1].(float64), pairs[i+1] == any(missing); none {
			if ok {
				f.t.Errorf("%s is %v, want none", series, v)
			}
		} else if !ok || math.Abs(v-want) > 1e-9 {
			f.t.Errorf("%s is %v (there: %v), want %v", series, v, ok, want)
		}
	}
}

const missing = -12345.0

func TestProcessorMemoryAndPressure(t *testing.T) {
	f := newFixture(t, Config{Parts: []string{partCPU, partMemory, partPressure, partFiles, partLoad}},
		"proc/stat", "cpu 100 0 100 700 100 0 0 0 0 0\ncpu0 50 0 50 350 50 0 0 0 0 0\ncpu1 50 0 50 350 50 0 0 0 0 0\n",
		"proc/loadavg", "1.00 3.00 2.00 1/100 4242\n",
		"proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nBuffers: 10 kB\nCached: 200 kB\nSwapTotal: 200 kB\nSwapFree: 150 kB\n",
		"proc/vmstat", "pswpin 10\npswpout 20\noom_kill 3\n",
		"proc/sys/fs/file-nr", "1024\t24\t10000\n",
		"proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n",
		"proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"proc/pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
	)
	f.want(f.read(100), `cpu_mode", mode="user"}`, missing, `cpu_pressure"}`, missing, `swap_in"}`, missing,
		`cpu_count"}`, 2.0, `load_per_cpu"}`, 1.5, `load1"}`, 1.0, `load5"}`, 3.0, `load15"}`, 2.0,
		`memory_usage"}`, 0.6, `memory_bytes", state="total"}`, 1024000.0, `swap_usage"}`, 0.25, `oom_kills"}`, 3.0,
		`files_open"}`, 1000.0, `files_usage"}`, 0.1)
	f.write("proc/stat", "cpu 130 0 110 740 99 0 10 0 0 0\ncpu0 0 0 0 0\ncpu1 0 0 0 0\n",
		"proc/vmstat", "pswpin 12\npswpout 20\noom_kill 3\n",
		"proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=3000000\n",
		"proc/pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=99000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n")
	page := float64(os.Getpagesize())
	got := f.read(110)
	// Waiting for input stepped back by a tick: it counts as none.
	f.want(got, `cpu_mode", mode="user"}`, 30.0/90, `cpu_mode", mode="idle"}`, 40.0/90, `cpu_mode", mode="iowait"}`, 0.0,
		`cpu_mode", mode="interrupts"}`, 10.0/90, `cpu_pressure"}`, 0.2, `memory_pressure"}`, 0.0, `io_pressure"}`, 1.0,
		`io_pressure_full"}`, 0.05, `swap_in"}`, page/5, `swap_out"}`, 0.0)
}

func TestDisksAndInterfaces(t *testing.T) {
	disk := func(name string, reads, sectors, ticks int) string {
		return fmt.Sprintf("   8 0 %s %d 0 %d 0 %d 0 %d 0 0 %d 0\n", name, reads, sectors, reads, sectors, ticks)
	}
	nic := func(name string, in, errs int) string {
		return fmt.Sprintf("%s: %d 0 %d 0 0 0 0 0 %d 0 0 0 0 0 0 0\n", name, in, errs, 2*in)
	}
	const head = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
	reg := prometheus.NewRegistry()
	f := newFixture(t, Config{Parts: []string{partDiskIO, partNetwork}, MaxSets: 2, Registerer: reg},
		"proc/diskstats", disk("sda", 10, 100, 0)+disk("sda1", 10, 100, 0)+disk("loop0", 1, 1, 1)+disk("nvme0n1", 0, 0, 0),
		"sys/block/sda/size", "1", "sys/block/nvme0n1/size", "1", "sys/block/loop0/size", "1",
		"proc/net/dev", head+nic("lo", 0, 0)+nic("eth0", 100, 1)+nic("veth12", 0, 0)+nic("ib0", 5, 0)+nic("zz0", 5, 0))
	if got := f.read(100); len(got) != 0 {
		t.Errorf("rates from one reading: %v", got)
	}
	f.write("proc/diskstats", disk("sda", 30, 300, 5_000)+disk("sda1", 30, 300, 0)+disk("loop0", 9, 9, 9)+disk("nvme0n1", 10, 0, 99_000),
		"proc/net/dev", head+nic("lo", 9, 9)+nic("aa0", 7, 7)+nic("eth0", 300, 3)+nic("veth12", 9, 9)+nic("ib0", 2, 0)+nic("zz0", 5, 0))
	got := f.read(110)
	f.want(got, `disk_read", device="sda"}`, 200*512/10.0, `disk_reads", device="sda"}`, 2.0, `disk_write", device="sda"}`, 200*512/10.0,
		`disk_busy", device="sda"}`, 0.5, `disk_busy", device="nvme0n1"}`, 1.0,
		`disk_reads", device="sda1"}`, missing, `disk_reads", device="loop0"}`, missing,
		`interface_in", interface="eth0"}`, 20.0, `interface_out", interface="eth0"}`, 40.0,
		`interface_errors", direction="in", interface="eth0"}`, 0.2, `interface_errors", direction="out", interface="eth0"}`, 0.0,
		// ib0 was reset, and has no rate; zz0 found no place, nor did aa0, though its name comes first.
		`interface_in", interface="ib0"}`, missing, `interface_in", interface="zz0"}`, missing, `interface_in", interface="aa0"}`, missing,
		`interface_in", interface="veth12"}`, missing, `interface_in", interface="lo"}`, missing,
		// The whole counts every interface but loopback.
		`network_in"}`, (200.0+9)/10)
	if n := testutil.ToFloat64(f.c.metrics.leftOut.WithLabelValues("interfaces")); n != 2 {
		t.Errorf("%v interfaces were left out, want 2", n)
	}
}

func TestFileSystems(t *testing.T) {
	f := newFixture(t, Config{Parts: []string{partDisk}},
		"proc/1/mountinfo", strings.Join([]string{
			"1 0 8:1 / / rw - ext4 /dev/sda1 rw",
			"2 1 8:2 / /data rw - xfs /dev/sdb1 rw",
			"3 1 8:2 /docker /data/docker/deep rw - xfs /dev/sdb1 rw",
			"4 1 0:5 / /proc rw - proc proc rw",
			"5 1 0:6 / /home rw - nfs4 server:/home rw",
			"6 1 0:7 / /run rw - tmpfs tmpfs rw",
			"7 1 8:9 / /gone rw - ext4 /dev/sdc1 rw", ""}, "\n"),
		"data/x", "", "proc/stat", "")
	got := f.read(100)
	for _, at := range []string{"/", "/data"} {
		v, ok := got[`{__name__="system_filesystem_usage", mountpoint="`+at+`"}`]
		if !ok || v < 0 || v > 1 {
			t.Errorf("usage of %s is %v (there: %v)", at, v, ok)
		}
		if total := got[`{__name__="system_filesystem_bytes", mountpoint="`+at+`", state="total"}`]; total <= 0 {
			t.Errorf("size of %s is %v", at, total)
		}
	}
	for series := range got {
		for _, not := range []string{"docker", "proc", "home", "run", "gone"} {
			if strings.Contains(series, not) {
				t.Errorf("%s is measured", series)
			}
		}
	}
	f.want(got, `disk_usage"}`, got[`{__name__="system_disk_usage"}`])
}

func TestTemperatures(t *testing.T) {
	f := newFixture(t, Config{Parts: []string{partTemperature}}, "proc/stat", "",
		"sys/class/thermal/thermal_zone0/temp", "41000\n", "sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n")
	f.want(f.read(1), `temperature", chip="x86_pkg_temp", sensor="thermal_zone0"}`, 41.0)
	f.write("sys/class/hwmon/hwmon0/name", "coretemp\n", "sys/class/hwmon/hwmon0/temp1_input", "52500\n", "sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n",
		"sys/class/hwmon/hwmon1/name", "nvme\n", "sys/class/hwmon/hwmon1/temp1_input", "30000\n",
		"sys/class/hwmon/hwmon2/name", "nvme\n", "sys/class/hwmon/hwmon2/temp1_input", "31000\n",
		"sys/class/hwmon/hwmon3/name", "off\n", "sys/class/hwmon/hwmon3/temp1_input", "-274000\n")
	f.want(f.read(2), `temperature", chip="coretemp", sensor="Package id 0"}`, 52.5, `temperature", chip="nvme", sensor="temp1"}`, 30.0,
		`temperature", chip="nvme hwmon2", sensor="temp1"}`, 31.0, `temperature", chip="off", sensor="temp1"}`, missing,
		`temperature", chip="x86_pkg_temp", sensor="thermal_zone0"}`, missing)
}

func TestContainers(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	docker := "sys/fs/cgroup/system.slice/docker-" + id + ".scope/"
	pod := "sys/fs/cgroup/kubepods.slice/pod1/" + strings.Repeat("b", 64) + "/"
	service := "sys/fs/cgroup/system.slice/model.service/"
	f := newFixture(t, Config{Parts: []string{partContainers}, MaxSets: 2}, "proc/stat", "",
		"sys/fs/cgroup/cgroup.controllers", "cpu memory io",
		docker+"cpu.stat", "usage_usec 1000000\nnr_periods 10\nnr_throttled 1\n", docker+"memory.current", "3000", docker+"memory.max", "4000",
		docker+"memory.stat", "anon 1\ninactive_file 1000\n", docker+"memory.events", "low 0\noom_kill 2\n",
		docker+"io.stat", "8:0 rbytes=100 wbytes=50 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=0\n",
		docker+"inner.service/cpu.stat", "usage_usec 5\n",
		pod+"cpu.stat", "usage_usec 0\n", pod+"memory.current", "9000", pod+"memory.max", "max",
		service+"cpu.stat", "usage_usec 0\n", service+"memory.current", "10")
	f.want(f.read(100), `container_memory_bytes", container="0123456789ab"`+`, kind="docker"}`, 2000.0,
		`container_memory_usage", container="0123456789ab", kind="docker"}`, 0.5,
		`container_oom_kills", container="0123456789ab", kind="docker"}`, 2.0,
		`container_cpu", container="0123456789ab", kind="docker"}`, missing,
		`container_memory_bytes", container="bbbbbbbbbbbb", kind="kubernetes"}`, 9000.0,
		`container_memory_usage", container="bbbbbbbbbbbb", kind="kubernetes"}`, missing,
		`container_memory_bytes", container="model", kind="service"}`, missing)
	if n := f.c.sensors[0].places.without; n != 1 {
		t.Errorf("%d without a place, want the smallest", n)
	}
	f.write(docker+"cpu.stat", "usage_usec 16000000\nnr_periods 110\nnr_throttled 26\n",
		docker+"io.stat", "8:0 rbytes=1100 wbytes=50\n8:16 rbytes=1 wbytes=0\n", service+"memory.current", "1000000")
	got := f.read(110)
	f.want(got, `container_cpu", container="0123456789ab", kind="docker"}`, 1.5, `container_cpu_throttled", container="0123456789ab", kind="docker"}`, 0.25,
		`container_read", container="0123456789ab", kind="docker"}`, 100.0, `container_write", container="0123456789ab", kind="docker"}`, 0.0,
		`container_memory_bytes", container="model", kind="service"}`, missing)
	if err := os.RemoveAll(filepath.Join(f.root, pod)); err != nil {
		t.Fatal(err)
	}
	f.want(f.read(120), `container_memory_bytes", container="model", kind="service"}`, 1e6)
}

// process writes what /proc says of one.
func (f *fixture) process(pid int, comm, command string, start, ticks int) {
	f.t.Helper()
	dir := fmt.Sprintf("proc/%d/", pid)
	f.write(dir+"stat", fmt.Sprintf("%d (%s) S 1 1 1 0 -1 4194304 0 0 0 0 %d 0 0 0 20 0 3 0 %d 1000 25 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", pid, comm, ticks, start),
		dir+"cmdline", strings.ReplaceAll(command, " ", "\x00")+"\x00", dir+"fd/0", "", dir+"fd/1", "")
}

func TestProcesses(t *testing.T) {
	f := newFixture(t, Config{Parts: []string{partPressure}, Processes: []Process{{Name: "server", Match: `uvicorn .*app:main`}, {Name: "nginx"}}},
		"proc/stat", "")
	f.process(10, "python3", "python3 -m uvicorn app:main", 5, 100)
	f.process(11, "python3", "python3 -m uvicorn app:main", 6, 100)
	f.process(12, "python3", "python3 train.py", 6, 100)
	f.want(f.read(100), `process_count", process="server"}`, 2.0, `process_count", process="nginx"}`, 0.0, `process_restarts", process="server"}`, 0.0,
		`process_memory_bytes", process="server"}`, 50*float64(os.Getpagesize()), `process_open_files", process="server"}`, 4.0,
		`process_threads", process="server"}`, 6.0, `process_cpu", process="server"}`, missing, `process_memory_bytes", process="nginx"}`, missing)
	f.process(10, "python3", "python3 -m uvicorn app:main", 5, 600)
	f.want(f.read(110), `process_cpu", process="server"}`, 0.5)
	// One ends, and the next reading finds nothing in its place; then something.
	if err := os.RemoveAll(filepath.Join(f.root, "proc/11")); err != nil {
		t.Fatal(err)
	}
	f.want(f.read(120), `process_count", process="server"}`, 1.0, `process_restarts", process="server"}`, 0.0)
	f.process(20, "python3", "python3 -m uvicorn app:main", 900, 0)
	f.want(f.read(130), `process_count", process="server"}`, 2.0, `process_restarts", process="server"}`, 1.0)
	// The number is used again at once by another one; and one more begins.
	f.process(20, "python3", "python3 -m uvicorn app:main", 999, 0)
	f.process(21, "python3", "python3 -m uvicorn app:main", 999, 0)
	f.want(f.read(140), `process_count", process="server"}`, 3.0, `process_restarts", process="server"}`, 2.0)
}

// A machine that has nothing of it is no failure of anything.
func TestWhatIsNotThereIsQuiet(t *testing.T) {
	f := newFixture(t, Config{Registerer: prometheus.NewRegistry(), Parts: []string{partDiskIO, partPressure, partTemperature, partContainers}})
	for i := range int64(3) {
		if got := f.read(i); len(got) != 0 {
			t.Errorf("%v", got)
		}
	}
	if n := testutil.CollectAndCount(f.c.metrics.failed); n != 0 || f.log.Len() != 0 {
		t.Errorf("%d sensors failed:\n%s", n, &f.log)
	}
}

// Files that nobody would believe end a reading with a word, never the program.
func FuzzKernelFiles(f *testing.F) {
	f.Add("cpu 1 2 3\n", "some avg10=0 avg60=0 avg300=0 total=1\n", "8:0 rbytes=1")
	f.Add("", "full\n", "a=b=c  =")
	f.Fuzz(func(t *testing.T, stat, other, io string) {
		m := newFixture(t, Config{Processes: []Process{{Name: "a"}}}, "proc/stat", stat, "proc/meminfo", other, "proc/vmstat", other,
			"proc/pressure/cpu", other, "proc/net/dev", other, "proc/diskstats", other, "sys/block/a/size", "", "proc/sys/fs/file-nr", other,
			"proc/1/mountinfo", other, "proc/1/stat", stat, "sys/class/hwmon/hwmon0/temp1_input", io,
			"sys/fs/cgroup/cgroup.controllers", "", "sys/fs/cgroup/a.service/cpu.stat", other, "sys/fs/cgroup/a.service/io.stat", io)
		m.read(1)
		m.read(2)
	})
}

// TestThisMachinesProcesses finds this very test, and what /proc says of here.
func TestThisMachinesProcesses(t *testing.T) {
	got := map[string]bool{}
	c, err := New(Config{
		DataDir: t.TempDir(), Processes: []Process{{Name: "me", Match: `host\.test`}, {Name: "sleep", Match: "^sleep 5000$"}},
		Emit: func(_ context.Context, batch []collect.Reading) {
			for _, r := range batch {
				got[r.Name()] = true
				if r.Labels.Get("process") == "sleep" && r.Name() == "system_process_count" && r.Value != 1 {
					t.Errorf("%v sleep 5000 are found", r.Value)
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "sleep", "5000")
	if err := child.Start(); err != nil {
		t.Skipf("no sleep to run: %v", err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	c.collect(t.Context())
	c.collect(t.Context())
	for _, name := range []string{"process_memory_bytes", "process_open_files", "memory_bytes", "cpu_count", "files_open", "process_cpu"} {
		if !got["system_"+name] {
			t.Errorf("no %s on this machine", name)
		}
	}
}

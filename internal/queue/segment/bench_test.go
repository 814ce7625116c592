package segment

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/queue"
)

// cpu is the processor time of this process so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reportCPU adds microseconds of processor time for each KiB since start.
func reportCPU(b *testing.B, start time.Duration, bytes int64) {
	b.Helper()
	b.ReportMetric(float64((cpu(b)-start).Nanoseconds())/1e3/(float64(bytes)/1024), "cpu-us/KiB")
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 256 << 10} {
		for _, writers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%dKiB/writers=%d", size>>10, writers), func(b *testing.B) {
				l := mustOpen(b, Config{Dir: b.TempDir(), Partitions: 1, MaxBytes: 2 << 30})
				data := noise(rand.New(rand.NewPCG(1, 1)), size)
				mustAppend(b, l, 0, data)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.ResetTimer()
				start := cpu(b)
				appendFrom(b, l, writers, data)
				reportCPU(b, start, int64(b.N)*int64(size))
			})
		}
	}
}

func appendFrom(b *testing.B, l *Log, writers int, data []byte) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				o, err := l.Append(b.Context(), 0, data)
				if err == nil {
					err = l.Trim(0, o) // keep the disk's use bounded
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkReadBack reads 64 MiB over and over, from the page cache.
func BenchmarkReadBack(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 256 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			l := mustOpen(b, Config{Dir: b.TempDir(), Partitions: 1, MaxBytes: 1 << 30})
			data := noise(rand.New(rand.NewPCG(1, 1)), size)
			n := 64 << 20 / size
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for range n / 16 {
						mustAppend(b, l, 0, data)
					}
				})
			}
			wg.Wait()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			start := cpu(b)
			from := queue.Offset(0)
			for i := 0; i < b.N; {
				records, err := l.parts[0].read(from, 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				i += len(records)
				if from = 0; len(records) > 0 {
					from = records[len(records)-1].Offset + 1
				}
			}
			reportCPU(b, start, int64(b.N)*int64(size))
		})
	}
}

package inference

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

// BenchmarkPairs is a request and its response of 20 features from many senders
// at once, until each is on the disk and has passed to the door.
func BenchmarkPairs(b *testing.B) {
	log, err := segment.Open(segment.Config{Dir: b.TempDir(), Partitions: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	var rows atomic.Int64
	c, err := New(Config{Log: log, Dir: b.TempDir(), Put: func(_ context.Context, batch *event.Batch) error {
		rows.Add(int64(batch.Rows))
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	request := `{"instances":[[` + strings.TrimSuffix(strings.Repeat("6.8,", 20), ",") + `]]}`
	var ids, pairs atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			id := fmt.Sprint(ids.Add(1))
			for half, body := range map[string]string{"request": request, "response": `{"predictions":[1]}`} {
				r := httptest.NewRequest("POST", "/", strings.NewReader(body))
				for k, v := range kserve(half, id) {
					r.Header.Set(k, v)
				}
				w := httptest.NewRecorder()
				if c.ServeHTTP(w, r); w.Code != 200 {
					b.Error(w.Body)
				}
			}
			pairs.Add(1)
		}
	})
	for tick := time.NewTicker(time.Millisecond); rows.Load() < pairs.Load(); <-tick.C {
	}
	b.ReportMetric(float64(2*pairs.Load())/b.Elapsed().Seconds(), "events/s")
	cancel()
	<-done
}

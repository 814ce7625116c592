package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/store/archive"
)

// logLines is how many lines the goal of log searches is stated for.
const logLines = 10_000_000

// logSearches measures searches of log lines on all cores, files in the page
// cache. The lines are made once and kept among temporary files.
func logSearches(r *report) error {
	n := r.scale(logLines)
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("leeway-bench-logs-v2-%d", n))
	a, err := archive.Open(archive.Config{Dir: dir, MaxBytes: 1 << 40})
	if err != nil {
		return err
	}
	began := time.Now()
	made, err := fillLogs(a, n)
	if err != nil {
		return err
	}
	if made > 0 {
		r.value("lines made", fmt.Sprintf("%d in %.1f s", made, time.Since(began).Seconds()))
	}
	files, bytes := a.Size()
	r.value("lines kept", fmt.Sprintf("%d in %d files, %.1f bytes a line", n, files, float64(bytes)/float64(n)))
	for _, q := range []struct {
		name string
		archive.Query
	}{
		{"rare word", archive.Query{Text: "zanzibar"}},
		{"rare id", archive.Query{Text: rareID}},
		{"a word that is not there", archive.Query{Text: "quagmire"}},
		{"rare field", archive.Query{Attrs: map[string]string{"request": rareID}}},
		{"two letters, nowhere", archive.Query{Text: "~~"}},
		{"level and service", archive.Query{Levels: []string{"error"}, Service: "billing"}},
		{"a common word", archive.Query{Text: "took"}},
	} {
		if err := searchLogs(r, a, q.name, q.Query); err != nil {
			return err
		}
	}
	return a.Close()
}

func searchLogs(r *report, a *archive.Archive, name string, q archive.Query) error {
	const rounds = 7
	var times []time.Duration
	var page *archive.Page
	for range rounds + 1 {
		began := time.Now()
		p, err := a.Search(context.Background(), q)
		if err != nil {
			return err
		}
		page, times = p, append(times, time.Since(began))
	}
	times = times[1:] // the first is not warm
	slices.Sort(times)
	l := r.value("search: "+name, fmt.Sprintf("%.0f ms, slowest %.0f (%d lines found, %d looked at)",
		ms(times[len(times)/2]), ms(times[len(times)-1]), len(page.Lines), page.Scanned))
	if len(q.Text) >= 5 {
		l.goal("1000 ms", times[len(times)/2] < time.Second)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// rareID is in one line of all.
const rareID = "5ca1ab1e0ddba115"

// fillLogs makes the lines that are missing: what a service of requests writes,
// with random ids, times and paths.
func fillLogs(a *archive.Archive, n int) (made int, err error) {
	const each = 10_000
	ctx := context.Background()
	done := int(a.Committed(0)) // the first offset is 0
	for i := done; i < n/each; i++ {
		if err := a.Append(ctx, 0, uint64(i), []*event.Batch{logBatch(i, each, i == n/each/2)}); err != nil {
			return made, err
		}
		made += each
	}
	return made, a.Flush(ctx, 0)
}

var (
	logWords    = []string{"GET", "POST", "cache", "miss", "hit", "user", "session", "renewed", "payment", "accepted", "timeout", "retry", "backend", "queue", "flushed"}
	logServices = []string{"api", "billing", "search", "worker"}
	logLevels   = []string{"info", "info", "info", "info", "debug", "warning", "error"}
)

func logBatch(seed, n int, rare bool) *event.Batch {
	const start = 1_777_636_800_000 // 2026-05-01T12:00:00Z
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	b := &event.Batch{Header: event.Header{Kind: event.Logs, Arrived: start + int64(seed)*1000}, Rows: n}
	level, service := event.Dict{Name: "level"}, event.Dict{Name: "service", Values: logServices}
	for _, l := range logLevels {
		if !slices.Contains(level.Values, l) {
			level.Values = append(level.Values, l)
		}
	}
	word := func() string { return logWords[r.IntN(len(logWords))] }
	for i := range n {
		b.Time = append(b.Time, b.Arrived+int64(i/10))
		level.Codes = append(level.Codes, int32(slices.Index(level.Values, logLevels[r.IntN(len(logLevels))])))
		service.Codes = append(service.Codes, int32(r.IntN(len(logServices))))
		message, id := fmt.Sprintf("%s %s /v1/items/%d took %d ms", word(), word(), r.IntN(1_000_000), r.IntN(2000)), fmt.Sprintf("%016x", r.Uint64())
		if rare && i == n/2 {
			message, id = message+" Zanzibar", rareID
		}
		b.Message.Append(message)
		b.Attrs.Append(fmt.Sprintf(`{"request":%q,"host":"10.0.%d.%d"}`, id, r.IntN(4), r.IntN(250)))
	}
	b.Cats = []event.Dict{level, service}
	return b
}

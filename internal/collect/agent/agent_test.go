package agent

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"

	"github.com/leewayhq/leeway/internal/collect"
)

// receiver is a server that speaks remote write, and can be away. The real one
// is before the agent in internal/app.
type receiver struct {
	t      *testing.T
	mu     sync.Mutex
	answer func(w http.ResponseWriter, n int) bool // false: the samples are not taken
	calls  int
	times  map[int64]int // how often each sample came
	token  string
	*httptest.Server
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, times: map[int64]int{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil || req.URL.Path != "/api/v1/write" {
		r.t.Errorf("%s: %v", req.URL.Path, err)
	}
	message, err := snappy.Decode(nil, body)
	var write prompb.WriteRequest
	if err == nil {
		err = write.Unmarshal(message)
	}
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.token = req.Header.Get("Authorization")
	if r.answer != nil && !r.answer(w, len(write.Timeseries)) {
		return
	}
	for _, ts := range write.Timeseries {
		r.times[ts.Samples[0].Timestamp]++
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) set(answer func(w http.ResponseWriter, n int) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) seen() (different, calls int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.times), r.calls
}

func away(w http.ResponseWriter, _ int) bool {
	w.WriteHeader(http.StatusServiceUnavailable)
	return false
}

func open(t *testing.T, cfg Config) *Agent {
	t.Helper()
	cfg.MinRetry, cfg.MaxRetry = time.Millisecond, 4*time.Millisecond
	a, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// run sends in the background, until the function that it gives is called.
func run(t *testing.T, a *Agent) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func put(t *testing.T, a *Agent, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		err := a.Put(t.Context(), []collect.Reading{{
			Labels: labels.FromStrings("__name__", "system_cpu_usage", "host", "box"), T: int64(i), Value: 0.5,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
		<-tick.C
	}
}

// An hour without a server is 240 readings of 15 s. The agent is stopped in the
// middle of it and another goes on; every reading arrives, and none is left.
func TestAnHourWithoutServerAndARestart(t *testing.T) {
	r, dir := newReceiver(t), t.TempDir()
	r.set(away)
	a := open(t, Config{Server: r.URL, Dir: dir, Token: "secret"})
	stop := run(t, a)
	put(t, a, 0, 120)
	eventually(t, "some tries", func() bool { _, calls := r.seen(); return calls > 3 })
	stop()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = open(t, Config{Server: r.URL, Dir: dir, Token: "secret"})
	stop = run(t, a)
	put(t, a, 120, 120)
	if got, _ := r.seen(); got != 0 || a.Waiting() == 0 {
		t.Errorf("%d samples at a server that is away, %d bytes wait", got, a.Waiting())
	}
	r.set(nil)
	eventually(t, "all readings", func() bool { got, _ := r.seen(); return got == 240 })
	eventually(t, "the last is settled", func() bool { return testutil.ToFloat64(a.metrics.sent) == 240 })
	stop()
	if r.token != "Bearer secret" {
		t.Errorf("token %q", r.token)
	}
	a.Close()
	_, before := r.seen()
	a = open(t, Config{Server: r.URL, Dir: dir})
	stop = run(t, a)
	put(t, a, 240, 1)
	eventually(t, "the next reading", func() bool { got, _ := r.seen(); return got == 241 })
	stop()
	if _, calls := r.seen(); calls != before+1 {
		t.Errorf("%d requests after a restart with nothing left, want 1", calls-before)
	}
	for at, n := range r.times {
		if n != 1 {
			t.Errorf("sample %d came %d times", at, n)
		}
	}
}

// An answer that was lost makes the request come again, the same.
func TestALostAnswerIsSentAgain(t *testing.T) {
	r := newReceiver(t)
	lost := true
	r.set(func(w http.ResponseWriter, _ int) bool {
		if lost {
			lost = false
			r.times[0]++
			panic(http.ErrAbortHandler)
		}
		return true
	})
	a := open(t, Config{Server: r.URL, Dir: t.TempDir()})
	run(t, a)
	put(t, a, 0, 1)
	eventually(t, "the second try", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.times[0] == 2 })
}

func TestWhatTheServerRefusesIsCountedAndLetGo(t *testing.T) {
	r := newReceiver(t)
	r.set(func(w http.ResponseWriter, n int) bool {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"detail":"1 of %d were not taken","params":{"rejected":1}}`, n)
		return false
	})
	var said bytes.Buffer
	a := open(t, Config{Server: r.URL, Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&said, nil))})
	stop := run(t, a)
	var batch []collect.Reading
	for i := range 3 {
		batch = append(batch, collect.Reading{Labels: labels.FromStrings("__name__", "a"), T: int64(i), Value: math.NaN()})
	}
	if err := a.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the refusal", func() bool { return testutil.ToFloat64(a.metrics.refused) == 1 && a.position() > 0 })
	stop()
	if _, calls := r.seen(); calls != 1 || testutil.ToFloat64(a.metrics.sent) != 2 || !strings.Contains(said.String(), "were not taken") {
		t.Errorf("%d requests, %v sent\n%s", calls, testutil.ToFloat64(a.metrics.sent), &said)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "-1": 0, "99999999": 10 * time.Minute, "soon": 0, "": 0} {
		if got := retryAfter(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if got := retryAfter(time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)); got < 50*time.Second || got > time.Minute {
		t.Errorf("a date in a minute: %s", got)
	}
}

// A buffer of a mebibyte keeps the newest, counts what it gave up, and sends
// the rest when the server is back.
func TestTheBufferIsBounded(t *testing.T) {
	r := newReceiver(t)
	r.set(away)
	dir := t.TempDir()
	a := open(t, Config{Server: r.URL, Dir: dir, MaxBytes: minBytes})
	run(t, a)
	const batches, each = 600, 100
	for i := range batches {
		var batch []collect.Reading
		for j := range each {
			at := i*each + j
			// Text that does not shrink.
			batch = append(batch, collect.Reading{Labels: labels.FromStrings("__name__", "a", "x", fmt.Sprintf("%x", uint64(at+1)*0x9e3779b97f4a7c15)+strings.Repeat(fmt.Sprintf("%x", uint64(at+7)*0xbf58476d1ce4e5b9), 5)), T: int64(at), Value: float64(at)})
		}
		if err := a.Put(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	var size int64
	_ = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			size += info.Size()
		}
		return nil
	})
	dropped := int(testutil.ToFloat64(a.metrics.dropped))
	if dropped == 0 || size > minBytes+64<<10 {
		t.Fatalf("%d dropped, %d bytes on the disk", dropped, size)
	}
	r.set(nil)
	eventually(t, "the rest", func() bool { got, _ := r.seen(); return got >= batches*each-dropped })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.times[batches*each-1] == 0 || r.times[0] != 0 {
		t.Error("the newest was given up, or the oldest was kept")
	}
}

func TestATokenThatIsPutRightIsTakenUp(t *testing.T) {
	r, file := newReceiver(t), filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong")
	r.set(func(w http.ResponseWriter, _ int) bool {
		if r.token != "Bearer right" {
			w.WriteHeader(http.StatusUnauthorized)
			return false
		}
		return true
	})
	a := open(t, Config{Server: r.URL, Dir: t.TempDir(), TokenFile: file})
	run(t, a)
	put(t, a, 0, 1)
	eventually(t, "a refusal", func() bool { return testutil.ToFloat64(a.metrics.failures) > 0 })
	write("right")
	eventually(t, "the sample", func() bool { got, _ := r.seen(); return got == 1 })
}

func TestARedirectDoesNotGetTheToken(t *testing.T) {
	other := newReceiver(t)
	r := httptest.NewServer(http.RedirectHandler(other.URL+"/api/v1/write", http.StatusTemporaryRedirect))
	defer r.Close()
	a := open(t, Config{Server: r.URL, Dir: t.TempDir(), Token: "secret"})
	run(t, a)
	put(t, a, 0, 1)
	eventually(t, "two tries", func() bool { return testutil.ToFloat64(a.metrics.failures) > 1 })
	if _, calls := other.seen(); calls != 0 {
		t.Error("the redirect was followed")
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	_, err := Open(Config{Server: "leeway", Token: "a", TokenFile: "b", MaxBytes: 1, MaxRetry: -1})
	for _, key := range []string{"server:", "token:", "dir:", "max_bytes:", "retry:"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named in %v", key, err)
		}
	}
}

package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leewayhq/leeway/test/server"
)

// The models of the load.
const (
	joined = "crash" // predictions and labels by id
	noIDs  = "noids" // rows without ids: only the batch id makes a retry harmless
	gaveUp = "once"  // sent once, without any id; what was not acknowledged counts once or not at all
)

// load sends from several goroutines and counts what it was promised.
type load struct {
	s            *server.Server
	acknowledged atomic.Int64 // batches
	lost         atomic.Int64 // answers
	armed        atomic.Bool  // kill when the next answer arrives
	killed       chan struct{}
	stop         chan struct{}
	running      sync.WaitGroup

	mu       sync.Mutex
	errs     []error
	want     counts
	noIDRows int64
	once     []single
	silences map[string]string // id to state
}

// counts are what the API must say in the end.
type counts struct {
	predictions, labels int64
	matrix              [2][2]int64 // by true class, then by predicted class
}

func newLoad(s *server.Server) *load {
	return &load{s: s, stop: make(chan struct{}), killed: make(chan struct{}, 1), silences: map[string]string{}}
}

// single is a batch of gaveUp. Each has a minute of its own, so what became of
// it can be seen.
type single struct {
	rows         int64
	acknowledged bool
}

// maxSingles is below the number of windows that one answer can have.
const maxSingles = 9000

var firstMinute = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

func (l *load) start(seed uint64) {
	for i := range senders {
		l.running.Go(func() {
			x := &sender{load: l, name: i, rnd: rand.New(rand.NewPCG(seed, uint64(100+i)))}
			for !x.over() && x.round() {
			}
		})
	}
	l.running.Go(func() {
		x := &sender{load: l, rnd: rand.New(rand.NewPCG(seed, 99))}
		for !x.over() && x.silence() {
		}
	})
}

// finish lets every sender deliver what it has begun. The server must be up.
func (l *load) finish() {
	close(l.stop)
	l.running.Wait()
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *load) problems() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.errs
}

func (l *load) failed() bool { return len(l.problems()) > 0 }

// check waits until what was sent is folded and holds it to what was promised.
func (l *load) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sentinels(t)
	got := l.counted(t, joined)
	want := l.want
	want.predictions += sentinelRows
	if got != want {
		t.Errorf("counted %+v, promised %+v", got, want)
	}
	if got := l.counted(t, noIDs).predictions; got != l.noIDRows {
		t.Errorf("%d rows without ids were counted, %d were acknowledged", got, l.noIDRows)
	}
	l.checkSeries(t)
	l.checkSingles(t)
	l.checkSilences(t)
}

// checkSeries wants the series of counts to have each row once, too: what a
// kill kept from them is written at the next start.
func (l *load) checkSeries(t *testing.T) {
	t.Helper()
	const query = `sum(sum_over_time(model_predictions{model="` + noIDs + `",segment=""}[6h]))`
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	want := fmt.Sprint(l.noIDRows)
	server.Wait(t, func() string { return fmt.Sprintf("%s to be %s: %v", query, want, answer) }, func() bool {
		err := l.s.Get("/prometheus/api/v1/query?query="+url.QueryEscape(query), &answer)
		return err == nil && len(answer.Data.Result) == 1 && answer.Data.Result[0].Value[1] == want
	})
}

func (l *load) checkSingles(t *testing.T) {
	t.Helper()
	windows, err := l.s.Quality(gaveUp, "step=1m")
	if err != nil {
		t.Error(err)
		return
	}
	counted := map[int]int64{}
	for _, w := range windows {
		from, err := time.Parse(time.RFC3339, w.From)
		if err != nil {
			t.Error(err)
			return
		}
		counted[int(from.Sub(firstMinute)/time.Minute)] = w.Predictions
	}
	for i, o := range l.once {
		if got := counted[i]; got != o.rows && (got != 0 || o.acknowledged) {
			t.Errorf("batch %d without any id has %d rows (acknowledged: %v); %d were counted", i, o.rows, o.acknowledged, got)
		}
	}
	t.Logf("%d batches without any id", len(l.once))
}

const sentinelRows = 64

// sentinels are the last rows of every partition: a partition is read in order,
// so once they are counted all before them is too.
func (l *load) sentinels(t *testing.T) {
	t.Helper()
	var rows []byte
	for i := range sentinelRows {
		rows = fmt.Appendf(rows, `{"id":"sentinel-%d","prediction":0,"version":"sentinel"}`+"\n", i)
	}
	l.s.Send("/api/v1/models/"+joined+"/predictions", rows)
	var last []server.Window
	var lastErr error
	server.Wait(t, func() string { return fmt.Sprintf("the last rows: %+v %v; log: %s", last, lastErr, l.s.Log()) }, func() bool {
		last, lastErr = l.s.Quality(joined, "version=sentinel")
		return lastErr == nil && len(last) == 1 && last[0].Predictions == sentinelRows
	})
}

func (l *load) counted(t *testing.T, model string) (c counts) {
	t.Helper()
	windows, err := l.s.Quality(model, "")
	if err != nil || len(windows) != 1 {
		t.Errorf("the quality of %s: %v, %d windows", model, err, len(windows))
		return c
	}
	w := windows[0]
	c.predictions, c.labels = w.Predictions, w.Labels
	if w.Confusion != nil {
		for i, row := range w.Confusion.Matrix {
			copy(c.matrix[i][:], row)
		}
	}
	return c
}

func (l *load) checkSilences(t *testing.T) {
	t.Helper()
	var have []struct {
		ID     string
		Status struct{ State string }
	}
	l.s.MustGet("/alertmanager/api/v2/silences", &have)
	states := map[string]string{}
	for _, s := range have {
		states[s.ID] = s.Status.State
	}
	for id, want := range l.silences {
		if states[id] != want {
			t.Errorf("silence %s is %q, was acknowledged as %q", id, states[id], want)
		}
	}
	t.Logf("%d silences", len(l.silences))
	if len(l.silences) == 0 {
		t.Error("no silence was ever made")
	}
}

// sender is one client.
type sender struct {
	*load
	name  int
	rnd   *rand.Rand
	units int
}

func (x *sender) over() bool {
	select {
	case <-x.stop:
		return true
	default:
		return x.failed()
	}
}

// round sends one unit of some kind; false ends the sender.
func (x *sender) round() bool {
	x.units++
	switch x.rnd.IntN(6) {
	case 0:
		return x.withoutIDs()
	case 1:
		x.sendOnce()
		return true
	}
	return x.unit()
}

// unit is some predictions and their labels, in an order of its own: labels
// after or before, now and then wrong ones first, now and then all again.
func (x *sender) unit() bool {
	n := 1 + x.rnd.IntN(40)
	u := unit{prefix: fmt.Sprintf("s%d-%d", x.name, x.units), n: n, salt: x.rnd.Uint32()}
	predictions, right := u.predictions(), u.labels(false)
	type batch struct {
		kind string
		body []byte
	}
	var plan []batch
	wrong := x.rnd.IntN(4) == 0
	if x.rnd.IntN(2) == 0 {
		plan = append(plan, batch{"predictions", predictions})
		if wrong {
			plan = append(plan, batch{"labels", u.labels(true)})
		}
		plan = append(plan, batch{"labels", right})
	} else {
		if wrong {
			plan = append(plan, batch{"labels", u.labels(true)})
		}
		plan = append(plan, batch{"labels", right}, batch{"predictions", predictions})
	}
	if x.rnd.IntN(5) == 0 {
		plan = append(plan, batch{"predictions", predictions}, batch{"labels", right})
	}
	for i, b := range plan {
		id := ""
		if x.rnd.IntN(2) == 0 {
			id = fmt.Sprintf("%s-%d", u.prefix, i)
		}
		if !x.deliver(joined+"/"+b.kind, b.body, id) {
			return false
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.want.predictions += int64(n)
	x.want.labels += int64(n)
	for i := range n {
		x.want.matrix[u.label(i)][u.class(i)]++
	}
	return true
}

// withoutIDs sends rows that only their batch id protects, sometimes twice.
func (x *sender) withoutIDs() bool {
	n := 1 + x.rnd.IntN(40)
	var body []byte
	for i := range n {
		body = fmt.Appendf(body, `{"prediction":%d,"features":{"x":%d}}`+"\n", i%2, i)
	}
	id := fmt.Sprintf("n%d-%d", x.name, x.units)
	for range 1 + x.rnd.IntN(2) {
		if !x.deliver(noIDs+"/predictions", body, id) {
			return false
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.noIDRows += int64(n)
	return true
}

// sendOnce tries once and does not care.
func (x *sender) sendOnce() {
	x.mu.Lock()
	place, n := len(x.once), 1+x.rnd.IntN(40)
	if place < maxSingles {
		x.once = append(x.once, single{rows: int64(n)})
	}
	x.mu.Unlock()
	if place >= maxSingles {
		return
	}
	at := firstMinute.Add(time.Duration(place) * time.Minute).UnixMilli()
	var body []byte
	for i := range n {
		body = fmt.Appendf(body, `{"time":%d,"prediction":%d,"features":{"x":%d}}`+"\n", at, i%2, i)
	}
	status, _, err := x.post(gaveUp+"/predictions", body, "")
	if err == nil && status == http.StatusOK {
		x.answered()
		x.mu.Lock()
		defer x.mu.Unlock()
		x.once[place].acknowledged = true
	}
}

// answered kills the server at the very moment of an answer, when the killer
// wants that: whatever is promised too early is lost then.
func (x *sender) answered() {
	if x.armed.CompareAndSwap(true, false) {
		x.s.Strike()
		x.killed <- struct{}{}
	}
}

func (x *sender) post(to string, body []byte, batchID string) (int, []byte, error) {
	return x.s.Do(server.Request{
		Method: "POST", Path: "/api/v1/models/" + to, Type: "application/x-ndjson", BatchID: batchID, Body: body,
	})
}

// deliver sends a batch until it is acknowledged, as a client does.
func (x *sender) deliver(to string, body []byte, batchID string) bool {
	ok := x.until(func() (int, []byte, error) { return x.post(to, body, batchID) })
	if ok {
		x.answered()
		x.acknowledged.Add(1)
	}
	return ok
}

// until makes a call until it succeeds. Only an answer that a client may
// repeat after is repeated; any other fails the test.
func (x *sender) until(call func() (int, []byte, error)) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * server.Deadline); ; <-tick.C {
		status, answer, err := call()
		switch {
		case err == nil && status == http.StatusOK:
			return true
		case errors.Is(err, syscall.ECONNREFUSED): // nobody there yet
		case err != nil:
			x.lost.Add(1)
		case status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests:
			x.fail(fmt.Errorf("sender %d: %d: %s", x.name, status, answer))
			return false
		}
		if time.Now().After(deadline) {
			x.fail(fmt.Errorf("sender %d: not delivered within %v: %d %s %w", x.name, 2*server.Deadline, status, answer, err))
			return false
		}
	}
}

// silence makes one and now and then ends it again. What was not acknowledged
// is not remembered.
func (x *sender) silence() bool {
	x.units++
	body := fmt.Appendf(nil, `{"matchers":[{"name":"model","value":"m%d","isRegex":false,"isEqual":true}],`+
		`"startsAt":"2020-01-01T00:00:00Z","endsAt":"2999-01-01T00:00:00Z","createdBy":"crash","comment":"%d"}`, x.units, x.units)
	var made struct{ SilenceID string }
	ok := x.until(func() (int, []byte, error) {
		status, answer, err := x.s.Do(server.Request{Method: "POST", Path: "/alertmanager/api/v2/silences", Type: "application/json", Body: body})
		if err == nil && status == http.StatusOK {
			err = json.Unmarshal(answer, &made)
		}
		return status, answer, err
	})
	if !ok {
		return false
	}
	state := "active"
	if x.rnd.IntN(4) == 0 {
		status, _, err := x.s.Do(server.Request{Method: "DELETE", Path: "/alertmanager/api/v2/silence/" + made.SilenceID})
		if err != nil || status != http.StatusOK {
			return true // ended or not, nobody was told
		}
		state = "expired"
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.silences[made.SilenceID] = state
	return len(x.silences) < 2000
}

// unit is n rows of one prefix.
type unit struct {
	prefix string
	n      int
	salt   uint32
}

func (u *unit) class(i int) int { return int(u.salt>>(i%32)) & 1 }

// label agrees with the class but for one row in twenty.
func (u *unit) label(i int) int {
	if (i+int(u.salt%20))%20 == 0 {
		return 1 - u.class(i)
	}
	return u.class(i)
}

func (u *unit) predictions() []byte {
	var b []byte
	for i := range u.n {
		b = fmt.Appendf(b, `{"id":"%s-%d","prediction":%d,"score":%.2f,"latency_ms":%d,"features":{"x":%d,"c":"v%d"}}`+"\n",
			u.prefix, i, u.class(i), 0.2+0.6*float64(u.class(i)), 5+i, i, i%3)
	}
	return b
}

func (u *unit) labels(wrong bool) []byte {
	var b []byte
	for i := range u.n {
		label := u.label(i)
		if wrong {
			label = 1 - label
		}
		b = fmt.Appendf(b, `{"id":"%s-%d","label":%d}`+"\n", u.prefix, i, label)
	}
	return b
}

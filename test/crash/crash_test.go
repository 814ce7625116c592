// Package crash kills the real binary at random moments under load, again and
// again, and then holds it to its promises: every acknowledged event counts
// exactly once, in the profiles and in the sums of the series (of which a power
// cut may take the end), every silence stands, a person who was told is not told
// again, and the end of an alert is told.
//
// The short run is part of go test; LEEWAY_VERIFY=1 (make crash) adds the long
// one. LEEWAY_SEED repeats a run's choices (not its timing).
package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/leewayhq/leeway/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

func TestKilledUnderLoad(t *testing.T) { run(t, 25) }

func TestKilledHundredsOfTimes(t *testing.T) {
	if os.Getenv("LEEWAY_VERIFY") == "" {
		t.Skip("verify: 250 kills; make crash runs them")
	}
	run(t, 250)
}

func seedOf(t *testing.T) uint64 {
	t.Helper()
	if text := os.Getenv("LEEWAY_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal("LEEWAY_SEED:", err)
		}
		return seed
	}
	return uint64(time.Now().UnixNano())
}

// Only one rule can raise something, so that a second message of a group
// cannot be meant for another alert.
const config = `host: {enabled: false}
log: {level: error}
access: {outgoing_allow: [127.0.0.1]}
queue: {segment_bytes: 1MiB}
alertmanager:
  route: {receiver: hook, group_by: [model], group_wait: 100ms, group_interval: 1s, repeat_interval: 4h}
  receivers: [{name: hook, webhook_configs: [{url: %q}]}]
rules:
- {name: precision_low, metric: precision, operator: lt, warning: 0.1, enabled: false}
- {name: recall_low, metric: recall, operator: lt, warning: 0.1, enabled: false}
- {name: data_drift_high, metric: data_drift, operator: gt, warning: 0.9, enabled: false}
- {name: response_time_high, metric: response_time, operator: gt, warning: 100000, enabled: false}
`

const senders = 4

func run(t *testing.T, kills int) {
	seed := seedOf(t)
	t.Logf("LEEWAY_SEED=%d", seed)
	hook := server.NewHook(t)
	s := server.New(t, fmt.Sprintf(config, hook.URL))
	s.Start()
	v := &victim{t: t, s: s, hook: hook, rnd: rand.New(rand.NewPCG(seed, 1))}
	v.fall()

	load := newLoad(s)
	load.start(seed)
	k := &killer{t: t, s: s, rnd: rand.New(rand.NewPCG(seed, 2))}
	began := time.Now()
	for i := range kills {
		if load.failed() {
			break
		}
		k.once(load)
		if i%20 == 19 {
			v.linger() // the trailing window of its series is five minutes
		}
	}
	load.finish()
	for _, err := range load.problems() {
		t.Error(err)
	}
	t.Logf("%d kills in %v, %d of them while starting; %d logs of series lost their end; %d batches were acknowledged, %d answers were lost",
		kills, time.Since(began).Round(time.Second), k.early, k.cut, load.acknowledged.Load(), load.lost.Load())
	if load.lost.Load() == 0 {
		t.Error("no answer was ever lost: the kills came at no bad moment")
	}
	load.check(t)
	v.rise(k)
}

// killer kills and starts.
type killer struct {
	t     *testing.T
	s     *server.Server
	rnd   *rand.Rand
	early int
	cut   int // logs of the series that lost their end
}

// once kills when an answer arrives, or after some batches or some time, and
// starts again; one time in four the new process is killed before it is ready.
func (k *killer) once(l *load) {
	k.t.Helper()
	switch k.rnd.IntN(3) {
	case 0:
		l.armed.Store(true)
		server.Wait(k.t, k.log, func() bool { return len(l.killed) > 0 || l.failed() })
		if !l.failed() {
			<-l.killed
		}
	case 1:
		want := l.acknowledged.Load() + k.rnd.Int64N(30)
		server.Wait(k.t, k.log, func() bool { return l.acknowledged.Load() >= want || l.failed() })
	default:
		k.moment(150 * time.Millisecond)
	}
	k.s.Kill()
	if k.rnd.IntN(3) == 0 {
		k.cutSeries()
	}
	for k.rnd.IntN(4) == 0 {
		k.early++
		if err := k.s.Launch(); err != nil {
			k.t.Fatal(err)
		}
		k.moment(400 * time.Millisecond)
		k.s.Kill()
	}
	k.s.Start()
}

// cutSeries takes the end of the series' logs, which are not synced with each
// append, as a power cut would.
func (k *killer) cutSeries() {
	k.t.Helper()
	for _, log := range []string{"wal", "wbl"} {
		files, err := filepath.Glob(filepath.Join(k.s.Dir, "series", log, "0*"))
		if err != nil || len(files) == 0 {
			continue // killed before there was one
		}
		last := slices.Max(files)
		info, err := os.Stat(last)
		if err == nil {
			err = os.Truncate(last, info.Size()-k.rnd.Int64N(info.Size()+1))
		}
		if err != nil {
			k.t.Fatal(err)
		}
		k.cut++
	}
}

func (k *killer) log() string { return "batches to be acknowledged; the server's log: " + k.s.Log() }

// moment lets a random time pass: when the kill comes is the point of the test.
func (k *killer) moment(most time.Duration) { <-time.After(time.Duration(k.rnd.Int64N(int64(most)))) }

// victim is a model whose alert fires before the kills and ends after them.
type victim struct {
	t    *testing.T
	s    *server.Server
	hook *server.Hook
	rnd  *rand.Rand
	next int
}

const (
	victimModel = "victim"
	victimRule  = "accuracy_low"
)

// send sends n predictions and their labels, all right or all wrong.
func (v *victim) send(n int, right bool) {
	v.t.Helper()
	first := v.next
	v.next += n
	var predictions, labels []byte
	for i := first; i < first+n; i++ {
		label := i % 2
		if !right {
			label = 1 - label
		}
		predictions = fmt.Appendf(predictions, `{"id":"v%d","prediction":%d}`+"\n", i, i%2)
		labels = fmt.Appendf(labels, `{"id":"v%d","label":%d}`+"\n", i, label)
	}
	v.s.Send("/api/v1/models/"+victimModel+"/predictions", predictions)
	v.s.Send("/api/v1/models/"+victimModel+"/labels", labels)
}

func (v *victim) fall() {
	v.t.Helper()
	v.send(200, false)
	server.Wait(v.t, v.came, func() bool { return v.hook.Count(victimModel, victimRule, "firing") > 0 })
}

func (v *victim) linger() { v.send(40, false) }

// rise brings accuracy back up, kills once more right then, and wants the end
// of the alert to be told, and its beginning to have been told once.
func (v *victim) rise(k *killer) {
	v.t.Helper()
	v.send(100*v.next, true)
	k.moment(2 * time.Second)
	k.s.Kill()
	k.s.Start()
	server.Wait(v.t, v.came, func() bool { return v.hook.Count(victimModel, victimRule, "resolved") > 0 })
	if n := v.hook.Count(victimModel, victimRule, "firing"); n != 1 {
		v.t.Errorf("people were told %d times that the alert fires, wanted once: %s", n, v.came())
	}
}

func (v *victim) came() string {
	return fmt.Sprintf("webhooks so far: %+v\nthe server's log: %s", v.hook.Messages(), v.s.Log())
}

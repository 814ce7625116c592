package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/leewayhq/leeway/client"
)

// maxUnderWay bounds the requests of one model at one time; what is over it is
// not asked.
const maxUnderWay = 64

// traffic asks for one model and tells later what was true.
type traffic struct {
	*demo
	subject *subject
	url     string
	began   time.Time
	random  *rand.Rand
	room    chan struct{}

	mu      sync.Mutex
	pending []verdict
}

// verdict is a label that is not known yet.
type verdict struct {
	due   time.Time
	label client.Label
}

func newTraffic(d *demo, s *subject, number uint64) *traffic {
	return &traffic{demo: d, subject: s, random: stream(d.Seed, 200+number), room: make(chan struct{}, maxUnderWay)}
}

// rhythm is how busy a moment of the day is: 1 is the mean, the peak is at 15 h.
func rhythm(t time.Time) float64 {
	hour := float64(t.Hour()) + float64(t.Minute())/60
	return 1 + 0.4*math.Sin(2*math.Pi*(hour-9)/24)
}

// ask sends requests at random moments until the context ends.
func (t *traffic) ask(ctx context.Context) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	gap := time.NewTimer(0)
	defer gap.Stop()
	for number := 0; ; number++ {
		select {
		case <-ctx.Done():
			return
		case now := <-gap.C:
			rate := t.subject.perSecond * t.Story.Speed * rhythm(now)
			gap.Reset(time.Duration(t.random.ExpFloat64() / rate * float64(time.Second)))
			x := t.subject.draw(t.random, t.Story.drift(now.Sub(t.began)))
			due := now.Add(t.Story.LabelsAfter + time.Duration(t.random.Float64()*float64(t.Story.LabelsWithin-t.Story.LabelsAfter)))
			id := t.prefix + "-" + t.subject.name + "-" + strconv.Itoa(number)
			select {
			case t.room <- struct{}{}:
			default:
				continue
			}
			underWay.Go(func() {
				defer func() { <-t.room }()
				if t.request(ctx, id, x.features) {
					t.later(due, client.Label{Model: t.subject.name, ID: id, Label: x.truth})
				}
			})
		}
	}
}

// request asks the service; false is no prediction, so that there will be
// nothing to judge.
func (t *traffic) request(ctx context.Context, id string, features map[string]any) bool {
	body, err := json.Marshal(question{ID: id, Features: features})
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/"+t.subject.name+"/predict", bytes.NewReader(body))
	if err != nil {
		return false
	}
	res, err := t.http.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode == http.StatusOK
}

func (t *traffic) later(due time.Time, l client.Label) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, verdict{due, l})
}

// label tells what has become known, several times a second.
func (t *traffic) label(ctx context.Context) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, l := range t.known(now) {
				l.Time = now
				t.leeway.Label(l)
			}
		}
	}
}

// known takes out the verdicts that are due.
func (t *traffic) known(now time.Time) (due []client.Label) {
	t.mu.Lock()
	defer t.mu.Unlock()
	keep := t.pending[:0]
	for _, v := range t.pending {
		if v.due.After(now) {
			keep = append(keep, v)
		} else {
			due = append(due, v.label)
		}
	}
	t.pending = keep
	return due
}

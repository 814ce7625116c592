package probe

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// checker is one kind of check, ready to run.
type checker interface {
	// check fills in what it found. The error says why the probe failed;
	// *wrongAnswer that it did not, but that the answer was wrong.
	check(ctx context.Context, r *Result) error
	// trusted are the certificates that it trusts besides the system's.
	trusted() []byte
}

// again is how often the last result is written anew, so that the series of a
// probe that runs seldom do not go stale (after five minutes) between rounds.
const again = time.Minute

// running is one probe. Its loop alone writes; mu is for those who look.
type running struct {
	prober *Prober
	spec   Spec
	check  checker
	cancel context.CancelFunc
	done   chan struct{}

	published map[string]labels.Labels // series that have a value, of the loop
	unstored  bool                     // the last result could not be stored

	mu              sync.Mutex
	last            *Result
	expiry          int64 // of the certificate, as last seen; unix ms
	failures, wrong int   // in a row
	known           bool
	next            time.Time
}

func (r *running) setNext(t time.Time) {
	r.mu.Lock()
	r.next = t
	r.mu.Unlock()
}

func (r *running) stop() {
	r.cancel()
	<-r.done
}

// adopt goes on where a stopped probe with the same series was.
func (r *running) adopt(old *running) {
	r.last, r.expiry, r.failures, r.wrong, r.known = old.last, old.expiry, old.failures, old.wrong, old.known
	r.published = old.published
}

// loop runs rounds until ctx ends.
func (r *running) loop(ctx context.Context) {
	for {
		wake := r.wake()
		timer := time.NewTimer(time.Until(wake))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if time.Now().Before(r.due()) {
			r.publish(ctx)
			continue
		}
		if !r.round(ctx) {
			return
		}
		r.reckon()
	}
}

func (r *running) due() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
}

// wake is when there is something to do: a round, or the last result anew.
func (r *running) wake() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if soon := time.Now().Add(again); r.last != nil && soon.Before(r.next) {
		return soon
	}
	return r.next
}

// reckon sets the next round; those whose time is over are missed.
func (r *running) reckon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = r.next.Add(r.spec.Interval)
	if late := time.Since(r.next); late > 0 {
		rounds := late/r.spec.Interval + 1
		r.next = r.next.Add(rounds * r.spec.Interval)
		r.prober.met.missed.Add(float64(rounds))
	}
}

// round makes one check and publishes its result; false when ctx has ended.
func (r *running) round(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case r.prober.slots <- struct{}{}:
	}
	result := r.run(ctx)
	<-r.prober.slots
	if ctx.Err() != nil {
		return false // what was found on the way out says nothing about the target
	}
	r.take(result)
	r.publish(ctx)
	return true
}

func (r *running) run(ctx context.Context) *Result {
	began := time.Now()
	result := &Result{Time: began.UnixMilli(), Phases: map[string]float64{}}
	bounded, cancel := context.WithTimeout(ctx, r.spec.Timeout)
	err := r.check.check(bounded, result)
	cancel()
	result.Seconds = time.Since(began).Seconds()
	result.judge(err, &r.spec)
	return result
}

// take counts the result and makes it the last one.
func (r *running) take(result *Result) {
	outcome := result.Code
	if outcome == "" {
		outcome = "ok"
	}
	r.prober.met.runs.WithLabelValues(r.spec.Kind, outcome).Inc()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.known {
		r.failures, r.wrong = r.prober.cfg.Counts(r.spec.Name, r.spec.Model, r.spec.label())
		r.known = true
	}
	if before := r.last; before == nil || before.Code != result.Code {
		r.prober.log.Info("probe", "probe", r.spec.Name, "outcome", outcome, "reason", result.Reason)
	}
	r.last = result
	if result.CertExpiry != 0 { // a target that is away takes its certificate's end not with it
		r.expiry = result.CertExpiry
	}
	r.failures = count(r.failures, !result.Success)
	if result.Correct != nil { // an answer that did not come is neither right nor wrong
		r.wrong = count(r.wrong, !*result.Correct)
	}
}

func count(n int, bad bool) int {
	if bad {
		return n + 1
	}
	return 0
}

// publish writes the last result at this moment.
func (r *running) publish(ctx context.Context) { r.put(ctx, r.samples()) }

// endSeries tells that the series of a stopped probe go on no more.
func (r *running) endSeries() { r.put(r.prober.ctx, nil) }

// putTime bounds the wait for the disk.
const putTime = 10 * time.Second

func (r *running) put(ctx context.Context, samples []series) {
	batch, rows := r.batch(samples, time.Now())
	if rows == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, putTime)
	defer cancel()
	err := r.prober.cfg.Put(ctx, batch)
	if err != nil && !errors.Is(err, context.Canceled) {
		r.prober.met.lost.Inc()
		if !r.unstored {
			r.prober.log.Warn("probe: results are not stored", "probe", r.spec.Name, "error", err)
		}
	}
	r.unstored = err != nil
}

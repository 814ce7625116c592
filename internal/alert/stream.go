package alert

import "sync"

// streamDepth is how many transitions a subscriber may lag behind.
const streamDepth = 256

// stream hands transitions to whoever listens now. A listener that lags
// behind is cut off (its channel is closed), never waited for; it can read
// what it missed from History by id.
type stream struct {
	met    *metrics
	mu     sync.Mutex
	next   int
	to     map[int]chan Transition
	closed bool
}

func newStream(met *metrics) *stream { return &stream{met: met, to: map[int]chan Transition{}} }

// Subscribe gives all transitions from now on, each already on disk. The
// channel is closed by cancel, by Close, and when 256 transitions wait in it.
func (e *Engine) Subscribe() (transitions <-chan Transition, cancel func()) {
	return e.stream.subscribe()
}

func (s *stream) subscribe() (<-chan Transition, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := make(chan Transition, streamDepth)
	if s.closed {
		close(ch)
		return ch, func() {}
	}
	id := s.next
	s.next++
	s.to[id] = ch
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cut(id)
	}
}

func (s *stream) cut(id int) {
	if ch, ok := s.to[id]; ok {
		delete(s.to, id)
		close(ch)
	}
}

func (s *stream) publish(t Transition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, ch := range s.to {
		select {
		case ch <- t:
		default:
			s.met.cutOff.Inc()
			s.cut(id)
		}
	}
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for id := range s.to {
		s.cut(id)
	}
}

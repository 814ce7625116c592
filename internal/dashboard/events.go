package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/alert"
)

// hub tells open event streams which models changed. Alert transitions come
// from the engine's own stream.
type hub struct {
	met  *metrics
	done chan struct{}

	mu        sync.Mutex
	closed    bool
	listeners map[*listener]struct{}
}

// listener gathers the names of changed models until its stream sends them:
// at most all models, however long that takes.
type listener struct {
	changed map[string]struct{}
}

func newHub(met *metrics) *hub {
	return &hub{met: met, done: make(chan struct{}), listeners: map[*listener]struct{}{}}
}

func (h *hub) touch(model string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		l.changed[model] = struct{}{}
	}
}

// join registers a stream; ok is false when there are too many.
func (h *hub) join(most int) (*listener, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.listeners) >= most {
		h.met.cutOff.Inc()
		return nil, false
	}
	l := &listener{changed: map[string]struct{}{}}
	h.listeners[l] = struct{}{}
	h.met.streams.Set(float64(len(h.listeners)))
	return l, true
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
	h.met.streams.Set(float64(len(h.listeners)))
}

// take gives the models that changed since the last call.
func (h *hub) take(l *listener) map[string]struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := l.changed
	if len(changed) > 0 {
		l.changed = map[string]struct{}{}
	}
	return changed
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
}

const (
	heartbeat   = 15 * time.Second
	modelPace   = time.Second      // between two rounds of model events
	writeWithin = 10 * time.Second // a reader that takes longer is cut off
	replayMost  = 256
)

// getEvents is the stream of server-sent events. Alerts carry the id of their
// transition; a client that comes back with Last-Event-ID gets what it missed.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) {
	l, ok := s.hub.join(s.cfg.MaxStreams)
	if !ok {
		s.fail(w, r, access.Problem{
			Status: http.StatusServiceUnavailable, Code: "too_many_streams", RetryAfter: 30 * time.Second,
			Params: map[string]any{"limit": s.cfg.MaxStreams}, Detail: "too many event streams are open",
		})
		return
	}
	defer s.hub.leave(l)
	transitions, cancel := s.cfg.Alerts.Subscribe()
	defer cancel()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	out := &eventWriter{w: w, rc: http.NewResponseController(w)}
	out.send("build", "", map[string]any{"build": s.cfg.Build, "version": s.cfg.Version})
	s.replay(out, r.Header.Get("Last-Event-ID"))
	s.stream(r, out, l, transitions)
}

func (s *Server) stream(r *http.Request, out *eventWriter, l *listener, transitions <-chan alert.Transition) {
	beat, pace := time.NewTicker(heartbeat), time.NewTicker(modelPace)
	defer beat.Stop()
	defer pace.Stop()
	for out.err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-s.hub.done:
			return
		case t, open := <-transitions:
			if !open {
				return // it fell behind; it comes back and asks for what it missed
			}
			out.alert(&t)
		case <-pace.C:
			now := s.cfg.Now().UnixMilli()
			for name := range s.hub.take(l) {
				out.send("model", "", map[string]any{"name": name, "time": now})
			}
		case <-beat.C:
			out.send("heartbeat", "", map[string]any{"now": s.cfg.Now().UnixMilli()})
		}
	}
}

// replay sends the transitions after the one that the client saw last.
func (s *Server) replay(out *eventWriter, lastID string) {
	last, err := strconv.ParseUint(lastID, 10, 64)
	if err != nil {
		return
	}
	now := s.cfg.Now().UnixMilli()
	list, err := s.cfg.Alerts.History(now-dayMS, now+1, alert.Filter{Limit: replayMost})
	if err != nil {
		s.cfg.Logger.Warn("dashboard: no replay of alerts", "err", err)
		return
	}
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].ID > last {
			out.alert(&list[i])
		}
	}
}

// eventWriter writes events until the first error.
type eventWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	err error
}

func (e *eventWriter) alert(t *alert.Transition) {
	e.send("alert", strconv.FormatUint(t.ID, 10), transitionOf(t))
}

func (e *eventWriter) send(name, id string, v any) {
	if e.err != nil {
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		e.err = err
		return
	}
	_ = e.rc.SetWriteDeadline(time.Now().Add(writeWithin)) // not every writer has one
	if id != "" {
		id = "id: " + id + "\n"
	}
	if _, e.err = fmt.Fprintf(e.w, "%sevent: %s\ndata: %s\n\n", id, name, data); e.err == nil {
		e.err = e.rc.Flush()
	}
}

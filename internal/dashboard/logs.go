package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/access"
)

// LogQuery asks the archive for log lines.
type LogQuery struct {
	From, To int64  // unix ms; from <= time < to
	Level    string // at least this one; empty for all
	Service  string
	Model    string
	Text     string            // to be found in the line
	Attrs    map[string]string // values of attributes
	Limit    int
	Cursor   string // of an earlier page
}

// LogLine is one line of a log.
type LogLine struct {
	Time    int64             `json:"time"` // ms
	Level   string            `json:"level"`
	Service string            `json:"service"`
	Text    string            `json:"text"`
	Fields  map[string]string `json:"fields"`
}

// LogPage is some lines, the newest first; Next goes on with older ones and is
// empty at the end.
type LogPage struct {
	Lines []LogLine `json:"lines"`
	Next  string    `json:"next"`
}

// LogFeed is lines as they come. Lines is never closed.
type LogFeed struct {
	Lines <-chan LogLine
	// Missed is how many lines there was no room for since the last call.
	Missed func() int64
}

var logLevels = []string{"", "trace", "debug", "info", "warn", "warning", "error", "fatal"}

func (s *Server) getLogs(r *http.Request) (any, error) {
	if s.cfg.Logs == nil {
		return nil, notEnabled("log search")
	}
	q := r.URL.Query()
	now := s.cfg.Now().UnixMilli()
	sp := span{from: now - dayMS, to: now + 1}
	if err := s.readRange(r, &sp, q.Get("from") != "", q.Get("to") != ""); err != nil {
		return nil, err
	}
	limit, err := limitOf(r, 100, 1000)
	if err != nil {
		return nil, err
	}
	lq, err := logQuery(r)
	if err != nil {
		return nil, err
	}
	lq.From, lq.To, lq.Limit, lq.Cursor = sp.from, sp.to, limit, q.Get("cursor")
	page, err := s.cfg.Logs(r.Context(), lq)
	if errors.Is(err, ErrBadCursor) {
		return nil, badParam("cursor", q.Get("cursor"), "a cursor that an earlier answer gave")
	}
	if err != nil {
		return nil, err
	}
	if page.Lines == nil {
		page.Lines = []LogLine{}
	}
	for i := range page.Lines {
		page.Lines[i].Fields = orEmptyMap(page.Lines[i].Fields)
	}
	return page, nil
}

// logQuery reads what a line must have.
func logQuery(r *http.Request) (LogQuery, error) {
	q := r.URL.Query()
	out := LogQuery{Level: strings.ToLower(q.Get("level")), Service: q.Get("service"), Model: q.Get("model"), Text: q.Get("text")}
	if !slices.Contains(logLevels, out.Level) {
		return out, badParam("level", out.Level, "one of "+strings.Join(logLevels[1:], ", "))
	}
	if len(out.Text) > 1000 || len(out.Service) > 256 || len(out.Model) > 256 {
		return out, badParam("text", out.Text, "at most 1,000 characters")
	}
	for key, values := range q {
		name, ok := strings.CutPrefix(key, "attr.")
		if !ok {
			continue
		}
		if name == "" || len(name) > 256 || len(values[0]) > 1000 || len(out.Attrs) == maxLogAttrs {
			return out, badParam(key, values[0], "a name and a value, at most 10 of them")
		}
		if out.Attrs == nil {
			out.Attrs = map[string]string{}
		}
		out.Attrs[name] = values[0]
	}
	return out, nil
}

const maxLogAttrs = 10

// getLogTail is the stream of lines as they come, from the request on.
func (s *Server) getLogTail(w http.ResponseWriter, r *http.Request) {
	if s.cfg.FollowLogs == nil {
		s.fail(w, r, notEnabled("the live log"))
		return
	}
	q, err := logQuery(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	l, ok := s.hub.join(s.cfg.MaxStreams)
	if !ok {
		s.fail(w, r, access.Problem{
			Status: http.StatusServiceUnavailable, Code: "too_many_streams", RetryAfter: 30 * time.Second,
			Params: map[string]any{"limit": s.cfg.MaxStreams}, Detail: "too many event streams are open",
		})
		return
	}
	defer s.hub.leave(l)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	feed := s.cfg.FollowLogs(ctx, q)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	out := &eventWriter{w: w, rc: http.NewResponseController(w)}
	out.send("begin", "", map[string]any{"now": s.cfg.Now().UnixMilli()})
	s.tailLogs(ctx, out, feed)
}

func (s *Server) tailLogs(ctx context.Context, out *eventWriter, feed *LogFeed) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for out.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-s.hub.done:
			return
		case line := <-feed.Lines:
			line.Fields = orEmptyMap(line.Fields)
			out.send("line", "", line)
			if n := feed.Missed(); n > 0 {
				out.send("missed", "", map[string]any{"lines": n})
			}
		case <-beat.C:
			out.send("heartbeat", "", map[string]any{"now": s.cfg.Now().UnixMilli()})
		}
	}
}

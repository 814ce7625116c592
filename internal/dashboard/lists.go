package dashboard

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// LogQuery asks the archive for log lines.
type LogQuery struct {
	From, To int64  // unix ms; from <= time < to
	Level    string // at least this one; empty for all
	Service  string
	Text     string // to be found in the line
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

// ErrBadCursor is what Config.Logs returns for a cursor that is not one of its.
var ErrBadCursor = errors.New("not a cursor of this list")

// Partition is how far the processor is in one partition of the queue.
type Partition struct {
	Partition int    `json:"partition"`
	Next      uint64 `json:"next"` // the first offset that is not in the numbers
	End       uint64 `json:"end"`  // above all that is on disk
	Error     string `json:"error,omitempty"`
}

// getStatus tells a sender when what it sent is in the numbers.
func (s *Server) getStatus(*http.Request) (any, error) {
	out := struct {
		Version    string      `json:"version"`
		Partitions []Partition `json:"partitions"`
	}{Version: s.cfg.Version, Partitions: []Partition{}}
	if s.cfg.Partitions != nil {
		out.Partitions = s.cfg.Partitions()
	}
	return out, nil
}

// Notification is one message that was sent.
type Notification struct {
	Time     int64  `json:"time"` // ms
	Receiver string `json:"receiver"`
	Status   string `json:"status"`
	Title    string `json:"title"`
	Text     string `json:"text"`
	Severity string `json:"severity"`
	Model    string `json:"model"`
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
	level := strings.ToLower(q.Get("level"))
	if !slices.Contains(logLevels, level) {
		return nil, badParam("level", level, "one of "+strings.Join(logLevels[1:], ", "))
	}
	if len(q.Get("text")) > 1000 || len(q.Get("service")) > 256 {
		return nil, badParam("text", q.Get("text"), "at most 1,000 characters")
	}
	page, err := s.cfg.Logs(r.Context(), LogQuery{
		From: sp.from, To: sp.to, Level: level, Service: q.Get("service"), Text: q.Get("text"), Limit: limit, Cursor: q.Get("cursor"),
	})
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

func (s *Server) getNotifications(r *http.Request) (any, error) {
	if s.cfg.Notifications == nil {
		return nil, notEnabled("the list of notifications")
	}
	limit, err := limitOf(r, 100, 1000)
	if err != nil {
		return nil, err
	}
	list := s.cfg.Notifications(limit)
	if list == nil {
		list = []Notification{}
	}
	return map[string]any{"notifications": list}, nil
}

type metricJSON struct {
	Key        string   `json:"key"`
	Series     string   `json:"series"`
	Title      words    `json:"title"`
	Help       words    `json:"help"`
	Unit       string   `json:"unit"`
	Good       string   `json:"good"`
	Group      string   `json:"group"`
	PromQL     string   `json:"promql"`
	By         string   `json:"by"`
	Operator   string   `json:"operator"`
	Warning    *float64 `json:"warning"`
	Critical   *float64 `json:"critical"`
	DurationMS int64    `json:"duration_ms"`
	MinSamples int      `json:"min_samples"`
	Enabled    bool     `json:"enabled"`
	Tasks      []string `json:"tasks"`
}

func (s *Server) getCatalogue(*http.Request) (any, error) {
	out := make([]metricJSON, 0, len(s.rows))
	for _, m := range s.rows {
		row := metricJSON{
			Key: m.Key, Series: m.Series, Title: words(m.Title), Help: words(m.Help), Unit: string(m.Unit), Good: string(m.Good),
			Group: string(m.Group), PromQL: m.PromQL, By: m.By, Operator: string(m.Operator), Warning: m.Warning,
			Critical: m.Critical, DurationMS: m.For.Milliseconds(), MinSamples: m.MinSamples, Enabled: m.EnabledByDefault, Tasks: []string{},
		}
		for _, t := range m.Tasks {
			row.Tasks = append(row.Tasks, t.String())
		}
		out = append(out, row)
	}
	return map[string]any{"metrics": out}, nil
}

package dashboard

import (
	"errors"
	"net/http"
)

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

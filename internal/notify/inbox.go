package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/alertmanager/alert"
	amnotify "github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

// Message is one notification in the inbox.
type Message struct {
	ID       uint64     `json:"id"`
	Time     int64      `json:"time"` // ms
	Receiver string     `json:"receiver"`
	Status   string     `json:"status"`             // firing or resolved
	Severity string     `json:"severity,omitempty"` // the worst in it
	Title    string     `json:"title"`
	Text     string     `json:"text"`
	Count    int        `json:"count"`  // alerts
	Alerts   []AlertRef `json:"alerts"` // the first of them
}

// Inbox lists up to limit messages, the newest first; 0 lists all.
func (n *Notifier) Inbox(limit int) []Message { return n.inbox.newest(limit) }

// inboxSender delivers into the inbox.
type inboxSender struct {
	n    *Notifier
	tmpl *template.Template
}

// Notify implements Alertmanager's Notifier. The message is synced when it
// returns; a failure is tried again.
func (s *inboxSender) Notify(ctx context.Context, alerts ...*alert.Alert) (bool, error) {
	data := amnotify.GetTemplateData(ctx, s.tmpl, alerts, s.n.log)
	title, err := s.tmpl.ExecuteTextString(`{{ template "leeway.title" . }}`, data)
	if err != nil {
		return false, fmt.Errorf("title: %w", err)
	}
	text, err := s.tmpl.ExecuteTextString(`{{ template "leeway.text" . }}`, data)
	if err != nil {
		return false, fmt.Errorf("text: %w", err)
	}
	m := Message{
		ID: s.n.inbox.take(), Time: time.Now().UnixMilli(), Receiver: data.Receiver, Status: data.Status,
		Severity: worst(alerts), Title: title, Text: text, Count: len(alerts), Alerts: refsOf(alerts),
	}
	if err := s.n.inbox.put(m.ID, m, pebble.Sync); err != nil {
		return true, err
	}
	return false, nil
}

func worst(alerts []*alert.Alert) string {
	out := ""
	for _, a := range alerts {
		switch s := string(a.Labels["severity"]); {
		case s == "critical":
			return s
		case s != "":
			out = s
		}
	}
	return out
}

// testAlert is what Test sends.
func testAlert(now time.Time) *alert.Alert {
	return &alert.Alert{UpdatedAt: now, Alert: model.Alert{
		Labels: model.LabelSet{"alertname": "test", "severity": "warning", "model": "test"},
		Annotations: model.LabelSet{
			"title": "Test message", "title_zh": "测试消息",
			"summary": "Nothing is wrong: somebody tests this channel", "summary_zh": "一切正常：有人正在测试此渠道",
		},
		StartsAt: now, EndsAt: now.Add(time.Minute),
	}}
}

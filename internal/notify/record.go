package notify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	amnotify "github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

// Results of a notification.
const (
	ResultSent     = "sent"
	ResultFailed   = "failed"   // and not tried again
	ResultRetrying = "retrying" // the last try failed and another one follows
)

// maxNamed bounds how many alerts a record or message names one by one.
const maxNamed = 50

// Record is one notification: one receiver's one integration and one group of
// alerts, over all its tries. Times are unix milliseconds.
type Record struct {
	ID       uint64     `json:"id"`
	Time     int64      `json:"time"`    // of the first try
	Updated  int64      `json:"updated"` // of the last
	Receiver string     `json:"receiver"`
	Kind     string     `json:"kind"`
	Target   string     `json:"target,omitempty"`
	Status   string     `json:"status"` // firing or resolved
	Title    string     `json:"title"`
	Reason   string     `json:"reason,omitempty"` // why it was sent, in Alertmanager's words
	Tries    int        `json:"tries"`
	Result   string     `json:"result"`
	Error    string     `json:"error,omitempty"`
	Duration int64      `json:"duration"` // of the last try, ms
	Count    int        `json:"count"`    // alerts
	Alerts   []AlertRef `json:"alerts"`   // the first of them
}

// AlertRef names an alert in a record or message.
type AlertRef struct {
	Fingerprint string `json:"fingerprint"`
	Name        string `json:"name"`
	Model       string `json:"model,omitempty"`
	Host        string `json:"host,omitempty"`
	Severity    string `json:"severity,omitempty"`
	Status      string `json:"status"`
}

func refsOf(alerts []*alert.Alert) []AlertRef {
	out := make([]AlertRef, 0, min(len(alerts), maxNamed))
	for _, a := range alerts[:min(len(alerts), maxNamed)] {
		get := func(name model.LabelName) string { return string(a.Labels[name]) }
		out = append(out, AlertRef{
			Fingerprint: a.Fingerprint().String(), Name: a.Name(), Status: string(a.Status()),
			Model: get("model"), Host: get("host"), Severity: get("severity"),
		})
	}
	return out
}

// Notifications lists up to limit records, the newest first; 0 lists all.
func (n *Notifier) Notifications(limit int) []Record { return n.records.newest(limit) }

// recorded is an integration whose notifications are written down and whose
// errors carry no secrets.
type recorded struct {
	n        *Notifier
	inner    amnotify.Integration
	receiver string
	target   string
	tmpl     *template.Template
	hidden   secrets

	mu   sync.Mutex
	open map[string]*Record // by group: what is being tried
}

func (r *recorded) integration() amnotify.Integration {
	return amnotify.NewIntegration(r, &r.inner, r.inner.Name(), r.inner.Index(), r.receiver)
}

// Notify implements Alertmanager's Notifier; it is called once for each try.
func (r *recorded) Notify(ctx context.Context, alerts ...*alert.Alert) (bool, error) {
	group, _ := amnotify.GroupKey(ctx)
	rec := r.begin(ctx, group, alerts)
	if rec.Tries == 1 {
		r.doubt(ctx, group)
	}
	began := time.Now()
	retry, err := r.inner.Notify(ctx, alerts...)
	err = r.hidden.clean(err)
	rec.Updated, rec.Duration = time.Now().UnixMilli(), time.Since(began).Milliseconds()
	rec.Result, rec.Error = ResultSent, ""
	if err != nil {
		rec.Result, rec.Error = ResultFailed, short(err.Error())
		if retry {
			rec.Result = ResultRetrying
		}
	}
	r.finish(group, rec)
	return retry, err
}

// inDoubt stands in the notification log for alerts of which nobody knows
// whether they were told. It is the hash of no alert.
const inDoubt = 0

// doubt notes, before the first message about a group, that it is being sent.
// If the process dies between sending and logging, Alertmanager finds this
// entry after the start: what fires still is told again, because it is not in
// the entry, and an end is told, because the entry is not empty. Without it
// the end of an alert that somebody was told of could be kept from them.
func (r *recorded) doubt(ctx context.Context, group string) {
	if reason, _ := amnotify.NotificationReason(ctx); reason != amnotify.ReasonFirstNotification {
		return // the log has an entry already
	}
	repeat, _ := amnotify.RepeatInterval(ctx)
	to := &nflogpb.Receiver{GroupName: r.receiver, Integration: r.inner.Name(), Idx: uint32(r.inner.Index())}
	// Not written: counted by the store, and telling people comes first.
	_ = durableLog{r.n.nflog, r.n.store}.Log(to, group, []uint64{inDoubt}, nil, nil, 2*repeat)
}

// begin finds the record of the earlier tries of this flush of the group, or
// makes one.
func (r *recorded) begin(ctx context.Context, group string, alerts []*alert.Alert) *Record {
	flush, ok := amnotify.Now(ctx)
	if !ok {
		flush = time.Now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.open[group]; rec != nil && rec.Time == flush.UnixMilli() {
		rec.Tries++
		return rec
	}
	data := amnotify.GetTemplateData(ctx, r.tmpl, alerts, r.n.log)
	title, err := r.tmpl.ExecuteTextString(`{{ template "leeway.title" . }}`, data)
	if err != nil {
		title = fmt.Sprintf("%d alerts", len(alerts))
	}
	rec := &Record{
		ID: r.n.records.take(), Time: flush.UnixMilli(), Receiver: r.receiver, Kind: r.inner.Name(),
		Target: r.target, Status: data.Status, Title: title, Reason: data.NotificationReason,
		Tries: 1, Count: len(alerts), Alerts: refsOf(alerts),
	}
	r.open[group] = rec
	return rec
}

func (r *recorded) finish(group string, rec *Record) {
	r.n.met.sent.WithLabelValues(rec.Kind, rec.Result).Inc()
	// Not synced for itself: the notification log syncs right after a success.
	_ = r.n.records.put(rec.ID, *rec, pebble.NoSync)
	if rec.Result == ResultRetrying {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[group] == rec {
		delete(r.open, group)
	}
}

// short bounds a text that comes from elsewhere.
func short(s string) string {
	const most = 500
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xC0 == 0x80 { // not inside of a character
		cut--
	}
	return s[:cut] + "…"
}

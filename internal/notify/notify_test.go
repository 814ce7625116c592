package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/encoding/protodelim"
)

// hook is a real webhook receiver.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	status int // to answer with; 0 is 200
	got    []hookMessage
	during func() // called before the answer
}

func (h *hook) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got, h.during = nil, nil
}

type hookMessage struct {
	Status   string `json:"status"`
	Receiver string `json:"receiver"`
	Alerts   []struct {
		Status string            `json:"status"`
		Labels map[string]string `json:"labels"`
	} `json:"alerts"`
}

func newHook(t *testing.T) *hook {
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m hookMessage
		err := json.NewDecoder(r.Body).Decode(&m)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.status != 0 || err != nil {
			w.WriteHeader(max(h.status, 400))
			return
		}
		h.got = append(h.got, m)
		if h.during != nil {
			h.during()
			h.during = nil
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) messages() []hookMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]hookMessage(nil), h.got...)
}

func (h *hook) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// fast is a pace for tests; what repeats does so only after an hour.
func fast() Routing {
	return Routing{
		CriticalWait: 10 * time.Millisecond, Wait: 10 * time.Millisecond,
		CriticalInterval: 100 * time.Millisecond, Interval: 100 * time.Millisecond,
	}
}

func (h *hook) settings() Settings {
	return Settings{Routing: fast(), Channels: []Channel{{Name: "hook", Webhook: &Webhook{URL: h.URL + "/secret-path-123"}}}}
}

func open(t *testing.T, change func(*Config)) *Notifier {
	t.Helper()
	cfg := Config{Dir: "notify", FS: vfs.NewCrashableMem(), StartDelay: -1, Registerer: prometheus.NewRegistry()}
	if change != nil {
		change(&cfg)
	}
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// firing is an alert as internal/alert hands it on.
func firing(name, severity, model string) Alert {
	now := time.Now().UnixMilli()
	return Alert{
		Labels: map[string]string{"alertname": name, "severity": severity, "model": model, "rule": name},
		Annotations: map[string]string{
			"title": "Accuracy is low", "title_zh": "准确率过低", "value": "0.87",
			"limit_text": "below 0.9", "limit_text_zh": "低于 0.9", "summary_zh": model + " 的准确率为 0.87，低于 0.9",
		},
		StartsAt: now, EndsAt: now + 240_000,
	}
}

func ended(a Alert) Alert {
	a.EndsAt = time.Now().UnixMilli()
	return a
}

func put(t *testing.T, n *Notifier, alerts ...Alert) {
	t.Helper()
	if err := n.Put(context.Background(), alerts...); err != nil {
		t.Fatal(err)
	}
}

func TestWebhookIsToldTheBeginningAndTheEnd(t *testing.T) {
	h := newHook(t)
	n := open(t, func(c *Config) { c.Settings = h.settings() })
	a := firing("accuracy_low", "critical", "fraud")
	put(t, n, a)
	eventually(t, "the webhook is called", func() bool { return len(h.messages()) == 1 })
	put(t, n, ended(a))
	eventually(t, "the end is told", func() bool { return len(h.messages()) == 2 })
	m := h.messages()
	if m[0].Status != "firing" || m[1].Status != "resolved" || m[0].Alerts[0].Labels["model"] != "fraud" {
		t.Fatalf("%+v", m)
	}
	eventually(t, "the inbox has both", func() bool { return len(n.Inbox(0)) == 2 })
	if in := n.Inbox(0); in[1].Title != "🚨 fraud: Accuracy is low (0.87, below 0.9)" || in[0].Title != "✅ fraud: resolved: Accuracy is low" {
		t.Errorf("titles %q and %q", in[1].Title, in[0].Title)
	}
	eventually(t, "four records", func() bool { return len(n.Notifications(0)) == 4 })
	for _, r := range n.Notifications(0) {
		if r.Result != ResultSent || r.Tries != 1 || r.Count != 1 || r.Alerts[0].Model != "fraud" {
			t.Errorf("record %+v", r)
		}
		if strings.Contains(fmt.Sprintf("%+v", r), "secret-path") {
			t.Errorf("the record holds the secret path: %+v", r)
		}
	}
}

func TestCriticalHoldsBackItsWarning(t *testing.T) {
	h := newHook(t)
	n := open(t, func(c *Config) { c.Settings = h.settings() })
	put(t, n, firing("slow", "critical", "a"), firing("slow", "warning", "a"), firing("slow", "warning", "b"))
	eventually(t, "two messages", func() bool { return len(h.messages()) >= 2 })
	eventually(t, "two in the inbox", func() bool { return len(n.Inbox(0)) == 2 })
	for _, m := range h.messages() {
		for _, a := range m.Alerts {
			if a.Labels["model"] == "a" && a.Labels["severity"] == "warning" {
				t.Errorf("the warning was sent beside its critical alert")
			}
		}
	}
}

func TestSilencesAndNotificationLogSurviveAPowerCut(t *testing.T) {
	h := newHook(t)
	disk := vfs.NewCrashableMem()
	n := open(t, func(c *Config) { c.Settings = h.settings(); c.FS = disk })
	a := firing("accuracy_low", "critical", "fraud")
	put(t, n, a)
	eventually(t, "the webhook is called", func() bool { return len(h.messages()) == 1 })
	eventually(t, "both receivers are logged", func() bool { return certain(t, n) == 2 })

	id := silenceModel(t, n, "churn")
	disk = disk.CrashClone(vfs.CrashCloneCfg{}) // n is never closed before
	n.Close()

	n = open(t, func(c *Config) { c.Settings = h.settings(); c.FS = disk })
	if got := getAPI(t, n, "/silences"); !strings.Contains(got, id) || !strings.Contains(got, `"active"`) {
		t.Fatalf("the silence is gone: %s", got)
	}
	put(t, n, a, firing("accuracy_low", "critical", "churn"))
	put(t, n, firing("accuracy_low", "critical", "other"))
	eventually(t, "the other model is told", func() bool { return len(h.messages()) >= 2 })
	put(t, n, ended(a))
	eventually(t, "the end is told", func() bool { return len(h.messages()) >= 3 })
	m := h.messages()
	if len(m) != 3 || m[1].Alerts[0].Labels["model"] != "other" || m[2].Status != "resolved" {
		t.Fatalf("messages after the cut: %+v", m[1:])
	}
	eventually(t, "three messages in the inbox", func() bool { return len(n.Inbox(0)) == 3 })
}

// certain counts the entries of the notification log on disk that are past
// all doubt.
func certain(t *testing.T, n *Notifier) (found int) {
	t.Helper()
	err := n.store.each(prefixNflog, func(_, v []byte) error {
		var e nflogpb.MeshEntry
		if err := protodelim.UnmarshalFrom(bytes.NewReader(v), &e); err != nil {
			return err
		}
		if f := e.Entry.FiringAlerts; len(f) > 0 && f[0] != inDoubt {
			found++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// silenceModel makes a silence through API v2, as amtool does.
func silenceModel(t *testing.T, n *Notifier, model string) string {
	t.Helper()
	now := time.Now().UTC()
	body := fmt.Sprintf(`{"matchers":[{"name":"model","value":%q,"isRegex":false,"isEqual":true}],
		"startsAt":%q,"endsAt":%q,"createdBy":"ana","comment":"known"}`,
		model, now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	r := httptest.NewRequest("POST", "/alertmanager/api/v2/silences", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	n.Handler().ServeHTTP(w, r)
	var out struct{ SilenceID string }
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || out.SilenceID == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return out.SilenceID
}

func getAPI(t *testing.T, n *Notifier, path string) string {
	t.Helper()
	w := httptest.NewRecorder()
	n.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/alertmanager/api/v2"+path, nil))
	if w.Code != 200 {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func TestAPIShowsAlertsAndGroups(t *testing.T) {
	n := open(t, func(c *Config) { c.Settings.Routing = fast() })
	a := firing("accuracy_low", "critical", "fraud")
	put(t, n, a)
	eventually(t, "the alert is shown", func() bool { return strings.Contains(getAPI(t, n, "/alerts"), `"fraud"`) })
	eventually(t, "the group is shown", func() bool { return strings.Contains(getAPI(t, n, "/alerts/groups"), `"inbox"`) })
	if got := getAPI(t, n, "/status"); !strings.Contains(got, "inhibit_rules") {
		t.Errorf("status: %s", got)
	}
	w := httptest.NewRecorder()
	n.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/alertmanager/-/ready", nil))
	if w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("ready: %d %v", w.Code, w.Header())
	}
}

func TestReloadIsAllOrNothing(t *testing.T) {
	h := newHook(t)
	n := open(t, func(c *Config) { c.Settings = h.settings() })
	for name, s := range map[string]Settings{
		"no such template": {Alertmanager: "route: {receiver: a}\nreceivers: [{name: a}]\ntemplates: ['[']\n"},
		"bad yaml":         {Alertmanager: "route: ["},
		"unknown receiver": {Alertmanager: "route: {receiver: b}\nreceivers: [{name: a}]\n"},
		"bad CA":           {Channels: []Channel{{Name: "x", Webhook: &Webhook{URL: "https://h/", CAFile: "/no/such"}}}},
		"two forms":        {Alertmanager: "route: {receiver: a}\nreceivers: [{name: a}]\n", Channels: h.settings().Channels},
		"language":         {Language: "xx"},
	} {
		if err := n.Reload(s); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	put(t, n, firing("accuracy_low", "critical", "fraud"))
	eventually(t, "the old settings work", func() bool { return len(h.messages()) == 1 })

	other := newHook(t)
	own := fmt.Sprintf(`
route: {receiver: mine, group_by: [model], group_wait: 10ms, group_interval: 100ms, repeat_interval: 1h}
receivers:
- name: mine
  webhook_configs: [{url: %q}]
`, other.URL)
	if err := n.Reload(Settings{Alertmanager: own}); err != nil {
		t.Fatal(err)
	}
	put(t, n, firing("accuracy_low", "critical", "next"))
	eventually(t, "the new receiver gets both", func() bool { return len(other.messages()) == 2 })
	if len(h.messages()) != 1 {
		t.Errorf("the old receiver got %d messages", len(h.messages()))
	}
	if r := n.Receivers(); len(r) != 1 || r[0].Channels[0].Kind != "webhook" || r[0].Channels[0].Target != strings.TrimPrefix(other.URL, "http://") {
		t.Errorf("receivers: %+v", r)
	}
}

// logs gathers what is logged.
type logs struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestFailuresAreTriedAgainAndHideSecrets(t *testing.T) {
	h := newHook(t)
	h.answer(http.StatusServiceUnavailable)
	var out logs
	n := open(t, func(c *Config) {
		c.Settings = h.settings()
		c.Settings.Channels = append(c.Settings.Channels,
			Channel{Name: "dead", Webhook: &Webhook{URL: "http://127.0.0.1:1/hook/token-456", BearerToken: "bearer-789"}})
		c.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	put(t, n, firing("accuracy_low", "critical", "fraud"))
	find := func(receiver string) Record {
		for _, r := range n.Notifications(0) {
			if r.Receiver == receiver {
				return r
			}
		}
		return Record{}
	}
	eventually(t, "two tries failed", func() bool { r := find("hook"); return r.Tries >= 2 && r.Result == ResultRetrying })
	eventually(t, "the dead one failed", func() bool { return find("dead").Error != "" })
	h.answer(0)
	eventually(t, "it was sent in the end", func() bool { r := find("hook"); return r.Result == ResultSent && r.Tries >= 3 })
	err := n.Test(context.Background(), "dead")
	if err == nil {
		t.Error("the test of a dead channel went well")
	}
	n.Close()
	for _, secret := range []string{"secret-path-123", "token-456", "bearer-789"} {
		for where, text := range map[string]string{"log": out.String(), "records": fmt.Sprintf("%+v", n.Notifications(0)), "error": fmt.Sprint(err)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", where, secret)
			}
		}
	}
	bad := n.build
	_, err = bad(Settings{Alertmanager: "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'ftp://h/token-456', nope: 1}]}]"})
	if err == nil || strings.Contains(err.Error(), "token-456") {
		t.Errorf("error: %v", err)
	}
}

func TestGuardIsAskedForWebhooks(t *testing.T) {
	h := newHook(t)
	n := open(t, func(c *Config) {
		c.Settings = h.settings()
		c.Guard = func(_, address string, _ syscall.RawConn) error { return fmt.Errorf("%s is forbidden", address) }
	})
	err := n.Test(context.Background(), "hook")
	if err == nil || !strings.Contains(err.Error(), "is forbidden") || len(h.messages()) != 0 {
		t.Errorf("%v", err)
	}
	if err := n.Test(context.Background(), "nobody"); err == nil {
		t.Error("a receiver that is not there was tested")
	}
}

func TestMessagesInChinese(t *testing.T) {
	n := open(t, func(c *Config) {
		c.ExternalURL = "https://leeway.example/"
		c.Settings = Settings{Routing: fast(), Language: "zh", Location: time.FixedZone("CST", 8*3600)}
	})
	a := firing("accuracy_low", "critical", "fraud")
	a.StartsAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli()
	put(t, n, a)
	eventually(t, "the message is there", func() bool { return len(n.Inbox(0)) == 1 })
	m := n.Inbox(0)[0]
	if m.Title != "🚨 fraud：准确率过低（0.87，低于 0.9）" {
		t.Errorf("title %q", m.Title)
	}
	for _, want := range []string{"🚨 准确率过低\n", "fraud 的准确率为 0.87，低于 0.9", "开始时间：2026-01-02 11:04:05 CST",
		"https://leeway.example/alerts/" + m.Alerts[0].Fingerprint} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("%q is not in\n%s", want, m.Text)
		}
	}
}

func TestInboxAndRecordsAreBounded(t *testing.T) {
	disk := vfs.NewCrashableMem()
	small := func(c *Config) { c.MaxInbox, c.MaxRecords, c.FS = 3, 3, disk }
	n := open(t, small)
	for range 10 {
		if err := n.Test(context.Background(), InboxName); err != nil {
			t.Fatal(err)
		}
	}
	last := n.Inbox(1)[0].ID
	if len(n.Inbox(0)) != 3 || len(n.Notifications(0)) != 3 {
		t.Fatalf("%d messages, %d records", len(n.Inbox(0)), len(n.Notifications(0)))
	}
	n.Close()
	n = open(t, small)
	if in := n.Inbox(0); len(in) != 3 || in[0].ID != last {
		t.Fatalf("after a start: %+v", in)
	}
}

func TestInvalidAlertsAreNamedAndTheRestIsTaken(t *testing.T) {
	n := open(t, func(c *Config) { c.Settings.Routing = fast() })
	err := n.Put(context.Background(), Alert{StartsAt: 1}, firing("a", "critical", "m"))
	if err == nil {
		t.Error("an alert without labels was taken")
	}
	eventually(t, "the other is told", func() bool { return len(n.Inbox(0)) == 1 })
}

func TestTooLargeRequestsAreRefused(t *testing.T) {
	n := open(t, nil)
	r := httptest.NewRequest("POST", "/alertmanager/api/v2/alerts", io.LimitReader(spaces{}, maxBodyBytes+10))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	n.Handler().ServeHTTP(w, r)
	if w.Code < 400 || w.Code >= 500 {
		t.Errorf("status %d", w.Code)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Each channel gets the severities it asks for, and no other.
func TestSeveritiesOfChannels(t *testing.T) {
	all, critical, warning := newHook(t), newHook(t), newHook(t)
	n := open(t, func(c *Config) {
		c.Settings = Settings{Routing: fast(), Channels: []Channel{
			{Name: "all", Webhook: &Webhook{URL: all.URL}},
			{Name: "critical", Severity: "critical", Webhook: &Webhook{URL: critical.URL}},
			{Name: "warning", Severity: "warning", Webhook: &Webhook{URL: warning.URL}},
		}}
	})
	put(t, n, firing("low", "critical", "a"), firing("slow", "warning", "b"))
	eventually(t, "everybody is told", func() bool {
		return len(all.messages()) == 2 && len(critical.messages()) == 1 && len(warning.messages()) == 1
	})
	eventually(t, "both are in the inbox", func() bool { return len(n.Inbox(0)) == 2 })
	if got := critical.messages()[0].Alerts[0].Labels["severity"]; got != "critical" {
		t.Errorf("the channel for critical alerts got one of severity %s", got)
	}
	if got := warning.messages()[0].Alerts[0].Labels["severity"]; got != "warning" {
		t.Errorf("the channel for warnings got one of severity %s", got)
	}
	if err := (Settings{Channels: []Channel{{Name: "x", Severity: "info", Webhook: &Webhook{URL: all.URL}}}}).Validate(); err == nil {
		t.Error("a severity that does not exist was taken")
	}
}

func TestSilenced(t *testing.T) {
	n := open(t, nil)
	churn := firing("accuracy_low", "critical", "churn").Labels
	if n.Silenced(churn) {
		t.Error("silenced by nobody")
	}
	id := silenceModel(t, n, "churn")
	if !n.Silenced(churn) || !n.Silenced(map[string]string{"model": "churn", "segment": ""}) {
		t.Error("the silence is not seen")
	}
	if n.Silenced(firing("accuracy_low", "critical", "fraud").Labels) || n.Silenced(nil) {
		t.Error("it silences what it does not match")
	}
	if err := n.silences.Expire(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if n.Silenced(churn) {
		t.Error("a silence that is over still counts")
	}
}

package notify

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/config"
	"gopkg.in/yaml.v3"
)

// InboxName is the receiver whose messages are kept here.
const InboxName = "inbox"

// Channel is one way to people in the short form: exactly one of Webhook and
// Email is set.
type Channel struct {
	Name string `json:"name" yaml:"name"`
	// Severity "critical" sends only critical alerts, "warning" only the
	// others; empty sends all.
	Severity string   `json:"severity,omitempty" yaml:"severity,omitempty"`
	Quiet    bool     `json:"quiet,omitempty" yaml:"quiet,omitempty"` // do not tell the end of an alert
	Webhook  *Webhook `json:"webhook,omitempty" yaml:"webhook,omitempty"`
	Email    *Email   `json:"email,omitempty" yaml:"email,omitempty"`
}

// Webhook is called with Alertmanager's JSON, version 4.
type Webhook struct {
	URL         string `json:"url" yaml:"url"`                                       // a secret: many carry a token
	BearerToken string `json:"bearer_token,omitempty" yaml:"bearer_token,omitempty"` // a secret
	CAFile      string `json:"ca_file,omitempty" yaml:"ca_file,omitempty"`
}

// Email is sent over SMTP.
type Email struct {
	To       []string `json:"to" yaml:"to"`
	From     string   `json:"from" yaml:"from"`
	Server   string   `json:"server" yaml:"server"` // host:port
	Username string   `json:"username,omitempty" yaml:"username,omitempty"`
	Password string   `json:"password,omitempty" yaml:"password,omitempty"` // a secret
	// TLS is starttls (the default: refused where the server lacks it), tls
	// (from the first byte), or none.
	TLS    string `json:"tls,omitempty" yaml:"tls,omitempty"`
	CAFile string `json:"ca_file,omitempty" yaml:"ca_file,omitempty"`
}

var channelName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}_.\- ]{0,63}$`)

// Validate reports every problem of the settings. Texts of secrets are not in
// the error.
func (s Settings) Validate() error {
	_, err := s.load()
	return err
}

// load makes Alertmanager's configuration of the settings.
func (s Settings) load() (*config.Config, error) {
	s = s.withDefaults()
	var errs []error
	if s.Language != "en" && s.Language != "zh" {
		errs = append(errs, fmt.Errorf("language %q is neither en nor zh", s.Language))
	}
	text := s.Alertmanager
	if text == "" {
		errs = append(errs, s.checkChannels()...)
		b, err := yaml.Marshal(s.build())
		if err != nil {
			errs = append(errs, err)
		}
		text = string(b)
	} else if len(s.Channels) > 0 {
		errs = append(errs, errors.New("channels and a whole alertmanager section exclude each other"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	conf, err := config.Load(text)
	if err != nil {
		return nil, secretsOfText(text).clean(err)
	}
	return conf, nil
}

func (s Settings) checkChannels() []error {
	var errs []error
	seen := map[string]bool{InboxName: true}
	for i, c := range s.Channels {
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("channels[%d] %q: %s", i, c.Name, fmt.Sprintf(format, args...)))
		}
		if !channelName.MatchString(c.Name) {
			bad("the name must be 1 to 64 letters, digits, spaces, '_', '-' or '.'")
		}
		if seen[c.Name] {
			bad("the name is taken")
		}
		seen[c.Name] = true
		if c.Severity != "" && c.Severity != "critical" && c.Severity != "warning" {
			bad("severity is %q, not critical, warning or empty", c.Severity)
		}
		switch {
		case (c.Webhook == nil) == (c.Email == nil):
			bad("needs exactly one of webhook and email")
		case c.Webhook != nil:
			c.Webhook.check(bad)
		default:
			c.Email.check(bad)
		}
	}
	return errs
}

func (w *Webhook) check(bad func(string, ...any)) {
	u, err := url.Parse(w.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		bad("webhook.url is not an http or https URL")
	}
}

func (e *Email) check(bad func(string, ...any)) {
	if len(e.To) == 0 {
		bad("email.to is missing")
	}
	for _, to := range e.To {
		if _, err := mail.ParseAddress(to); err != nil {
			bad("email.to %q is not an address", to)
		}
	}
	if _, err := mail.ParseAddress(e.From); err != nil {
		bad("email.from %q is not an address", e.From)
	}
	if host, port, ok := strings.Cut(e.Server, ":"); !ok || host == "" || port == "" {
		bad("email.server %q is not host:port", e.Server)
	}
	switch e.TLS {
	case "", "starttls", "tls", "none":
	default:
		bad("email.tls is %q, not starttls, tls or none", e.TLS)
	}
}

// doc is a piece of a YAML document.
type doc = map[string]any

// build writes the configuration that the channels stand for. It is made as
// YAML, not as Alertmanager's structs, because those fill in their defaults
// and check themselves while they are read.
func (s Settings) build() doc {
	receivers := []doc{{"name": InboxName}}
	var routes []doc
	for _, c := range s.Channels {
		receivers = append(receivers, c.receiver())
		if c.Severity != "warning" {
			routes = append(routes, s.route(c.Name, true))
		}
		if c.Severity != "critical" {
			routes = append(routes, s.route(c.Name, false))
		}
	}
	routes = append(routes, s.route(InboxName, true), s.route(InboxName, false))
	root := s.route(InboxName, false)
	delete(root, "matchers")
	delete(root, "continue")
	root["routes"] = routes
	return doc{"route": root, "receivers": receivers, "inhibit_rules": inhibitions()}
}

// route sends critical alerts, or all others, to a receiver.
func (s Settings) route(receiver string, critical bool) doc {
	r := s.Routing
	matcher, wait, interval, repeat := `severity!="critical"`, r.Wait, r.Interval, r.Repeat
	if critical {
		matcher, wait, interval, repeat = `severity="critical"`, r.CriticalWait, r.CriticalInterval, r.CriticalRepeat
	}
	return doc{
		"receiver": receiver, "matchers": []string{matcher}, "continue": true,
		// Alerts of machines have no model, so the host keeps those apart.
		"group_by":   []string{"model", "host"},
		"group_wait": text(wait), "group_interval": text(interval), "repeat_interval": text(repeat),
	}
}

// text writes a duration as Prometheus reads it.
func text(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// inhibitions hold back the warning while the critical alert of the same rule
// and the same thing fires. A label that both lack counts as equal.
func inhibitions() []doc {
	return []doc{{
		"source_matchers": []string{`severity="critical"`},
		"target_matchers": []string{`severity="warning"`},
		"equal": []string{"alertname", "rule", "metric", "model", "version", "segment", "feature",
			"host", "instance", "device", "mountpoint", "interface", "probe", "target"},
	}}
}

func (c Channel) receiver() doc {
	if c.Webhook != nil {
		client := doc{}
		if c.Webhook.BearerToken != "" {
			client["authorization"] = doc{"credentials": c.Webhook.BearerToken}
		}
		if c.Webhook.CAFile != "" {
			client["tls_config"] = doc{"ca_file": c.Webhook.CAFile}
		}
		hook := doc{"url": c.Webhook.URL, "send_resolved": !c.Quiet, "timeout": text(sendTimeout)}
		if len(client) > 0 {
			hook["http_config"] = client
		}
		return doc{"name": c.Name, "webhook_configs": []doc{hook}}
	}
	e := c.Email
	m := doc{
		"to": strings.Join(e.To, ", "), "from": e.From, "smarthost": e.Server, "send_resolved": !c.Quiet,
		"require_tls": e.TLS != "none", "force_implicit_tls": e.TLS == "tls",
		"headers": doc{"Subject": `{{ template "leeway.title" . }}`},
		"text":    `{{ template "leeway.text" . }}`, "html": `{{ template "leeway.html" . }}`,
	}
	if e.Username != "" {
		m["auth_username"], m["auth_password"] = e.Username, e.Password
	}
	if e.CAFile != "" {
		m["tls_config"] = doc{"ca_file": e.CAFile}
	}
	return doc{"name": c.Name, "email_configs": []doc{m}}
}

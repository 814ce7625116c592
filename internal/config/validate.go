package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/host"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// validate reports what is wrong with values that have the right kind. What
// only one package can judge (routes) is left to that package.
func (c *Config) validate(d *decoder) {
	c.validateServer(d)
	c.validateAccess(d)
	c.Queue.validate(d)
	c.Ingest.validate(d)
	c.Inference.validate(d)
	c.OTLP.validate(d)
	c.validateHistory(d)
	c.Drift.validate(d)
	d.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	d.oneOf("log.format", c.Log.Format, "text", "json")
	c.Host.validate(d)
	d.atLeast("gpu.interval", c.GPU.Interval, time.Second)
	c.Logs.validate(d)
	for name, m := range c.Models {
		m.validate(d, at{path: "models"}.key(name))
	}
	c.validateRules(d)
	c.Alerting.validate(d)
	if !c.Alertmanager.IsZero() && len(c.Alerting.Channels) > 0 {
		d.semantic("alertmanager", "this replaces alerting.channels: give one of the two")
	}
}

func (c *Config) validateServer(d *decoder) {
	if _, port, err := net.SplitHostPort(c.Listen); err != nil {
		d.semantic("listen", "%q is not an address such as 127.0.0.1:7420", c.Listen)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		d.semantic("listen", "the port %q is not a number from 0 to 65535", port)
	}
	if c.Data == "" {
		d.semantic("data", "the folder for the data cannot be empty")
	}
	if c.ExternalURL != "" {
		d.isURL("external_url", c.ExternalURL)
	}
	if p := c.PathPrefix; p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || strings.ContainsAny(p, "?#% \"'<>") || strings.Contains(p, "//")) {
		d.semantic("path_prefix", "%q is not a path such as /monitor", p)
	}
	d.isZone("time_zone", c.TimeZone)
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		d.semantic("tls", "cert_file and key_file go together")
	}
	d.exists("tls.cert_file", c.TLS.CertFile)
	d.exists("tls.key_file", c.TLS.KeyFile)
}

func (c *Config) validateAccess(d *decoder) {
	d.oneOf("access.open", c.Access.Open, string(access.OpenAuto), string(access.OpenAlways), string(access.OpenNever))
	each := func(key string, values []string, check func(string) error) {
		for i, v := range values {
			if err := check(v); err != nil {
				d.semantic(fmt.Sprintf("access.%s[%d]", key, i), "%s", err)
			}
		}
	}
	each("allowed_hosts", c.Access.AllowedHosts, func(h string) error {
		return first(access.Config{AllowedHosts: []string{h}}.WithDefaults().Validate())
	})
	each("allowed_origins", c.Access.AllowedOrigins, func(o string) error {
		return first(access.Config{AllowedOrigins: []string{o}}.WithDefaults().Validate())
	})
	each("outgoing_allow", c.Access.OutgoingAllow, func(a string) error {
		_, err := access.NewOutgoing([]string{a}, nil)
		return err
	})
}

func first(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

func (q Queue) validate(d *decoder) {
	d.between("queue.partitions", q.Partitions, 0, 1024)
	d.atLeast("queue.retention", q.Retention, 0)
	if q.SegmentBytes < 1<<20 {
		d.semantic("queue.segment_bytes", "a segment is at least 1MiB")
	}
	if q.MaxRecordBytes < 1<<20 { // small batches share one
		d.semantic("queue.max_record_bytes", "a record is at least 1MiB")
	}
	if q.MaxBytes != 0 && q.MaxBytes < q.SegmentBytes {
		d.semantic("queue.max_bytes", "%s is less than one segment (%s)", FormatSize(q.MaxBytes), FormatSize(q.SegmentBytes))
	}
	if q.MaxBytes != 0 && q.RetentionBytes > q.MaxBytes {
		d.semantic("queue.retention_bytes", "%s is more than max_bytes (%s)", FormatSize(q.RetentionBytes), FormatSize(q.MaxBytes))
	}
}

func (i Ingest) validate(d *decoder) {
	if i.MaxBodyBytes < 1<<10 || i.MaxBodyBytes > 1<<30 {
		d.semantic("ingest.max_body_bytes", "%s is not between 1KiB and 1GiB", FormatSize(i.MaxBodyBytes))
	}
	d.between("ingest.max_rows", i.MaxRows, 1, 10_000_000)
	d.between("ingest.max_models", i.MaxModels, 1, 100_000)
	d.between("ingest.max_features", i.MaxFeatures, 1, 100_000)
	if i.RateLimit < 0 {
		d.semantic("ingest.rate_limit", "rows a second cannot be negative; 0 is no limit")
	}
	if i.MaxStringBytes < 16 || i.MaxStringBytes > i.MaxBodyBytes {
		d.semantic("ingest.max_string_bytes", "%s is not between 16 bytes and max_body_bytes", FormatSize(i.MaxStringBytes))
	}
	d.atLeast("ingest.future_limit", i.FutureLimit, 0)
	d.atLeast("ingest.late_after", i.LateAfter, time.Minute)
}

func (i Inference) validate(d *decoder) {
	if p := i.Path; p != "" && (!strings.HasPrefix(p, "/") || strings.ContainsAny(p, "{}?#% \"'<>") || strings.Contains(p, "//")) {
		d.semantic("inference.path", "%q is not a path such as /api/v1/cloudevents", p)
	} else if taken := strings.SplitN(p, "/", 3); p != "" && p != "/api/v1/cloudevents" && slices.Contains([]string{"api", "prometheus", "alertmanager", "-", "metrics"}, taken[1]) {
		d.semantic("inference.path", "%q is among the server's own paths", p)
	}
	d.atLeast("inference.wait", i.Wait, time.Second)
	if i.MaxWaitingBytes < 1<<20 {
		d.semantic("inference.max_waiting_bytes", "%s is less than 1MiB", FormatSize(i.MaxWaitingBytes))
	}
	if i.MaxQueueBytes < 64<<20 {
		d.semantic("inference.max_queue_bytes", "%s is less than 64MiB", FormatSize(i.MaxQueueBytes))
	}
}

func (c *Config) validateHistory(d *decoder) {
	d.atLeast("join.horizon", c.Join.Horizon, time.Minute)
	if m := c.Join.MemoryBytes; m != 0 && m < 1<<20 {
		d.semantic("join.memory_bytes", "%s is less than 1MiB; 0 is a quarter of the machine", FormatSize(m))
	}
	r := c.Retention
	d.atLeast("retention.profiles", r.Profiles, time.Hour)
	d.atLeast("retention.minute_profiles", r.MinuteProfiles, time.Hour)
	d.atLeast("retention.samples", r.Samples, 24*time.Hour)
	d.atLeast("retention.series", r.Series, 2*time.Hour)
	d.atLeast("retention.logs", r.Logs, time.Hour)
	if r.MinuteProfiles > r.Profiles {
		d.semantic("retention.minute_profiles", "minutes (%s) cannot be kept longer than hours (retention.profiles, %s)",
			FormatDuration(r.MinuteProfiles), FormatDuration(r.Profiles))
	}
	for key, n := range map[string]int64{"series_bytes": r.SeriesBytes, "logs_bytes": r.LogsBytes} {
		if n != 0 && n < 1<<20 {
			d.semantic("retention."+key, "%s is less than 1MiB", FormatSize(n))
		}
	}
}

func (h Host) validate(d *decoder) {
	d.atLeast("host.interval", h.Interval, time.Second)
	d.between("host.max_sets", h.MaxSets, 1, 10_000)
	for i, part := range h.Collectors {
		d.oneOf(fmt.Sprintf("host.collectors[%d]", i), part, host.Parts()...)
	}
	seen := map[string]bool{}
	for i, p := range h.Processes {
		at := fmt.Sprintf("host.processes[%d]", i)
		if p.Name == "" || seen[p.Name] {
			d.semantic(at, "each entry has a name of its own")
		}
		seen[p.Name] = true
		if _, err := regexp.Compile(p.Match); err != nil {
			d.semantic(at+".match", "%s", err)
		}
	}
	if len(h.Processes) > 100 {
		d.semantic("host.processes", "%d entries are more than 100", len(h.Processes))
	}
}

func (x Drift) validate(d *decoder) {
	if !slices.Contains(measure.Methods(), x.Method) {
		d.semantic("drift.method", "%q is no method; it is one of %s", x.Method, strings.Join(measure.Methods(), ", "))
	}
	// The limits of NannyML's preset belong to a reference, which the API cuts
	// for each question.
	if x.Preset != measure.PresetLeeway && x.Preset != measure.PresetEvidently {
		d.semantic("drift.preset", "%q is neither leeway nor evidently", x.Preset)
	}
	if !(x.PSILimit > 0) {
		d.semantic("drift.psi_limit", "the limit must be above 0; usual ones are 0.1 and 0.25")
	}
	if !(x.Significance > 0 && x.Significance < 1) {
		d.semantic("drift.significance", "%v is not between 0 and 1; a usual one is 0.01", x.Significance)
	}
}

func (m Model) validate(d *decoder, a at) {
	if strings.TrimSpace(strings.TrimPrefix(a.path, "models")) == "" {
		d.semantic(a.path, "a model has a name")
	}
	if m.Task != "" {
		d.oneOf(a.key("task").path, m.Task, "binary", "multiclass", "regression", "ranking")
	}
	if m.Threshold != nil && !(*m.Threshold > 0 && *m.Threshold < 1) {
		d.semantic(a.key("threshold").path, "%v is not between 0 and 1", *m.Threshold)
	}
	if m.PositiveClass != "" && m.Task != "" && m.Task != "binary" {
		d.semantic(a.key("positive_class").path, "only a binary model has a positive class")
	}
	if m.TimeZone != "" {
		d.isZone(a.key("time_zone").path, m.TimeZone)
	}
	for i, s := range m.Segments {
		if s == "" || slices.Contains(m.Segments[:i], s) {
			d.semantic(a.key("segments").index(i).path, "the segment field %q is empty or stands twice", s)
		}
	}
	for name, f := range m.Features {
		if f.Kind != "" {
			d.oneOf(a.key("features").key(name).key("kind").path, f.Kind, "numeric", "categorical")
		}
	}
}

func (c *Config) validateRules(d *decoder) {
	names := map[string]int{}
	for i, r := range c.Rules {
		a := at{path: "rules"}.index(i)
		if other, twice := names[r.Name]; twice && r.Name != "" {
			d.semantic(a.key("name").path, "rule %d has the name %q already", other+1, r.Name)
		}
		names[r.Name] = i
		r.validate(d, a)
	}
	for i, pattern := range c.RuleFiles {
		a := at{path: "rule_files"}.index(i)
		if _, err := filepath.Match(pattern, ""); err != nil {
			d.semantic(a.path, "%q is not a file name or a pattern such as rules/*.yml", pattern)
		} else if !strings.ContainsAny(pattern, "*?[") {
			d.exists(a.path, pattern)
		}
	}
}

func (r Rule) validate(d *decoder, a at) {
	if r.Name == "" {
		d.semantic(a.key("name").path, "a rule has a name")
	}
	if _, known := catalogue.Get(r.Metric); !known {
		d.semantic(a.key("metric").path, "%q is not a metric of the catalogue (docs/metrics.md)", r.Metric)
	}
	d.oneOf(a.key("operator").path, r.Operator, "gt", "ge", "lt", "le", "eq", "ne")
	if r.Warning == nil && r.Critical == nil {
		d.semantic(a.path, "a rule has a limit: warning, critical, or both")
	}
	if r.Warning != nil && r.Critical != nil {
		above, below := r.Operator == "gt" || r.Operator == "ge", r.Operator == "lt" || r.Operator == "le"
		if (above && *r.Warning > *r.Critical) || (below && *r.Warning < *r.Critical) {
			d.semantic(a.key("warning").path, "with %s %v, the warning would come after the critical alert at %v", r.Operator, *r.Warning, *r.Critical)
		}
	}
	if r.MinSamples < 0 {
		d.semantic(a.key("min_samples").path, "a number of samples cannot be negative")
	}
	if r.Runbook != "" {
		d.isURL(a.key("runbook").path, r.Runbook)
	}
}

func (x Alerting) validate(d *decoder) {
	d.atLeast("alerting.interval", x.Interval, 100*time.Millisecond)
	d.atLeast("alerting.host_interval", x.HostInterval, time.Second)
	d.oneOf("alerting.language", x.Language, "en", "zh")
	names := map[string]bool{}
	for i, ch := range x.Channels {
		a := at{path: "alerting.channels"}.index(i)
		if ch.Name == "" {
			d.semantic(a.key("name").path, "a channel has a name")
		} else if names[ch.Name] {
			d.semantic(a.key("name").path, "there is a channel of the name %q already", ch.Name)
		}
		names[ch.Name] = true
		ch.validate(d, a)
	}
}

func (ch Channel) validate(d *decoder, a at) {
	if ch.Language != "" {
		d.oneOf(a.key("language").path, ch.Language, "en", "zh")
	}
	for i, s := range ch.Severities {
		d.oneOf(a.key("severities").index(i).path, s, "warning", "critical")
	}
	switch ch.Type {
	case "webhook":
		if u, err := url.Parse(ch.URL.Reveal()); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			d.semantic(a.key("url").path, "a webhook has a url or url_file with an http or https address")
		}
	case "email":
		ch.validateEmail(d, a)
	default:
		d.oneOf(a.key("type").path, ch.Type, "webhook", "email")
	}
}

func (ch Channel) validateEmail(d *decoder, a at) {
	if len(ch.To) == 0 {
		d.semantic(a.key("to").path, "mail has at least one address to go to")
	}
	if ch.From == "" {
		d.semantic(a.key("from").path, "mail has an address that it comes from")
	}
	if _, _, err := net.SplitHostPort(ch.SMTP); err != nil {
		d.semantic(a.key("smtp").path, "%q is not a mail server such as smtp.example.com:587", ch.SMTP)
	}
	if ch.Username == "" && ch.Password != "" {
		d.semantic(a.key("username").path, "a password needs a username")
	}
}

// The checks below are shared by all sections.

func (d *decoder) oneOf(path, value string, known ...string) {
	if !slices.Contains(known, value) {
		d.semantic(path, "%q is not one of %s", value, strings.Join(known, ", "))
	}
}

func (d *decoder) atLeast(path string, value, least time.Duration) {
	if value < least {
		d.semantic(path, "%s is less than %s", FormatDuration(value), FormatDuration(least))
	}
}

func (d *decoder) between(path string, value, low, high int) {
	if value < low || value > high {
		d.semantic(path, "%d is not between %d and %d", value, low, high)
	}
}

func (d *decoder) isURL(path, value string) {
	if u, err := url.Parse(value); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		d.semantic(path, "%q is not an address such as https://leeway.example.com", value)
	}
}

func (d *decoder) isZone(path, name string) {
	if _, err := time.LoadLocation(name); err != nil || name == "" {
		d.semantic(path, "%q is not a time zone such as UTC or Asia/Shanghai", name)
	}
}

// exists reports a file that is named and missing; empty is not named.
func (d *decoder) exists(path, file string) {
	if file == "" {
		return
	}
	if info, err := os.Stat(file); err != nil {
		d.semantic(path, "%s cannot be used: %s", file, plain(err))
	} else if !info.Mode().IsRegular() {
		d.semantic(path, "%s is not a file", file)
	}
}

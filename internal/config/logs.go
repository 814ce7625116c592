package config

import (
	"crypto/tls"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/leewayhq/leeway/internal/collect/logs"
	"github.com/leewayhq/leeway/internal/process/logmetric"
)

// Logs is where log lines come from besides HTTP, and what is counted in them.
type Logs struct {
	Files   []LogFile   `yaml:"files"`
	Journal Journal     `yaml:"journal"`
	Syslog  Syslog      `yaml:"syslog"`
	Loki    LokiPush    `yaml:"loki"`
	Metrics []LogMetric `yaml:"metrics"`
}

// LogFile is a set of files that are followed and read alike.
type LogFile struct {
	Paths      []string          `yaml:"paths,path"`
	Exclude    []string          `yaml:"exclude"`
	Service    string            `yaml:"service"`
	Model      string            `yaml:"model"`
	Fields     map[string]string `yaml:"fields"`
	Beginning  bool              `yaml:"beginning"`
	Format     string            `yaml:"format"`
	Pattern    string            `yaml:"pattern"`
	TimeLayout string            `yaml:"time_layout"`
	TimeZone   string            `yaml:"time_zone"`
	Multiline  Multiline         `yaml:"multiline"`
}

// Multiline says which lines of a file belong together.
type Multiline struct {
	Start    string        `yaml:"start"`
	Stack    bool          `yaml:"stack"`
	Timeout  time.Duration `yaml:"timeout"`
	MaxLines int           `yaml:"max_lines"`
}

// Parse is how the files' lines are read; the zone was validated.
func (f *LogFile) Parse() logs.ParseConfig {
	c := logs.ParseConfig{Format: f.Format, Pattern: f.Pattern, TimeLayout: f.TimeLayout}
	if f.TimeZone != "" {
		c.Zone, _ = time.LoadLocation(f.TimeZone)
	}
	return c
}

// Join is how the files' lines are joined.
func (f *LogFile) Join() logs.JoinConfig {
	m := f.Multiline
	return logs.JoinConfig{Start: m.Start, Stack: m.Stack, Timeout: m.Timeout, MaxLines: m.MaxLines}
}

// Journal is systemd's journal.
type Journal struct {
	Enabled   bool     `yaml:"enabled"`
	Units     []string `yaml:"units"`
	Beginning bool     `yaml:"beginning"`
}

// Syslog is the addresses that take syslog; empty ones do not listen.
type Syslog struct {
	TCP         string        `yaml:"tcp"`
	UDP         string        `yaml:"udp"`
	TLS         string        `yaml:"tls"`
	CertFile    string        `yaml:"cert_file,path"`
	KeyFile     string        `yaml:"key_file,path"`
	Allow       []string      `yaml:"allow"` // networks besides this machine
	Service     string        `yaml:"service"`
	Format      string        `yaml:"format"`
	Connections int           `yaml:"connections"`
	IdleTimeout time.Duration `yaml:"idle_timeout"`
	Rate        float64       `yaml:"rate"` // lines/s of one host; 0 is no limit
}

// Listens tells whether any address is given.
func (s *Syslog) Listens() bool { return s.TCP != "" || s.UDP != "" || s.TLS != "" }

// Networks are those of Allow, which was validated.
func (s *Syslog) Networks() (out []netip.Prefix) {
	for _, text := range s.Allow {
		if p, err := network(text); err == nil {
			out = append(out, p)
		}
	}
	return out
}

func network(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// LokiPush is how lines of POST /loki/api/v1/push are read.
type LokiPush struct {
	Format string `yaml:"format"`
}

// LogMetric makes series log_… of lines.
type LogMetric struct {
	Name    string            `yaml:"name"`
	Type    string            `yaml:"type"`
	Level   string            `yaml:"level"`
	Service string            `yaml:"service"`
	Model   string            `yaml:"model"`
	Pattern string            `yaml:"pattern"`
	Match   map[string]string `yaml:"match"`
	Labels  map[string]string `yaml:"labels"`
	Value   string            `yaml:"value"`
	Buckets []float64         `yaml:"buckets"`
}

func defaultLogs() Logs {
	return Logs{
		Loki:   LokiPush{Format: "auto"},
		Syslog: Syslog{Format: "auto", Connections: 500, IdleTimeout: 15 * time.Minute},
	}
}

func (l Logs) validate(d *decoder) {
	for i := range l.Files {
		l.Files[i].validate(d, at{path: "logs.files"}.index(i))
	}
	l.Syslog.validate(d)
	d.oneOf("logs.loki.format", l.Loki.Format, "auto", "none", "json", "logfmt")
	names := map[string]bool{}
	for i, m := range l.Metrics {
		a := at{path: "logs.metrics"}.index(i)
		x := logmetric.Metric(m)
		if err := x.Validate(); err != nil {
			d.semantic(a.path, "%s", err)
		}
		if names[m.Name] {
			d.semantic(a.key("name").path, "there is a metric of the name %q already", m.Name)
		}
		names[m.Name] = true
	}
}

func (f *LogFile) validate(d *decoder, a at) {
	if len(f.Paths) == 0 {
		d.semantic(a.path, "paths are missing, such as [/var/log/app/*.log]")
	}
	for key, patterns := range map[string][]string{"paths": f.Paths, "exclude": f.Exclude} {
		for i, p := range patterns {
			if _, err := filepath.Match(p, ""); err != nil {
				d.semantic(a.key(key).index(i).path, "%q is not a pattern such as /var/log/app/*.log", p)
			}
		}
	}
	if f.TimeZone != "" {
		d.isZone(a.key("time_zone").path, f.TimeZone)
	}
	parse := f.Parse()
	if err := parse.Validate(); err != nil {
		d.semantic(a.path, "%s", err)
	}
	if err := f.Join().Validate(); err != nil {
		d.semantic(a.key("multiline").path, "%s", err)
	}
}

func (s *Syslog) validate(d *decoder) {
	for key, address := range map[string]string{"tcp": s.TCP, "udp": s.UDP, "tls": s.TLS} {
		if address == "" {
			continue
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			d.semantic("logs.syslog."+key, "%q is not an address such as 127.0.0.1:5514", address)
			continue
		}
		if a, err := netip.ParseAddr(host); (err != nil || !a.IsLoopback()) && host != "localhost" && len(s.Allow) == 0 {
			d.semantic("logs.syslog."+key, "syslog knows no passwords: an address that other machines reach needs the networks that may send, in logs.syslog.allow")
		}
	}
	for i, text := range s.Allow {
		if _, err := network(text); err != nil {
			d.semantic(at{path: "logs.syslog.allow"}.index(i).path, "%q is not a network such as 10.0.0.0/8", text)
		}
	}
	if s.TLS != "" {
		if _, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile); err != nil {
			d.semantic("logs.syslog.tls", "TLS needs cert_file and key_file: %s", err)
		}
	}
	d.oneOf("logs.syslog.format", s.Format, "auto", "none", "json", "logfmt")
	d.between("logs.syslog.connections", s.Connections, 1, 100_000)
	d.atLeast("logs.syslog.idle_timeout", s.IdleTimeout, time.Second)
	if s.Rate < 0 {
		d.semantic("logs.syslog.rate", "lines a second cannot be negative; 0 is no limit")
	}
}

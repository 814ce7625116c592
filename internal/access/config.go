package access

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// OpenMode says when a caller without a token is let in as admin.
type OpenMode string

const (
	// OpenAuto lets everybody on the machine in until the first token exists.
	OpenAuto OpenMode = "auto"
	// OpenAlways lets everybody on the machine in, tokens or not.
	OpenAlways OpenMode = "true"
	// OpenNever asks everybody for a token.
	OpenNever OpenMode = "false"
)

// Config is what the guard needs to know. The zero value after WithDefaults is
// the guard of a loopback listener.
type Config struct {
	// Listen is the address that the server listens on, host:port.
	Listen string
	// Open says when a token is not needed. It speaks of loopback callers only.
	Open OpenMode
	// InsecureOpen makes Open hold for every caller, not only loopback ones.
	InsecureOpen bool
	// AllowedHosts are further Host header names for open access:
	// "leeway.example.com", "*.example.com", with or without a port.
	AllowedHosts []string
	// AllowedOrigins are further origins whose pages may make changes:
	// "https://grafana.example.com".
	AllowedOrigins []string
	// PathPrefix is where the server's paths begin, "" or "/monitor"; the
	// cookie is limited to it.
	PathPrefix string
	// SecureCookie marks the cookie Secure even when the request came without
	// TLS, because a proxy in front ends it.
	SecureCookie bool
	// SessionTTL is how long a login lasts.
	SessionTTL time.Duration
	// FailuresBurst failed attempts of one address are answered 401 at once,
	// then one each FailuresEvery; the others are answered 429.
	FailuresBurst int
	FailuresEvery time.Duration
}

// WithDefaults fills what is empty.
func (c Config) WithDefaults() Config {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:7420"
	}
	if c.Open == "" {
		c.Open = OpenAuto
	}
	if c.SessionTTL == 0 {
		c.SessionTTL = 7 * 24 * time.Hour
	}
	if c.FailuresBurst == 0 {
		c.FailuresBurst = 20
	}
	if c.FailuresEvery == 0 {
		c.FailuresEvery = 3 * time.Second
	}
	return c
}

// Validate reports every problem of the configuration.
func (c Config) Validate() []error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen address %q is not host:port", c.Listen)
	}
	switch c.Open {
	case OpenAuto, OpenAlways, OpenNever:
	default:
		bad("open is %q; it is one of auto, true, false", c.Open)
	}
	for _, o := range c.AllowedOrigins {
		if err := checkOrigin(o); err != nil {
			bad("allowed origin %q: %w", o, err)
		}
	}
	for _, h := range c.AllowedHosts {
		if strings.ContainsAny(h, "/ ") || h == "" {
			bad("allowed host %q is not a host name", h)
		}
	}
	if c.SessionTTL < 0 || c.FailuresBurst < 0 || c.FailuresEvery < 0 {
		bad("session and failure limits cannot be negative")
	}
	return problems
}

// IsLoopback reports whether a listen address (host:port) can be reached from
// this machine only. An empty host is every interface.
func IsLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	return loopbackHost(host)
}

// loopbackHost reports whether a name or address is this machine and nothing
// else. Names below localhost are loopback by RFC 6761.
func loopbackHost(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

package access

import (
	"errors"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// hosts is the set of Host headers that open access accepts.
type hosts struct {
	exact    map[string]bool
	suffixes []string // ".example.com" of "*.example.com"
	anyIP    bool     // addresses cannot be rebound; true under InsecureOpen
}

func newHosts(c Config) hosts {
	h := hosts{exact: map[string]bool{}, anyIP: c.InsecureOpen}
	for _, name := range c.AllowedHosts {
		name = strings.ToLower(name)
		if rest, ok := strings.CutPrefix(name, "*"); ok {
			h.suffixes = append(h.suffixes, rest)
			continue
		}
		h.exact[name] = true
	}
	return h
}

// allow stops DNS rebinding: a page of an attacker whose name now resolves to
// this machine still sends its own name as Host.
func (h hosts) allow(header string) bool {
	header = strings.ToLower(header)
	host := header
	if name, _, err := net.SplitHostPort(header); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if loopbackHost(host) || h.exact[header] || h.exact[host] {
		return true
	}
	if h.anyIP {
		if _, err := netip.ParseAddr(host); err == nil {
			return true
		}
	}
	for _, s := range h.suffixes {
		if strings.HasSuffix(host, s) && len(host) > len(s) {
			return true
		}
	}
	return false
}

// checkOrigin reports whether an allowed origin is scheme://host[:port].
func checkOrigin(origin string) error {
	if origin == "null" {
		return errors.New(`"null" is the origin of every sandboxed page`)
	}
	return http.NewCrossOriginProtection().AddTrustedOrigin(origin)
}

// newOrigins gives the check of where a change comes from. It accepts requests
// without Origin and Sec-Fetch-Site: they are not from a browser.
func newOrigins(c Config) *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	for _, o := range c.AllowedOrigins {
		_ = p.AddTrustedOrigin(o) // Validate reported it
	}
	return p
}

// isChange reports whether a method may change something.
func isChange(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return true
}

// deliberate reports whether a request carries what a plain HTML form of
// another site cannot send: the X-Leeway header, or a JSON content type.
func deliberate(r *http.Request) bool {
	if r.Header.Get("X-Leeway") != "" {
		return true
	}
	return isJSON(r)
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// forwarded reports whether a proxy says that the request came through it. A
// proxy on this machine makes the whole network look like loopback, so such
// requests are not open.
func forwarded(r *http.Request) bool {
	for _, name := range [...]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

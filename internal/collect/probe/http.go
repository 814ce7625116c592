package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// newChecker builds the check of a probe, whose problems it reports.
func newChecker(s Spec, cfg *Config) (checker, []Problem) {
	if p := s.Validate(); len(p) > 0 {
		return nil, p
	}
	t, ca, err := s.tls()
	if err != nil {
		return nil, []Problem{{"ca_file", err.Error()}}
	}
	base := dialer{cfg: cfg, spec: s, tls: t, ca: ca}
	switch s.Kind {
	case TCP, TLS:
		return &socketCheck{base}, nil
	case GRPC:
		return &healthCheck{base}, nil
	case KServeGRPC:
		return newKServeGRPC(base)
	}
	return newHTTPCheck(base)
}

// Check reports every problem of a probe, those of the files that it names too.
func (s Spec) Check() []Problem {
	s = s.withDefaults()
	problems := s.Validate()
	if _, _, err := s.tls(); err != nil {
		problems = append(problems, Problem{"ca_file", err.Error()})
	}
	if len(problems) == 0 {
		_, problems = newChecker(s, &Config{})
	}
	return problems
}

// dialer is what all kinds share.
type dialer struct {
	cfg  *Config
	spec Spec
	tls  *tls.Config
	ca   []byte
}

func (d *dialer) trusted() []byte { return d.ca }

// maxCA bounds a file of certificates.
const maxCA = 1 << 20

func (s *Spec) tls() (*tls.Config, []byte, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.ServerName, InsecureSkipVerify: s.Insecure} //nolint:gosec // asked for
	if s.CAFile == "" {
		return t, nil, nil
	}
	if info, err := os.Stat(s.CAFile); err == nil && (info.Size() > maxCA || !info.Mode().IsRegular()) {
		return nil, nil, fmt.Errorf("%s is not a file of at most 1MiB", s.CAFile)
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, nil, err
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, nil, fmt.Errorf("%s has no certificates in PEM", s.CAFile)
	}
	return t, pem, nil
}

// httpCheck is a request of any HTTP kind.
type httpCheck struct {
	dialer
	method, url   string
	body          string
	json          bool
	match, absent *regexp.Regexp // of the body; nil: none
	answer        *answer        // nil: nothing is expected
}

func newHTTPCheck(d dialer) (checker, []Problem) {
	s := &d.spec
	c := &httpCheck{dialer: d, method: s.Method, url: s.Target, body: s.Body, json: s.Kind != HTTP}
	path := s.modelRequest(c)
	if s.Expect.Body != "" {
		c.match = regexp.MustCompile(s.Expect.Body) // Validate has compiled it
	}
	if s.Expect.NotBody != "" {
		c.absent = regexp.MustCompile(s.Expect.NotBody)
	}
	var err error
	if c.answer, err = newAnswer(&s.Expect, path); err != nil {
		return nil, []Problem{{"expect", err.Error()}}
	}
	return c, nil
}

func (c *httpCheck) check(ctx context.Context, r *Result) error {
	ctx, p := trace(ctx)
	body, err := c.exchange(ctx, r)
	p.into(r)
	if err != nil {
		return err
	}
	if c.match != nil && !c.match.Match(body) {
		return failed(codeBody, "the body does not match %s: %s", c.match, excerpt(body))
	}
	if c.absent != nil && c.absent.Match(body) {
		return failed(codeBody, "the body matches %s: %s", c.absent, excerpt(body))
	}
	if c.answer == nil {
		return nil
	}
	return c.answer.check(ctx, body)
}

// exchange sends the request and reads the answer, on a connection of its own.
func (c *httpCheck) exchange(ctx context.Context, r *Result) ([]byte, error) {
	req, err := c.request(ctx)
	if err != nil {
		return nil, err
	}
	transport := c.cfg.Outgoing.Transport()
	transport.TLSClientConfig, transport.DisableKeepAlives = c.tls.Clone(), true
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: sameServer}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	r.Status = res.StatusCode
	body, broken := io.ReadAll(io.LimitReader(res.Body, c.cfg.MaxBody+1))
	if err := c.expected(res, body); err != nil {
		return nil, err // the status tells more than a body that broke off
	}
	if broken != nil {
		return nil, broken
	}
	if int64(len(body)) > c.cfg.MaxBody {
		if c.match != nil || c.absent != nil || c.answer != nil {
			return nil, failed(codeBody, "the body is longer than %d bytes, which are read at most", c.cfg.MaxBody)
		}
		body = nil // nobody looks at it
	}
	return body, nil
}

func (c *httpCheck) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, body)
	if err != nil {
		return nil, errors.New("the request cannot be made") // its error would show the URL
	}
	req.Header.Set("User-Agent", "leeway-probe")
	if c.json {
		req.Header.Set("Accept", "application/json")
		if c.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
	}
	for _, h := range c.spec.Headers {
		if strings.EqualFold(h.Name, "host") {
			req.Host = h.Value.Reveal()
			continue
		}
		req.Header.Set(h.Name, h.Value.Reveal())
	}
	return req, nil
}

func (c *httpCheck) expected(res *http.Response, body []byte) error {
	code := res.StatusCode
	if want := c.spec.Expect.Status; len(want) > 0 {
		if !slices.Contains(want, code) {
			return failed(codeStatus, "the status is %d, expected is %v: %s", code, want, excerpt(body))
		}
		return nil
	}
	if code < 200 || code > 299 {
		return failed(codeStatus, "the status is %d: %s", code, excerpt(body))
	}
	return nil
}

// sameServer follows redirects on one server, and from http to https. Headers
// and golden inputs were meant for the configured server and go nowhere else.
func sameServer(req *http.Request, via []*http.Request) error {
	from, to := via[0].URL, req.URL
	if len(via) > 5 {
		return failed(codeRedirect, "more than 5 redirects")
	}
	upgrade := from.Scheme == "http" && to.Scheme == "https" && from.Hostname() == to.Hostname()
	same := from.Scheme == to.Scheme && from.Hostname() == to.Hostname() && port(from) == port(to)
	if !upgrade && !same {
		return failed(codeRedirect, "it redirects to %s://%s, which is another server; probe that one", to.Scheme, to.Host)
	}
	return nil
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

func excerpt(body []byte) string {
	text := strings.Join(strings.Fields(string(body[:min(len(body), 400)])), " ")
	if text == "" {
		return "(empty)"
	}
	return clip(text, 160)
}

// socketCheck connects, and shakes hands where the kind is tls.
type socketCheck struct{ dialer }

func (c *socketCheck) check(ctx context.Context, r *Result) error {
	ctx, p := trace(ctx)
	err := c.connect(ctx, p)
	p.into(r)
	return err
}

func (c *socketCheck) connect(ctx context.Context, p *phases) error {
	conn, err := c.cfg.Outgoing.DialContext(ctx, "tcp", c.spec.Target)
	if err != nil {
		return err
	}
	defer conn.Close()
	if c.spec.Kind == TCP {
		return nil
	}
	t := c.tls.Clone()
	if t.ServerName == "" {
		t.ServerName, _, _ = net.SplitHostPort(c.spec.Target)
	}
	p.begin("tls")
	secure := tls.Client(conn, t)
	err = secure.HandshakeContext(ctx)
	p.end("tls")
	p.certificates(secure.ConnectionState())
	return err
}

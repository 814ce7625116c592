package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/PaesslerAG/jsonpath"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/event"
)

// Config is what all probes share. Zeros are the defaults.
type Config struct {
	Outgoing *access.Outgoing // required: the guard of every connection
	// Put makes a batch durable: collect.Door's. Required.
	Put func(context.Context, *event.Batch) error
	// Counts are failures and wrong answers in a row that an earlier run left
	// behind, so that a restart ends no alert. Nil is none.
	Counts func(name, model, target string) (failures, wrong int)
	// Concurrency is how many checks run at once: 32.
	Concurrency int
	// MaxBody is the bytes of an answer that are read: 1 MiB.
	MaxBody int64
	// Spread is the time over which first rounds are spread: 15 s, or the
	// probe's interval if that is less.
	Spread     time.Duration
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

func (c Config) withDefaults() Config {
	c.Concurrency = cmp.Or(c.Concurrency, 32)
	c.MaxBody = cmp.Or(c.MaxBody, 1<<20)
	c.Spread = cmp.Or(c.Spread, 15*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Counts == nil {
		c.Counts = func(string, string, string) (int, int) { return 0, 0 }
	}
	return c
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Outgoing == nil {
		errs = append(errs, errors.New("probe: outgoing: must be set"))
	}
	if c.Put == nil {
		errs = append(errs, errors.New("probe: put: must be set"))
	}
	if c.Concurrency < 1 || c.MaxBody < 1 || c.Spread < 0 {
		errs = append(errs, errors.New("probe: limits must be above 0"))
	}
	return errors.Join(errs...)
}

// The kinds of probe.
const (
	HTTP       = "http"        // a request and its status
	TCP        = "tcp"         // a connection
	TLS        = "tls"         // a handshake
	GRPC       = "grpc"        // grpc.health.v1
	JSON       = "json"        // a golden input posted as JSON
	KServe     = "kserve"      // KServe V2 over HTTP: readiness, or a golden input
	KServeGRPC = "kserve_grpc" // the same over gRPC
	OpenAI     = "openai"      // chat, completions or embeddings
)

// Kinds lists them.
func Kinds() []string { return []string{HTTP, TCP, TLS, GRPC, JSON, KServe, KServeGRPC, OpenAI} }

// MaxProbes is how many there may be.
const MaxProbes = 1000

// Spec is one probe. What does not belong to its kind must be empty.
type Spec struct {
	Name     string // label probe
	Kind     string
	Target   string // a URL; of tcp and tls host:port; label target, without query
	Model    string // label model; may be empty
	Interval time.Duration
	Timeout  time.Duration

	Method      string
	Headers     []Header // or metadata of gRPC
	Body        string   // of model kinds the golden input, JSON
	Service     string   // of grpc; empty is the whole server
	ServedModel string   // the model's name at its server
	Version     string   // and its version there
	API         string   // of openai: chat, completions, embeddings
	Prompt      string   // of openai, instead of Body

	CAFile     string
	ServerName string
	Insecure   bool // takes any certificate

	Expect Expect
}

// Header is one header of requests. Its value is shown nowhere.
type Header struct {
	Name  string
	Value access.Secret
}

// Expect says what counts as available and what as correct.
type Expect struct {
	Status    []int  // empty: 200 to 299
	Body      string // regular expression that the body must match
	NotBody   string // and one that it must not
	Path      string // JSONPath of the answer; empty: the kind's own
	Equals    string // JSON, or plain text; empty: nothing is expected
	Absolute  float64
	Relative  float64
	Match     string // regular expression that the answer must match
	MaxLength int    // of the answer's text in bytes; 0: any
}

// answers tells whether the answer itself is looked at.
func (e *Expect) answers() bool { return e.Equals != "" || e.Match != "" || e.MaxLength != 0 }

func (s Spec) withDefaults() Spec {
	s.Interval = cmp.Or(s.Interval, 30*time.Second)
	s.Timeout = cmp.Or(s.Timeout, min(10*time.Second, s.Interval))
	if s.Kind == OpenAI {
		s.API = cmp.Or(s.API, "chat")
	}
	if s.Kind == HTTP {
		s.Method = cmp.Or(s.Method, http.MethodGet)
	}
	return s
}

func (s Spec) sameSeries(o Spec) bool {
	return s.Name == o.Name && s.Model == o.Model && s.label() == o.label()
}

// label is the target without what may be secret.
func (s Spec) label() string {
	u, err := url.Parse(s.Target)
	if err != nil || u.Host == "" {
		return s.Target
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Problem is what is wrong with one key of a probe; Key is as in leeway.yml.
type Problem struct{ Key, Message string }

func (p Problem) Error() string { return p.Key + ": " + p.Message }

type problems []Problem

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, Problem{key, fmt.Sprintf(format, args...)})
}

// Validate reports every problem at once.
func (s Spec) Validate() []Problem {
	s = s.withDefaults()
	var p problems
	if s.Name == "" || len(s.Name) > 100 {
		p.add("name", "a probe has a name of at most 100 bytes")
	}
	if !slices.Contains(Kinds(), s.Kind) {
		p.add("kind", "%q is not one of %s", s.Kind, strings.Join(Kinds(), ", "))
		return p
	}
	if s.Interval < time.Second || s.Interval > 24*time.Hour {
		p.add("interval", "%s is not between 1s and 24h", s.Interval)
	}
	if s.Timeout < 10*time.Millisecond || s.Timeout > s.Interval {
		p.add("timeout", "%s is not between 10ms and the interval, %s", s.Timeout, s.Interval)
	}
	s.checkTarget(&p)
	s.checkFields(&p)
	s.checkHeaders(&p)
	s.Expect.check(&p)
	return p
}

var schemes = map[string][]string{
	HTTP: {"http", "https"}, JSON: {"http", "https"}, KServe: {"http", "https"}, OpenAI: {"http", "https"},
	GRPC: {"grpc", "grpcs"}, KServeGRPC: {"grpc", "grpcs"},
}

func (s Spec) checkTarget(p *problems) {
	known := schemes[s.Kind]
	if known == nil {
		if host, port, err := net.SplitHostPort(s.Target); err != nil || host == "" || port == "" || strings.Contains(s.Target, "/") {
			p.add("target", "this kind has a target such as models.example.com:443")
		}
		return
	}
	u, err := url.Parse(s.Target)
	switch {
	case err != nil || u.Hostname() == "" || !slices.Contains(known, u.Scheme):
		p.add("target", "this kind has a target such as %s://models.example.com:8000", known[0])
	case u.User != nil:
		p.add("target", "names and passwords stand in headers, where they are kept secret")
	case len(s.Target) > 1024:
		p.add("target", "it is longer than 1024 bytes")
	case known[0] == "grpc" && (u.Port() == "" || strings.Trim(u.Path, "/") != ""):
		p.add("target", "gRPC has a target such as %s://models.example.com:8001, with a port and without a path", u.Scheme)
	}
}

// fieldsOf lists the keys that only some kinds have.
var fieldsOf = map[string][]string{
	"method": {HTTP, JSON}, "body": {HTTP, JSON, KServe, KServeGRPC, OpenAI}, "service": {GRPC},
	"served_model": {KServe, KServeGRPC, OpenAI}, "version": {KServe, KServeGRPC}, "api": {OpenAI}, "prompt": {OpenAI},
	"headers":       {HTTP, JSON, KServe, OpenAI, GRPC, KServeGRPC},
	"expect.status": {HTTP, JSON, KServe, OpenAI}, "expect.body": {HTTP, JSON, KServe, OpenAI}, "expect.not_body": {HTTP, JSON, KServe, OpenAI},
	"expect": {HTTP, JSON, KServe, KServeGRPC, OpenAI},
}

func (s Spec) checkFields(p *problems) {
	e := &s.Expect
	for key, given := range map[string]bool{
		"method": s.Method != "", "body": s.Body != "", "service": s.Service != "", "served_model": s.ServedModel != "",
		"version": s.Version != "", "api": s.API != "", "prompt": s.Prompt != "", "headers": len(s.Headers) > 0,
		"expect.status": len(e.Status) > 0, "expect.body": e.Body != "", "expect.not_body": e.NotBody != "", "expect": e.answers(),
	} {
		if given && !slices.Contains(fieldsOf[key], s.Kind) {
			p.add(key, "a probe of the kind %s has no such key; it is for %s", s.Kind, strings.Join(fieldsOf[key], ", "))
		}
	}
	golden := s.Kind == JSON || s.Kind == KServe || s.Kind == KServeGRPC || s.Kind == OpenAI
	if golden && s.Body != "" {
		if err := validJSON(s.Body); err != nil {
			p.add("body", "it is not JSON: %s", err)
		}
	}
	switch s.Kind {
	case JSON:
		if s.Body == "" {
			p.add("body", "this kind posts a JSON body")
		}
	case KServe, KServeGRPC:
		if s.ServedModel == "" {
			p.add("served_model", "this kind names the model as its server knows it")
		}
		if s.Body == "" && e.answers() {
			p.add("body", "an expected answer needs a golden input, the body of an infer request")
		}
	case OpenAI:
		s.checkOpenAI(p)
	}
}

func (s Spec) checkOpenAI(p *problems) {
	if !slices.Contains([]string{"chat", "completions", "embeddings"}, s.API) {
		p.add("api", "%q is not one of chat, completions, embeddings", s.API)
	}
	if (s.Prompt == "") == (s.Body == "") {
		p.add("prompt", "give either a prompt or the whole body")
	}
	if s.Body == "" && s.ServedModel == "" {
		p.add("served_model", "this kind names the model as its server knows it")
	}
}

var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func (s Spec) checkHeaders(p *problems) {
	if len(s.Headers) > 32 {
		p.add("headers", "%d headers, 32 are allowed", len(s.Headers))
	}
	if s.Method != "" && !token.MatchString(s.Method) {
		p.add("method", "%q is not a method", s.Method)
	}
	for i, h := range s.Headers {
		key := fmt.Sprintf("headers[%d]", i)
		if !token.MatchString(h.Name) || slices.Contains([]string{"content-length", "transfer-encoding", "connection"}, strings.ToLower(h.Name)) {
			p.add(key+".name", "%q is not the name of a header that can be set", h.Name)
		}
		if v := h.Value.Reveal(); strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			p.add(key+".value", "it has characters that a header cannot have")
		}
	}
}

func (e *Expect) check(p *problems) {
	for i, code := range e.Status {
		if code < 100 || code > 599 {
			p.add(fmt.Sprintf("expect.status[%d]", i), "%d is not a status", code)
		}
	}
	for key, expr := range map[string]string{"body": e.Body, "not_body": e.NotBody, "match": e.Match} {
		if _, err := regexp.Compile(expr); err != nil {
			p.add("expect."+key, "%s", err)
		}
	}
	if e.Path != "" {
		if _, err := jsonpath.New(e.Path); err != nil {
			p.add("expect.path", "%q is not a JSONPath: %s", e.Path, err)
		}
		if !e.answers() {
			p.add("expect.path", "a path without equals or match expects nothing")
		}
	}
	if !(e.Absolute >= 0) || !(e.Relative >= 0) {
		p.add("expect", "tolerances are at least 0")
	}
	if (e.Absolute > 0 || e.Relative > 0) && e.Equals == "" {
		p.add("expect", "tolerances need equals")
	}
	if e.MaxLength < 0 {
		p.add("expect.max_length", "it is at least 0")
	}
}

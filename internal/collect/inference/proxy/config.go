package proxy

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/client"
	"github.com/leewayhq/leeway/internal/collect/inference"
)

// Config is what a proxy is made of. Zeros are the defaults.
type Config struct {
	Target *url.URL
	// Client sends what went by.
	Client *client.Client
	// Model is the name of every request's model. Empty takes it from paths
	// such as /v1/models/NAME:predict and /v2/models/NAME/infer; others are
	// passed on and not recorded.
	Model   string
	Mapping inference.Mapping
	// Paths are patterns, as of path.Match, of what is recorded; none is all.
	Paths []string
	// KeepHost sends the caller's Host header on, not the target's.
	KeepHost bool
	// Transport connects to the target; nil is NewTransport's.
	Transport http.RoundTripper
	MaxBody   int64 // bytes of one body that are kept: 4 MiB
	MaxBytes  int64 // of all bodies that are kept at one time: 64 MiB
	Queue     int   // exchanges that wait for a worker: 1,024
	Workers   int   // 1

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// NewTransport is a transport that passes bodies on as they are and keeps
// connections to one server open.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableCompression: true, ForceAttemptHTTP2: true,
		MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024,
		// Shorter than the 5 s of uvicorn: a request that meets a connection which
		// the server closes at that moment cannot be sent again.
		IdleConnTimeout:     4 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: time.Second,
	}
}

func (c *Config) setDefaults() {
	c.MaxBody = cmp.Or(c.MaxBody, 4<<20)
	c.MaxBytes = cmp.Or(c.MaxBytes, 64<<20)
	c.Queue = cmp.Or(c.Queue, 1024)
	c.Workers = cmp.Or(c.Workers, 1)
	if c.Transport == nil {
		c.Transport = NewTransport()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
}

// Validate reports everything that is wrong.
func (c *Config) Validate() []error {
	var errs []error
	if c.Target == nil || c.Target.Host == "" || c.Target.Scheme != "http" && c.Target.Scheme != "https" {
		errs = append(errs, errors.New("proxy: the target is not an address such as http://model:8080"))
	}
	if c.Client == nil {
		errs = append(errs, errors.New("proxy: Client is missing"))
	}
	if c.MaxBody < 0 || c.MaxBytes < 0 || c.Queue < 0 || c.Workers < 0 {
		errs = append(errs, errors.New("proxy: limits are not negative"))
	}
	for _, p := range c.Paths {
		if _, err := path.Match(p, "/"); err != nil {
			errs = append(errs, errors.New("proxy: the pattern "+p+" cannot be read"))
		}
	}
	return errs
}

// modelPath finds model and version in a path of the V1 and V2 protocols.
var modelPath = regexp.MustCompile(`/v[12]/models/([A-Za-z0-9._-]{1,128})(?:/versions/([^/:]{1,128}))?(?:[:/](?:predict|infer|classify|regress|generate))`)

// name tells of which model a path is, and whether it is recorded.
func (c *Config) name(urlPath string) (model, version string, ok bool) {
	if len(c.Paths) > 0 {
		for _, p := range c.Paths {
			match, _ := path.Match(p, urlPath) // Validate read it
			ok = ok || match
		}
		if !ok {
			return "", "", false
		}
	}
	m := modelPath.FindStringSubmatch(urlPath)
	if m == nil {
		return c.Model, "", c.Model != ""
	}
	return cmp.Or(c.Model, m[1]), m[2], true
}

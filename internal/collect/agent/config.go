package agent

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/access"
)

const (
	minBytes   = 1 << 20
	writePath  = "/api/v1/write"
	maxSamples = 2000 // in one request
)

// Config says where samples go and how many wait. Zeros are the defaults.
type Config struct {
	Server string // URL of Leeway, without /api/v1/write
	// Token has the role ingest. TokenFile is read before each request, so that
	// a new token is taken up.
	Token     access.Secret
	TokenFile string
	CAFile    string // certificates by which the server's is checked; empty: the system's

	Dir      string // of the buffer
	MaxBytes int64  // of the buffer: 512 MiB. Beyond it the oldest samples are dropped

	Timeout  time.Duration // of one request: 30 s
	MinRetry time.Duration // after the first failure, doubled with each: 1 s
	MaxRetry time.Duration // 1 min

	FS         vfs.FS // the disk
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

func (c Config) withDefaults() Config {
	if c.MaxBytes == 0 {
		c.MaxBytes = 512 << 20
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.MinRetry == 0 {
		c.MinRetry = time.Second
	}
	if c.MaxRetry == 0 {
		c.MaxRetry = time.Minute
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	return c
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var problems []error
	u, err := url.Parse(c.Server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
		problems = append(problems, errors.New("agent: server: it is a URL such as https://leeway.example.com"))
	}
	if c.Token != "" && c.TokenFile != "" {
		problems = append(problems, errors.New("agent: token: give it or its file, not both"))
	}
	if c.Dir == "" {
		problems = append(problems, errors.New("agent: dir: must be set"))
	}
	if c.MaxBytes < minBytes {
		problems = append(problems, fmt.Errorf("agent: max_bytes: %d is below %d", c.MaxBytes, minBytes))
	}
	if c.Timeout < 0 || c.MinRetry < 0 || c.MaxRetry < c.MinRetry {
		problems = append(problems, errors.New("agent: retry: times are positive, and the longest is not the shorter one"))
	}
	return errors.Join(problems...)
}

// client never follows a redirect: the token is for this server alone.
func (c *Config) client() (*http.Client, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout: 90 * time.Second, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("agent: certificates: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("agent: %s holds no certificate", c.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Transport: transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func (c *Config) token() (string, error) {
	if c.TokenFile == "" {
		return string(c.Token), nil
	}
	b, err := os.ReadFile(c.TokenFile)
	return strings.TrimSpace(string(b)), err
}

package notify

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	maintenance     = 15 * time.Minute // collection of silences and log entries that are over
	alertGC         = 30 * time.Minute // collection of alerts that ended
	maxSilenceBytes = 64 << 10
	maxBodyBytes    = 8 << 20 // of a request to the API
	maxGroups       = 20_000  // of alerts, over all routes
	sendTimeout     = 30 * time.Second
)

// Config says where the notifier lives and what it may do. Dir must be given.
type Config struct {
	Dir string // holds the Pebble database
	FS  vfs.FS // default vfs.Default
	// Fatal ends the process when the database cannot go on, as store.Log says;
	// nil panics.
	Fatal func(error)

	Settings Settings // replaced by Reload

	ExternalURL string // of the dashboard, for links in messages
	Prefix      string // of the paths of Handler; default /alertmanager

	// Guard is asked before every outgoing connection, with the resolved
	// address, as net.Dialer.Control is; for e-mail the connection is nil.
	// Nil allows everything.
	Guard func(network, address string, c syscall.RawConn) error

	Retention        time.Duration // of expired silences and log entries; default 120 h
	StartDelay       time.Duration // nothing is sent so long after Open, so that alerts are put again first; default 1 s, negative none
	MaxSilences      int           // default 10,000
	MaxInbox         int           // messages; default 1,000
	MaxRecords       int           // notifications; default 1,000
	MaxAlertsPerName int           // alerts of one alertname; default 10,000

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Settings is the part that can be reloaded.
type Settings struct {
	// Alertmanager is a whole configuration in Alertmanager's own format. A
	// receiver named "inbox" in it is also the built-in inbox. With it,
	// Channels and Routing must be empty.
	Alertmanager string
	Channels     []Channel
	Routing      Routing
	Language     string         // of messages: en (default) or zh
	Location     *time.Location // of times in messages; default UTC
}

// Routing is the pace of the built-in routes; a zero takes the default.
type Routing struct {
	CriticalWait     time.Duration // before the first message of a group; 500 ms
	Wait             time.Duration // 10 s
	CriticalInterval time.Duration // between messages of a group; 1 m
	Interval         time.Duration // 5 m
	CriticalRepeat   time.Duration // of a message while nothing changes; 1 h
	Repeat           time.Duration // 12 h
}

func orElse[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (c Config) withDefaults() Config {
	orElse(&c.Prefix, "/alertmanager")
	orElse(&c.Retention, 120*time.Hour)
	orElse(&c.StartDelay, time.Second)
	orElse(&c.MaxSilences, 10_000)
	orElse(&c.MaxInbox, 1000)
	orElse(&c.MaxRecords, 1000)
	orElse(&c.MaxAlertsPerName, 10_000)
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Prefix = "/" + strings.Trim(c.Prefix, "/")
	return c
}

func (s Settings) withDefaults() Settings {
	orElse(&s.Language, "en")
	orElse(&s.Location, time.UTC)
	r := &s.Routing
	orElse(&r.CriticalWait, 500*time.Millisecond)
	orElse(&r.Wait, 10*time.Second)
	orElse(&r.CriticalInterval, time.Minute)
	orElse(&r.Interval, 5*time.Minute)
	orElse(&r.CriticalRepeat, time.Hour)
	orElse(&r.Repeat, 12*time.Hour)
	return s
}

// Validate reports every problem; the settings are checked by Reload.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("Dir is missing"))
	}
	if u, err := url.Parse(c.ExternalURL); c.ExternalURL != "" && (err != nil || u.Host == "") {
		errs = append(errs, fmt.Errorf("ExternalURL %q is not an absolute URL", c.ExternalURL))
	}
	if c.Retention < 0 || c.MaxSilences < 0 || c.MaxInbox < 0 || c.MaxRecords < 0 || c.MaxAlertsPerName < 0 {
		errs = append(errs, errors.New("Retention and the limits must not be negative"))
	}
	return errors.Join(errs...)
}

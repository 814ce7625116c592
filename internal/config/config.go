// Package config reads leeway.yml: one YAML file in which every key is
// optional.
//
// It is strict. An unknown key, a key written twice, a value of the wrong kind
// or out of range is a [Problem] with file, line, column and the line itself,
// and [Load] reports all of them at once. Nothing is taken from the
// environment; secrets may stand in files of their own (password_file).
// Relative paths are relative to the file, so a line that repeats a default
// changes nothing.
//
// The tree holds plain values; package app hands each section to the package
// that it is for. What only that package can judge (does this metric exist?)
// comes back through [Config.Problem], which finds the line.
//
// Tags: yaml:"name,options". The options: size is a number of bytes that may
// have a unit, path is made absolute, list is a Raw that is a list and no
// section, reload can change while the server runs.
package config

import (
	"time"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/host"
)

// Config is the whole file. Default gives what an empty file means.
type Config struct {
	Listen      string `yaml:"listen"`
	Data        string `yaml:"data,path"`
	ExternalURL string `yaml:"external_url"`
	PathPrefix  string `yaml:"path_prefix"`
	TimeZone    string `yaml:"time_zone"`

	TLS       TLS       `yaml:"tls"`
	Access    Access    `yaml:"access"`
	Queue     Queue     `yaml:"queue"`
	Ingest    Ingest    `yaml:"ingest"`
	Inference Inference `yaml:"inference"`
	OTLP      OTLP      `yaml:"otlp"`
	Join      Join      `yaml:"join"`
	Retention Retention `yaml:"retention"`
	Drift     Drift     `yaml:"drift"`
	Host      Host      `yaml:"host"`
	GPU       GPU       `yaml:"gpu"`
	Log       Log       `yaml:"log"`
	Logs      Logs      `yaml:"logs"`

	Models       map[string]Model `yaml:"models,reload"`
	Rules        []Rule           `yaml:"rules,reload"`
	RuleFiles    []string         `yaml:"rule_files,path,reload"`
	Probes       []Probe          `yaml:"probes,reload"`
	Alerting     Alerting         `yaml:"alerting"`
	Alertmanager Raw              `yaml:"alertmanager,reload"`

	ScrapeConfigs Raw `yaml:"scrape_configs,list,reload"`

	source *source
}

// TLS is the listener's certificate: two PEM files, or neither.
type TLS struct {
	CertFile string `yaml:"cert_file,path"`
	KeyFile  string `yaml:"key_file,path"`
}

// Access is who may come in, and where Leeway may connect to.
type Access struct {
	Open           string   `yaml:"open"` // auto, true or false: access.OpenMode
	InsecureOpen   bool     `yaml:"insecure_open"`
	AllowedHosts   []string `yaml:"allowed_hosts"`
	AllowedOrigins []string `yaml:"allowed_origins"`
	OutgoingAllow  []string `yaml:"outgoing_allow"` // addresses, networks, host names
}

// Queue is the durable log between the door and the workers. Zeros are chosen
// by the queue: from the cores, and from the disk.
type Queue struct {
	Partitions     int           `yaml:"partitions"`
	Retention      time.Duration `yaml:"retention"`
	RetentionBytes int64         `yaml:"retention_bytes,size"`
	MaxBytes       int64         `yaml:"max_bytes,size"`
	SegmentBytes   int64         `yaml:"segment_bytes,size"`
	MaxRecordBytes int64         `yaml:"max_record_bytes,size"`
}

// Ingest is what the door lets in.
type Ingest struct {
	MaxBodyBytes   int64         `yaml:"max_body_bytes,size"` // decoded
	MaxRows        int           `yaml:"max_rows"`            // in one body
	RateLimit      float64       `yaml:"rate_limit"`          // rows/s of one model; 0 is no limit
	MaxModels      int           `yaml:"max_models"`
	MaxFeatures    int           `yaml:"max_features"` // of one model
	MaxStringBytes int64         `yaml:"max_string_bytes,size"`
	FutureLimit    time.Duration `yaml:"future_limit"` // rows later than now plus this are refused
	LateAfter      time.Duration `yaml:"late_after"`   // older rows are kept out of the rules
}

// Inference is what loggers of model servers send: requests and responses.
type Inference struct {
	Enabled         bool                        `yaml:"enabled"`
	Path            string                      `yaml:"path"` // beside /api/v1/inference
	Wait            time.Duration               `yaml:"wait"` // of one half for the other
	MaxWaitingBytes int64                       `yaml:"max_waiting_bytes,size"`
	MaxQueueBytes   int64                       `yaml:"max_queue_bytes,size"`
	Namespaces      bool                        `yaml:"namespaces"`
	Services        map[string]InferenceService `yaml:"services"`
}

// InferenceService says what the tensors of one service mean.
type InferenceService struct {
	Model      string   `yaml:"model"`
	ID         string   `yaml:"id"`
	Version    string   `yaml:"version"`
	Prediction string   `yaml:"prediction"`
	Score      string   `yaml:"score"`
	Inputs     []string `yaml:"inputs"`
	Classes    []string `yaml:"classes"`
	Segments   []string `yaml:"segments"`
}

// Join is how long and in how much memory predictions wait for their labels.
type Join struct {
	Horizon     time.Duration `yaml:"horizon"`
	MemoryBytes int64         `yaml:"memory_bytes,size"` // 0: a quarter of the machine
}

// Retention is how long each kind of history is kept.
type Retention struct {
	Profiles       time.Duration `yaml:"profiles"`        // by the hour
	MinuteProfiles time.Duration `yaml:"minute_profiles"` // by the minute
	Samples        time.Duration `yaml:"samples"`         // of whole rows
	Series         time.Duration `yaml:"series"`
	SeriesBytes    int64         `yaml:"series_bytes,size"`
	Logs           time.Duration `yaml:"logs"`
	LogsBytes      int64         `yaml:"logs_bytes,size"`
}

// Drift is when a feature counts as drifted: its distance is at least the
// limit, and the difference is significant; or what Evidently says.
type Drift struct {
	Preset       string  `yaml:"preset"` // leeway or evidently
	Method       string  `yaml:"method"`
	PSILimit     float64 `yaml:"psi_limit"`
	Significance float64 `yaml:"significance"`
}

// Host is the collector of this machine.
type Host struct {
	Enabled    bool          `yaml:"enabled"`
	Interval   time.Duration `yaml:"interval"`
	Collectors []string      `yaml:"collectors"` // of host.Parts
	MaxSets    int           `yaml:"max_sets"`   // label sets of each sensor
	Root       string        `yaml:"root,path"`  // where the machine's / is mounted
	Processes  []HostProcess `yaml:"processes"`
}

// HostProcess names processes that are measured together.
type HostProcess struct {
	Name  string `yaml:"name"`
	Match string `yaml:"match"` // regular expression on the command line
}

// GPU is the collector of this machine's graphics processors.
type GPU struct {
	Enabled  bool          `yaml:"enabled"`
	Interval time.Duration `yaml:"interval"`
}

// Log is the server's own log, on standard error.
type Log struct {
	Level  string `yaml:"level,reload"`
	Format string `yaml:"format"`
}

// Model declares what would else be inferred on first sight. What is empty
// stays inferred.
type Model struct {
	Title         string             `yaml:"title"`
	Task          string             `yaml:"task"`
	PositiveClass string             `yaml:"positive_class"`
	Threshold     *float64           `yaml:"threshold"`
	TimeZone      string             `yaml:"time_zone"`
	Segments      []string           `yaml:"segments"`
	Features      map[string]Feature `yaml:"features"`
	// Reference is what drift is measured against, by name: import, first_day,
	// previous, yesterday, same_day_last_week, 7d, version:NAME.
	Reference string `yaml:"reference"`
}

// Feature declares one feature of a model.
type Feature struct {
	Kind string `yaml:"kind"` // numeric or categorical
}

// Text is one text in the languages that messages can have.
type Text struct {
	En string `yaml:"en"`
	Zh string `yaml:"zh"`
}

// Rule is a threshold rule: one metric against one or two limits.
type Rule struct {
	Name        string            `yaml:"name"`
	Title       Text              `yaml:"title"`
	Metric      string            `yaml:"metric"`
	Operator    string            `yaml:"operator"`
	Warning     *float64          `yaml:"warning"`
	Critical    *float64          `yaml:"critical"`
	Duration    time.Duration     `yaml:"duration"`
	KeepFiring  time.Duration     `yaml:"keep_firing"`
	MinSamples  int               `yaml:"min_samples"`
	Model       string            `yaml:"model"`
	Version     string            `yaml:"version"`
	Segment     string            `yaml:"segment"`
	Match       map[string]string `yaml:"match"`
	Enabled     bool              `yaml:"enabled"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
	Runbook     string            `yaml:"runbook"`
}

func (r *Rule) setDefaults() { r.Enabled = true }

// Alerting is how often rules run and who is told. Channels are the short way;
// the section alertmanager is the long one.
type Alerting struct {
	Interval     time.Duration `yaml:"interval"`
	HostInterval time.Duration `yaml:"host_interval"`
	Language     string        `yaml:"language,reload"`
	Channels     []Channel     `yaml:"channels,reload"`
}

// Channel sends alerts somewhere: an HTTP address or mail.
type Channel struct {
	Name         string   `yaml:"name"`
	Type         string   `yaml:"type"` // webhook or email
	Language     string   `yaml:"language"`
	Severities   []string `yaml:"severities"` // empty: all
	Models       []string `yaml:"models"`     // empty: all
	SendResolved bool     `yaml:"send_resolved"`

	URL     access.Secret `yaml:"url"` // its path is often the only secret
	URLFile string        `yaml:"url_file,path"`

	To           []string      `yaml:"to"`
	From         string        `yaml:"from"`
	SMTP         string        `yaml:"smtp"` // host:port
	Username     string        `yaml:"username"`
	Password     access.Secret `yaml:"password"`
	PasswordFile string        `yaml:"password_file,path"`
	RequireTLS   bool          `yaml:"require_tls"`
}

func (c *Channel) setDefaults() { c.SendResolved, c.RequireTLS = true, true }

// Raw is a section in another program's format, kept as it is written. Text
// begins with as many empty lines as stand before the section, so that line
// numbers in errors about it are the file's own.
type Raw struct {
	Line int // of the key; 0 when the section is missing
	Text []byte
}

// IsZero reports whether the section is missing or empty.
func (r Raw) IsZero() bool { return r.Line == 0 }

// Default is what a missing or empty file means.
func Default() *Config {
	const day = 24 * time.Hour
	return &Config{
		Listen:   "127.0.0.1:7420",
		Data:     "leeway-data",
		TimeZone: "UTC",
		Access:   Access{Open: string(access.OpenAuto)},
		Queue: Queue{
			Retention: day, SegmentBytes: 128 << 20, MaxRecordBytes: 64 << 20,
		},
		Ingest: Ingest{
			MaxBodyBytes: 32 << 20, MaxRows: 1_000_000, MaxModels: 1000, MaxFeatures: 1000,
			MaxStringBytes: 4 << 10, FutureLimit: 10 * time.Minute, LateAfter: time.Hour,
		},
		Inference: Inference{
			Enabled: true, Path: "/api/v1/cloudevents", Wait: time.Minute,
			MaxWaitingBytes: 64 << 20, MaxQueueBytes: 1 << 30,
		},
		OTLP: defaultOTLP(),
		Join: Join{Horizon: 30 * day},
		Retention: Retention{
			Profiles: 2 * 365 * day, MinuteProfiles: 2 * day, Samples: 90 * day,
			Series: 15 * day, SeriesBytes: 20 << 30, Logs: 7 * day, LogsBytes: 10 << 30,
		},
		Drift:    Drift{Preset: "leeway", Method: "psi", PSILimit: 0.1, Significance: 0.01},
		Host:     Host{Enabled: true, Interval: 15 * time.Second, Collectors: host.Parts(), MaxSets: 100},
		GPU:      GPU{Enabled: true, Interval: 15 * time.Second},
		Log:      Log{Level: "info", Format: "text"},
		Logs:     defaultLogs(),
		Alerting: Alerting{Interval: time.Second, HostInterval: 15 * time.Second, Language: "en"},
	}
}

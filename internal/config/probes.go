package config

import (
	"time"

	"github.com/leewayhq/leeway/internal/access"
)

// Probe is an active check of a service or a model. Package probe judges it.
type Probe struct {
	Name     string        `yaml:"name"`
	Kind     string        `yaml:"kind"`
	Target   string        `yaml:"target"`
	Model    string        `yaml:"model"`    // label of its series
	Interval time.Duration `yaml:"interval"` // 0: 30 s
	Timeout  time.Duration `yaml:"timeout"`  // 0: 10 s, or the interval

	Method      string        `yaml:"method"`
	Headers     []ProbeHeader `yaml:"headers"`
	Body        string        `yaml:"body"`
	BodyFile    string        `yaml:"body_file,path"`
	Service     string        `yaml:"service"`
	ServedModel string        `yaml:"served_model"` // the model's name at its server
	Version     string        `yaml:"version"`
	API         string        `yaml:"api"`
	Prompt      string        `yaml:"prompt"`

	CAFile     string `yaml:"ca_file,path"`
	ServerName string `yaml:"server_name"`
	Insecure   bool   `yaml:"insecure"`

	Expect ProbeExpect `yaml:"expect"`
}

// ProbeHeader is a header that requests carry.
type ProbeHeader struct {
	Name      string        `yaml:"name"`
	Value     access.Secret `yaml:"value"`
	ValueFile string        `yaml:"value_file,path"`
}

// ProbeExpect is what counts as available, and what as a right answer.
type ProbeExpect struct {
	Status    []int   `yaml:"status"`
	Body      string  `yaml:"body"`
	NotBody   string  `yaml:"not_body"`
	Path      string  `yaml:"path"`
	Equals    string  `yaml:"equals"` // JSON or plain text
	Absolute  float64 `yaml:"absolute"`
	Relative  float64 `yaml:"relative"`
	Match     string  `yaml:"match"`
	MaxLength int     `yaml:"max_length"`
}

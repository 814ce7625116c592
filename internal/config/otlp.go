package config

import (
	"fmt"
	"math"
	"net"
)

// OTLP is what OpenTelemetry sends.
type OTLP struct {
	Enabled          bool             `yaml:"enabled"`
	GRPCListen       string           `yaml:"grpc_listen"` // empty: no gRPC
	GRPCMessageBytes int64            `yaml:"grpc_message_bytes,size"`
	GRPCConnections  int              `yaml:"grpc_connections"`
	ModelAttributes  []string         `yaml:"model_attributes"` // of spans that call a model
	Services         bool             `yaml:"services"`
	IDs              bool             `yaml:"ids"`
	Prices           map[string]Price `yaml:"prices"` // by model
	ResourceLabels   []string         `yaml:"resource_labels"`
	NativeHistograms bool             `yaml:"native_histograms"`
	DeltaSeries      int              `yaml:"delta_series"`
}

// Price is what a million tokens cost.
type Price struct {
	Input       float64  `yaml:"input"`
	Output      float64  `yaml:"output"`
	CachedInput *float64 `yaml:"cached_input"` // nil: as input
}

func defaultOTLP() OTLP {
	return OTLP{Enabled: true, GRPCMessageBytes: 16 << 20, GRPCConnections: 256, DeltaSeries: 100_000}
}

func (o OTLP) validate(d *decoder) {
	if o.GRPCListen != "" {
		if _, _, err := net.SplitHostPort(o.GRPCListen); err != nil {
			d.semantic("otlp.grpc_listen", "%q is not an address such as 127.0.0.1:4317", o.GRPCListen)
		}
	}
	if o.GRPCMessageBytes < 64<<10 || o.GRPCMessageBytes > 256<<20 {
		d.semantic("otlp.grpc_message_bytes", "%s is not between 64KiB and 256MiB", FormatSize(o.GRPCMessageBytes))
	}
	d.between("otlp.grpc_connections", o.GRPCConnections, 1, 100_000)
	d.between("otlp.delta_series", o.DeltaSeries, 1, 10_000_000)
	for name, p := range o.Prices {
		a := at{path: "otlp.prices"}.key(name)
		for key, v := range map[string]*float64{"input": &p.Input, "output": &p.Output, "cached_input": p.CachedInput} {
			if v != nil && (!(*v >= 0) || math.IsInf(*v, 1)) {
				d.semantic(a.key(key).path, "%s is not what a million tokens cost", fmt.Sprint(*v))
			}
		}
	}
}

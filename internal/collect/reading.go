package collect

import "github.com/prometheus/prometheus/model/labels"

// Reading is one number that was measured on a machine: by collect/host or
// collect/gpu, for the series of this server or of the one an agent sends to.
type Reading struct {
	Labels labels.Labels // __name__ and host among them
	T      int64         // unix milliseconds
	Value  float64
}

// Name is the series' name.
func (r Reading) Name() string { return r.Labels.Get(labels.MetricName) }

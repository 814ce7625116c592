package demo

import (
	"math"
	"math/rand/v2"
)

// sample is one case: what the service is told of it, and what is true.
type sample struct {
	features map[string]any
	truth    any
}

// answer is what a model says.
type answer struct {
	Prediction any                `json:"prediction"`
	Score      *float64           `json:"score,omitempty"`
	Scores     map[string]float64 `json:"scores,omitempty"`
}

// version is one trained model.
type version struct {
	name    string
	predict func(features map[string]any) answer
}

// subject is a model with its world.
type subject struct {
	name, title, task, positive string
	segments                    []string // features to cut by
	perSecond                   float64  // live requests, the mean of a day
	perMinute                   float64  // rows of history, the mean of a day
	latencyMS                   float64  // the median
	errorRate                   float64
	draw                        func(r *rand.Rand, drift float64) sample
	old, new                    version
}

// subjects draws the training data and trains the models.
func subjects(seed uint64) []*subject {
	return []*subject{creditRisk(stream(seed, 1)), deliveryTime(stream(seed, 2)), ticketRouter(stream(seed, 3))}
}

// stream is a source of randomness of its own for each use.
func stream(seed, use uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, use)) }

func draws(r *rand.Rand, n int, draw func(*rand.Rand, float64) sample) []sample {
	out := make([]sample, n)
	for i := range out {
		out[i] = draw(r, 0)
	}
	return out
}

// normal is a normal number within bounds.
func normal(r *rand.Rand, mean, dev float64, bounds ...float64) float64 {
	v := mean + dev*r.NormFloat64()
	if len(bounds) == 2 {
		v = min(max(v, bounds[0]), bounds[1])
	}
	return v
}

// rounded keeps a number of decimals, as forms and sensors do.
func rounded(v float64, decimals int) float64 {
	p := math.Pow(10, float64(decimals))
	return math.Round(v*p) / p
}

// weighted picks a value by weight.
func weighted(r *rand.Rand, values []string, weights []float64) string {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	x := r.Float64() * total
	for i, w := range weights {
		if x -= w; x < 0 {
			return values[i]
		}
	}
	return values[len(values)-1]
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

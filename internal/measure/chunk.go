package measure

import "math"

// The statistics of chunks of rows, by NannyML's definitions
// (nannyml/thresholds.py, nannyml/data_quality/missing/calculator.py): the
// chunks of the reference say what is usual for a number, and a chunk alerts
// outside of that.
const (
	chunkDeviations     = 3 // about the mean of the reference's chunks
	chunkSamplingErrors = 3 // about the value of a chunk
)

// ChunkLimits is where a number of a chunk is expected to lie. Both ends
// belong to it.
type ChunkLimits struct{ Lower, Upper float64 }

// LimitsOfChunks is the mean of the values of the reference's chunks and three
// standard deviations (ddof 0) to either side, within [least, most], what the
// number can be at all. NaN stands for a chunk that has no value and is left
// out; without any value nothing is outside.
func LimitsOfChunks(values []float64, least, most float64) ChunkLimits {
	var n, sum float64
	for _, v := range values {
		if !math.IsNaN(v) {
			n++
			sum += v
		}
	}
	if n == 0 {
		return ChunkLimits{least, most}
	}
	mean, squares := sum/n, 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			squares += (v - mean) * (v - mean)
		}
	}
	reach := chunkDeviations * math.Sqrt(squares/n)
	return ChunkLimits{max(mean-reach, least), min(mean+reach, most)}
}

// Alerts tells whether a value lies outside. NaN does not: it is no value.
func (l ChunkLimits) Alerts(v float64) bool { return v < l.Lower || v > l.Upper }

// ChunkRate is a share of the rows of one chunk, with what chance does to it.
type ChunkRate struct {
	Rate float64
	// SamplingError is the standard deviation that the rate of the whole
	// reference has in as many rows as the chunk's.
	SamplingError float64
	Low, High     float64 // three sampling errors about the rate, within [0, 1]
}

// RateOfChunk is k of n rows of a chunk where the reference's rate is usual.
func RateOfChunk(k, n int64, usual float64) ChunkRate {
	c := ChunkRate{Rate: math.NaN(), SamplingError: math.NaN(), Low: 0, High: 1}
	if n <= 0 {
		return c
	}
	c.Rate = float64(k) / float64(n)
	c.SamplingError = math.Sqrt(usual * (1 - usual) / float64(n))
	reach := chunkSamplingErrors * c.SamplingError
	c.Low, c.High = max(0, c.Rate-reach), min(1, c.Rate+reach)
	return c
}

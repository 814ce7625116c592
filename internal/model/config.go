package model

import (
	"log/slog"
	"time"
)

// Config is what the registry needs; zero values mean the defaults.
type Config struct {
	Dir         string
	MaxModels   int // 1,000
	MaxFeatures int // 1,000 a model
	MaxVersions int // 1,000 a model
	MaxSegments int // 100 values a model, and OtherSegment once in each field
	// MaxSegmentFields is how many fields a model is cut by; 20.
	MaxSegmentFields int
	// MaxLabelsOnly is how many models may be known by labels alone; 100, beside
	// MaxModels, so that labels under wrong names take no model's place. When
	// they are so many, a new one takes the place of the oldest, whose labels
	// then join nothing, if that one has waited for a day; else it is refused.
	MaxLabelsOnly int
	// LateAfter is how old a live row may be to count for Model.FirstEvent; 1 h.
	LateAfter time.Duration
	// Centres chooses the centres of a feature's grid from its first values, which
	// it may sort: one or more, ascending; the median when nil.
	Centres func([]float64) []float64
	Logger  *slog.Logger
	Now     func() time.Time
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		v   *int
		def int
	}{{&c.MaxModels, 1000}, {&c.MaxFeatures, 1000}, {&c.MaxSegments, 100}, {&c.MaxVersions, 1000}, {&c.MaxSegmentFields, 20}, {&c.MaxLabelsOnly, 100}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if c.LateAfter <= 0 {
		c.LateAfter = time.Hour
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Centres == nil {
		c.Centres = median
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

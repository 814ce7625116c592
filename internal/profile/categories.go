package profile

import (
	"maps"
	"math"
	"slices"

	"github.com/zeebo/xxh3"
)

// MaxCategories is how many values of a column are counted by name.
const MaxCategories = 1000

// Categories is a column of strings. Past MaxCategories those with the least
// hash stay: each subset of the rows keeps them too, so their counts are
// complete in any order of merging.
type Categories struct {
	N      int64 // all, named or not
	Other  int64 // those whose name is not kept
	Counts map[string]int64
}

// Merge adds o to c. The cap is fixed, so limit does not matter.
func (c *Categories) Merge(o *Categories, limit int) {
	c.N += o.N
	c.Other += o.Other
	if c.Counts == nil {
		c.Counts = maps.Clone(o.Counts)
		return
	}
	for value, n := range o.Counts {
		c.Counts[value] += n
	}
	c.trim()
}

// trim drops the names past the cap.
func (c *Categories) trim() {
	if len(c.Counts) <= MaxCategories {
		return
	}
	last := leastHashes(maps.Keys(c.Counts), len(c.Counts), MaxCategories)
	for value, n := range c.Counts {
		if xxh3.HashString(value) > last {
			c.Other += n
			delete(c.Counts, value)
		}
	}
}

// leastHashes is the keep-th least hash of total names.
func leastHashes(names func(func(string) bool), total, keep int) uint64 {
	hashes := make([]uint64, 0, total)
	for name := range names {
		hashes = append(hashes, xxh3.HashString(name))
	}
	slices.Sort(hashes)
	return hashes[keep-1]
}

// Distinct is the number of different values: exact up to MaxCategories, an
// estimate with a standard error of about 3 % above.
func (c *Categories) Distinct() int64 {
	kept := len(c.Counts)
	if c.Other == 0 || kept == 0 {
		return int64(kept)
	}
	last := leastHashes(maps.Keys(c.Counts), kept, kept)
	return int64(float64(kept-1) / (float64(last) / math.MaxUint64))
}

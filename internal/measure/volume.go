package measure

import "slices"

// Reasons why there is no volume and no age.
const (
	NoHistory = "no_history" // fewer than three windows of before to compare with
	NeverUsed = "never_used" // there is usually nothing in these windows
)

// leastHistory is how many windows of before make a usual one.
const leastHistory = 3

// Volume is the rows of a window over those of a usual one: the median of
// windows of the same length before it, at the same time of other days.
func Volume(rows int64, before []int64) Value {
	if len(before) < leastHistory {
		return undefined(NoHistory, int64(len(before)))
	}
	usual := Median(before)
	if usual == 0 {
		return undefined(NeverUsed, int64(len(before)))
	}
	v := defined(float64(rows)/usual, int64(len(before)))
	v.Method = "median"
	return v
}

// Median is the middle one, or the mean of the two in the middle; 0 of none.
func Median(values []int64) float64 {
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n == 0 {
		return 0
	} else if n%2 == 1 {
		return float64(s[n/2])
	} else {
		return (float64(s[n/2-1]) + float64(s[n/2])) / 2
	}
}

// Age is how long before now the newest row is, in ms; a row of the future has
// none.
func Age(newest, now int64) float64 { return float64(max(0, now-newest)) }

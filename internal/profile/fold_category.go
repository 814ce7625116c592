package profile

import (
	"maps"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/zeebo/xxh3"
)

// names is the open form of Categories.
type names struct {
	at     map[string]int32 // into values and counts
	values []string
	counts []int64
	// guess is where the entries of the last dictionary stand: clients tend to
	// send the same one again, and to compare is cheaper than to hash.
	guess []int32

	n, other int64
	last     uint64 // the greatest hash that is still kept; 0 before the first trim
}

// namesBeforeTrim bounds the open form.
const namesBeforeTrim = 4 * MaxCategories

// add counts a column. The empty string is absence.
func (c *names) add(f *Folder, d *event.Dict, rows []int32) {
	if !d.Present() || len(d.Values) == 0 {
		return
	}
	if rows == nil {
		counts := f.countCodes(d.Codes, len(d.Values))
		for code := range d.Values {
			if n := counts[code]; n != 0 {
				c.count(code, d.Values[code], n)
			}
		}
		return
	}
	if cap(f.codes) < len(d.Values) {
		f.codes = make([]int64, len(d.Values))
	}
	counts := f.codes[:len(d.Values)]
	for _, r := range rows {
		if code := d.Codes[r]; code >= 0 {
			counts[code] = 0
		}
	}
	for _, r := range rows {
		if code := d.Codes[r]; code >= 0 {
			counts[code]++
		}
	}
	for _, r := range rows {
		if code := d.Codes[r]; code >= 0 && counts[code] != 0 {
			c.count(int(code), d.Values[code], counts[code])
			counts[code] = 0
		}
	}
}

// countCodes is how often each code of a whole column occurs. Neighbours go to
// the two halves of the counts in turn, as in dense.
func (f *Folder) countCodes(codes []int32, size int) []int64 {
	if cap(f.codes) < 2*(size+1) {
		f.codes = make([]int64, 2*(size+1))
	}
	a, b := f.codes[:size+1], f.codes[size+1:][:size+1]
	clear(a)
	clear(b)
	for len(codes) >= 4 {
		c := (*[4]int32)(codes)
		codes = codes[4:]
		a[uint32(c[0]+1)]++ // a null is code -1
		b[uint32(c[1]+1)]++
		a[uint32(c[2]+1)]++
		b[uint32(c[3]+1)]++
	}
	for _, code := range codes {
		a[uint32(code+1)]++
	}
	for i := range a {
		a[i] += b[i]
	}
	return a[1:]
}

// count adds n of the dictionary's entry.
func (c *names) count(code int, value string, n int64) {
	if value == "" {
		return
	}
	c.n += n
	if code < len(c.guess) {
		if at := c.guess[code]; at >= 0 && c.values[at] == value {
			c.counts[at] += n
			return
		}
	}
	at, ok := c.at[value]
	if !ok {
		if c.last != 0 && xxh3.HashString(value) > c.last {
			c.other += n
			return
		}
		at = c.enter(value)
	}
	c.counts[at] += n
	c.remember(code, at)
	if len(c.values) >= namesBeforeTrim {
		c.trim()
	}
}

func (c *names) enter(value string) int32 {
	if c.at == nil {
		c.at = make(map[string]int32)
	}
	at := int32(len(c.values))
	value = strings.Clone(value)
	c.at[value] = at
	c.values, c.counts = append(c.values, value), append(c.counts, 0)
	return at
}

func (c *names) remember(code int, at int32) {
	if code >= namesBeforeTrim {
		return
	}
	for len(c.guess) <= code {
		c.guess = append(c.guess, -1)
	}
	c.guess[code] = at
}

// trim keeps the names with the least hashes.
func (c *names) trim() {
	c.last = leastHashes(maps.Keys(c.at), len(c.at), MaxCategories)
	values, counts := c.values, c.counts
	c.values, c.counts, c.guess = nil, nil, nil
	clear(c.at)
	for i, value := range values {
		if xxh3.HashString(value) > c.last {
			c.other += counts[i]
			continue
		}
		c.counts[c.enter(value)] = counts[i]
	}
}

func (c *names) close() *Categories {
	if c.n == 0 {
		return nil
	}
	out := &Categories{N: c.n, Other: c.other, Counts: make(map[string]int64, len(c.values))}
	for i, value := range c.values {
		out.Counts[value] = c.counts[i]
	}
	out.trim()
	return out
}

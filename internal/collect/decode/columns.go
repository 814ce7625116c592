package decode

import (
	"hash/maphash"
	"math"
	"slices"
	"strconv"

	"github.com/leewayhq/leeway/internal/event"
)

// The columns below are under construction. Each takes values by row number,
// in growing order; rows that were skipped are null. truncate forgets a row
// that turned out bad.

// numCol is a column of numbers.
type numCol struct {
	values []float64
	valid  []byte // nil while each row so far has a value
}

func (c *numCol) put(row int, v float64) {
	if c.valid != nil || len(c.values) != row {
		c.pad(row)
		c.mark(row)
	}
	c.values = append(c.values, v)
}

// pad makes the rows up to n null.
func (c *numCol) pad(n int) {
	if c.valid == nil {
		if len(c.values) >= n {
			return
		}
		c.valid = make([]byte, (len(c.values)+7)/8, n/8+8)
		for i := range c.values {
			c.valid[i>>3] |= 1 << (i & 7)
		}
	}
	for i := len(c.values); i < n; i++ {
		c.bit(i, 0)
		c.values = append(c.values, 0)
	}
}

// mark says that the row about to be appended has a value.
func (c *numCol) mark(row int) {
	if c.valid != nil {
		c.bit(row, 1)
	}
}

func (c *numCol) bit(i int, v byte) {
	if i>>3 >= len(c.valid) {
		c.valid = append(c.valid, 0)
	}
	c.valid[i>>3] = c.valid[i>>3]&^(1<<(i&7)) | v<<(i&7)
}

func (c *numCol) truncate(n int) { c.values = c.values[:min(n, len(c.values))] }

// column is the finished column of n rows; absent when no row had a value and
// it is not wanted all the same.
func (c *numCol) column(name string, n int, wanted bool) event.Num {
	if n == 0 {
		return event.Num{}
	}
	c.pad(n)
	if !wanted && c.empty() {
		return event.Num{}
	}
	out := event.Num{Name: name, Values: c.values[:n]}
	if c.valid != nil {
		out.Valid = c.valid[:(n+7)/8]
		if n&7 != 0 {
			out.Valid[n>>3] &= 1<<(n&7) - 1 // equal columns have equal bytes
		}
	}
	return out
}

// empty tells whether no row has a value.
func (c *numCol) empty() bool {
	if c.valid == nil {
		return len(c.values) == 0
	}
	for i := range c.values {
		if c.valid[i>>3]>>(i&7)&1 == 1 {
			return false
		}
	}
	return true
}

func (c *numCol) null(i int) bool {
	return i >= len(c.values) || c.valid != nil && c.valid[i>>3]>>(i&7)&1 == 0
}

// dict gives strings their codes. Only distinct strings are copied.
type dict struct {
	values []string
	table  []uint64 // upper half hash, lower half code+1; 0 is free
	seed   maphash.Seed
}

// fewValues are compared one by one; a request of one row needs no table.
const fewValues = 4

func (d *dict) code(s []byte) int32 {
	if d.table == nil {
		for i, v := range d.values {
			if v == string(s) {
				return int32(i)
			}
		}
		if len(d.values) < fewValues {
			d.values = append(d.values, string(s))
			return int32(len(d.values) - 1)
		}
	}
	if len(d.values)*2 >= len(d.table) {
		d.grow()
	}
	h := maphash.Bytes(d.seed, s)
	mask := uint64(len(d.table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		e := d.table[i]
		if e == 0 {
			d.values = append(d.values, string(s))
			d.table[i] = h&^math.MaxUint32 | uint64(len(d.values))
			return int32(len(d.values) - 1)
		}
		if e>>32 == h>>32 {
			if code := uint32(e) - 1; d.values[code] == string(s) {
				return int32(code)
			}
		}
	}
}

func (d *dict) grow() {
	if d.table == nil {
		d.seed = maphash.MakeSeed()
	}
	d.table = make([]uint64, max(16, 2*len(d.table)))
	mask := uint64(len(d.table) - 1)
	for code, s := range d.values {
		h := maphash.String(d.seed, s)
		i := h & mask
		for d.table[i] != 0 {
			i = (i + 1) & mask
		}
		d.table[i] = h&^math.MaxUint32 | uint64(code+1)
	}
}

// catCol is a column of strings by code.
type catCol struct {
	codes []int32
	dict  dict
}

func (c *catCol) put(row int, s []byte) { c.putCode(row, c.dict.code(s)) }

func (c *catCol) putCode(row int, code int32) {
	if len(c.codes) != row {
		c.pad(row)
	}
	c.codes = append(c.codes, code)
}

func (c *catCol) pad(n int) {
	for len(c.codes) < n {
		c.codes = append(c.codes, -1)
	}
}

func (c *catCol) truncate(n int) { c.codes = c.codes[:min(n, len(c.codes))] }

func (c *catCol) column(name string, n int) event.Dict {
	if !slices.ContainsFunc(c.codes, func(code int32) bool { return code >= 0 }) {
		return event.Dict{}
	}
	c.pad(n)
	return event.Dict{Name: name, Codes: c.codes[:n], Values: c.dict.values}
}

// textCol is a column of strings one after the other.
type textCol struct {
	offsets []uint32 // ends; the first row starts at 0
	data    []byte
}

func (c *textCol) put(row int, s []byte) {
	c.pad(row)
	c.data = append(c.data, s...)
	c.offsets = append(c.offsets, uint32(len(c.data)))
}

func (c *textCol) pad(n int) {
	if len(c.offsets) == 0 {
		c.offsets = append(c.offsets, 0)
	}
	for len(c.offsets) < n+1 {
		c.offsets = append(c.offsets, uint32(len(c.data)))
	}
}

func (c *textCol) truncate(n int) {
	if len(c.offsets) > n+1 {
		c.offsets = c.offsets[:n+1]
		c.data = c.data[:c.offsets[n]]
	}
}

func (c *textCol) column(n int) event.Text {
	if len(c.data) == 0 {
		return event.Text{}
	}
	c.pad(n)
	return event.Text{Offsets: c.offsets, Data: c.data}
}

// maxCoded is how many distinct numbers a prediction or label may take and
// still be a class.
const maxCoded = 1000

// scalarCol is a prediction or a label: numbers, strings or both. While all
// are numbers it is a column of numbers, and a column of classes too as long as
// they are few; one string makes all of them classes.
type scalarCol struct {
	nums  numCol
	cats  catCol
	codes map[uint64]int32 // of a number's bits
	cache [8]struct {
		bits uint64
		code int32 // plus 1
	}
	strings bool // at least one row had one; it may have been forgotten
	over    bool // too many distinct numbers to code on the way
}

// uncoded stands for a number whose class is not looked up unless needed.
const uncoded = -2

func (c *scalarCol) putNum(row int, v float64) {
	if v == 0 {
		v = 0 // minus zero is the same class
	}
	c.nums.put(row, v)
	c.cats.putCode(row, c.numCode(v))
}

func (c *scalarCol) putString(row int, s []byte) {
	c.cats.put(row, s)
	c.strings = true
}

func (c *scalarCol) numCode(v float64) int32 {
	if c.over {
		return uncoded
	}
	b := math.Float64bits(v)
	e := &c.cache[b*0x9e3779b97f4a7c15>>61]
	if e.bits == b && e.code > 0 {
		return e.code - 1
	}
	code, ok := c.codes[b]
	if !ok {
		if len(c.codes) >= maxCoded {
			c.over = true
			return uncoded
		}
		if c.codes == nil {
			c.codes = map[uint64]int32{}
		}
		code = c.cats.dict.code(appendNumber(nil, v))
		c.codes[b] = code
	}
	e.bits, e.code = b, code+1
	return code
}

func (c *scalarCol) truncate(n int) {
	c.nums.truncate(n)
	c.cats.truncate(n)
}

// columns are the finished classes and numbers.
func (c *scalarCol) columns(n int) (event.Dict, event.Num) {
	if c.hasStrings() {
		var buf []byte
		for i, code := range c.cats.codes {
			if code == uncoded {
				buf = appendNumber(buf[:0], c.nums.values[i])
				c.cats.codes[i] = c.cats.dict.code(buf)
			}
		}
		return c.cats.column("", n), event.Num{}
	}
	if c.over {
		return event.Dict{}, c.nums.column("", n, false)
	}
	return c.cats.column("", n), c.nums.column("", n, false)
}

func (c *scalarCol) hasStrings() bool {
	if !c.strings {
		return false
	}
	for i, code := range c.cats.codes {
		if code >= 0 && c.nums.null(i) {
			return true
		}
	}
	return false
}

// appendNumber writes a number as the name of a class: 1, not 1.0, so that the
// formats meet.
func appendNumber(dst []byte, v float64) []byte {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

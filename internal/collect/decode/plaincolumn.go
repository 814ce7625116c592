package decode

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

func isLimit(err error) bool { return errors.Is(err, ErrTooLarge) }

// plainColumn is a column that was read value by value: as numbers, as times,
// as text where each row is its own, or as strings by code.
type plainColumn struct {
	meaning
	mem       *boundedMemory
	longest   int // string that any role allows
	rows, row int
	maxDef    int16
	asText    bool // ids: strings are not looked up, whole numbers keep all digits
	physical  parquet.Type
	nums      numCol
	times     bool // nums are unix ms
	cats      catCol
	lines     textCol
	buf       []byte
	lists     *parquetLists // of a column of lists, whose items are the rows; else nil
}

func newPlainColumn(d *schema.Column, rows int, o *Options, mem *boundedMemory) *plainColumn {
	return &plainColumn{
		mem: mem, longest: max(o.Limits.String, o.Limits.IDBytes),
		meaning: meaningOf(d), rows: rows, maxDef: d.MaxDefinitionLevel(),
		physical: d.PhysicalType(),
	}
}

func (c *plainColumn) putBool(v bool) {
	c.buf = strconv.AppendBool(c.buf[:0], v)
	c.putString(c.buf)
}

func (c *plainColumn) putFloat(v float64) {
	if c.asText {
		c.putString(appendNumber(c.buf[:0], v))
		return
	}
	c.nums.put(c.row, v)
}

func (c *plainColumn) putInt(v int64) {
	switch {
	case c.perMilli > 0:
		c.putMillis(floorDiv(v, c.perMilli) * c.perUnit)
	case c.decimal:
		c.putFloat(float64(v) / math.Pow10(int(c.scale)))
	case c.unsigned && c.physical == parquet.Types.Int32:
		c.putUnsigned(uint64(uint32(v)))
	case c.unsigned:
		c.putUnsigned(uint64(v))
	case c.asText:
		c.putString(strconv.AppendInt(c.buf[:0], v, 10))
	default:
		c.nums.put(c.row, float64(v))
	}
}

func (c *plainColumn) putUnsigned(v uint64) {
	if c.asText {
		c.putString(strconv.AppendUint(c.buf[:0], v, 10))
		return
	}
	c.nums.put(c.row, float64(v))
}

func (c *plainColumn) putMillis(ms int64) {
	c.times = true
	c.nums.put(c.row, float64(ms))
}

func (c *plainColumn) putBytes(v []byte) {
	if c.decimal {
		c.putFloat(bigEndian(v) / math.Pow10(int(c.scale)))
		return
	}
	c.putString(v)
}

// bigEndian is a two's complement number of any width.
func bigEndian(v []byte) float64 {
	n := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
	}
	f, _ := n.Float64()
	return f
}

// putString keeps a string, or as much of it as shows that it is too long, and
// counts what is kept: pages of a file may unfold to many times its size.
func (c *plainColumn) putString(s []byte) {
	s = s[:min(len(s), c.longest+1)]
	switch {
	case len(s) == 0:
	case c.asText:
		c.mem.take(len(s))
		c.lines.put(c.row, s)
	default:
		before := len(c.cats.dict.values)
		if c.cats.put(c.row, s); len(c.cats.dict.values) > before {
			c.mem.take(len(s) + 32)
		}
	}
}

func (c *plainColumn) numbers() ([]float64, []byte, bool) {
	if len(c.lines.data) > 0 || len(c.cats.codes) > 0 || c.strings() {
		return nil, nil, false
	}
	n := c.nums.column("", c.rows, true)
	return n.Values, n.Valid, true
}

// strings tells whether the column's type is text even where no row has any.
func (c *plainColumn) strings() bool {
	switch c.physical {
	case parquet.Types.Boolean:
		return true
	case parquet.Types.ByteArray, parquet.Types.FixedLenByteArray:
		return !c.decimal
	}
	return false
}

func (c *plainColumn) text(fn func(int, []byte)) {
	switch {
	case len(c.lines.data) > 0:
		t := c.lines.column(c.rows)
		for row := range c.rows {
			if s := t.At(row); len(s) > 0 {
				fn(row, s)
			}
		}
	case len(c.cats.codes) > 0:
		for row, code := range c.cats.codes {
			if code >= 0 {
				fn(row, []byte(c.cats.dict.values[code]))
			}
		}
	default:
		for row, v := range c.nums.values {
			if !c.nums.null(row) {
				fn(row, appendNumber(c.buf[:0], v))
			}
		}
	}
}

func (c *plainColumn) codes() ([]int32, []string) {
	if len(c.cats.codes) > 0 {
		c.cats.pad(c.rows)
		return c.cats.codes, c.cats.dict.values
	}
	var out catCol
	c.text(func(row int, s []byte) { out.put(row, s) })
	out.pad(c.rows)
	return out.codes, out.dict.values
}

func (c *plainColumn) millis(k *clock, fn func(int, int64, error)) {
	if len(c.cats.codes) > 0 {
		c.text(func(row int, s []byte) {
			ms, err := k.text(s)
			fn(row, ms, err)
		})
		return
	}
	for row, v := range c.nums.values {
		if c.nums.null(row) {
			continue
		}
		ms, err := int64(v), error(nil)
		if !c.times {
			ms, err = unixNumber(v)
		} else if c.naive && k.zone != time.UTC {
			ms = inZone(ms, k.zone)
		}
		fn(row, ms, err)
	}
}

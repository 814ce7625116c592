package decode

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// Parquet decodes a Parquet file with flat columns. Columns are read by the
// physical readers, one after another in this goroutine: the library's Arrow
// readers open columns in goroutines of their own, where a damaged file's panic
// would end the process.
func Parquet(body []byte, o *Options) (res *Result, err error) {
	if o, err = o.resolve(body); err != nil {
		return nil, err
	}
	defer recovered("Parquet file", &err)
	mem := newBoundedMemory(&o.Limits)
	props := parquet.NewReaderProperties(mem)
	props.MaxUncompressedPageSize = o.Limits.BodyBytes
	props.MaxCompressedPageSize = o.Limits.BodyBytes
	f, err := file.NewParquetReader(bytes.NewReader(body), file.WithReadProps(props))
	if err != nil {
		return nil, parquetError(err)
	}
	defer f.Close()
	leaves := f.MetaData().Schema
	names := make([]string, leaves.NumColumns())
	lists := make([]bool, len(names))
	for i := range names {
		names[i] = leaves.Column(i).Path()
		if lists[i] = o.parquetList(leaves, i); lists[i] {
			names[i] = leaves.Column(i).ColumnPath()[0]
		}
	}
	p, err := o.plan(names, lists...)
	if err != nil {
		return nil, err
	}
	if f.NumRows() < 0 || f.NumRows() > int64(o.Limits.Rows) {
		return nil, &LimitError{What: "rows in one request", Limit: int64(o.Limits.Rows)}
	}
	rows := int(f.NumRows())
	if err := o.shape(rows, len(names)); err != nil {
		return nil, err
	}
	t := newTable(o, rows)
	t.report = p.warnings
	for i, r := range p.roles {
		if r == roleNone {
			continue
		}
		d := leaves.Column(i)
		if lists[i] {
			if err := t.addParquetList(f, i, r, mem); err != nil {
				return nil, parquetError(fmt.Errorf("column %s: %w", clip(names[i]), err))
			}
			continue
		}
		if d.MaxRepetitionLevel() > 0 || len(d.ColumnPath()) > 1 {
			t.warn(p.names[i], CodeUnsupported, "a nested column cannot be used")
			continue
		}
		c := newPlainColumn(d, rows, o, mem)
		c.asText = r == roleID
		if err := readColumn(f, i, c); err != nil {
			return nil, parquetError(fmt.Errorf("column %s: %w", clip(names[i]), err))
		}
		t.add(r, p.names[i], c)
	}
	return t.finish(), nil
}

func parquetError(err error) error {
	if isLimit(err) {
		return err
	}
	return unreadable("not a readable Parquet file: %v", err)
}

// batchRows are read at a time.
const batchRows = 1024

// readColumn reads one column of all row groups.
func readColumn(f *file.Reader, at int, c *plainColumn) error {
	for g := range f.NumRowGroups() {
		chunk, err := f.RowGroup(g).Column(at)
		if err != nil {
			return err
		}
		if err := c.read(chunk); err != nil {
			return err
		}
	}
	if c.lists != nil {
		return c.lists.finish()
	}
	if c.row != c.rows {
		return fmt.Errorf("%d values for %d rows", c.row, c.rows)
	}
	return nil
}

// read takes a chunk's values in.
func (c *plainColumn) read(chunk file.ColumnChunkReader) error {
	switch r := chunk.(type) {
	case *file.BooleanColumnChunkReader:
		return readAll(c, r, c.putBool)
	case *file.Int32ColumnChunkReader:
		return readAll(c, r, func(v int32) { c.putInt(int64(v)) })
	case *file.Int64ColumnChunkReader:
		return readAll(c, r, c.putInt)
	case *file.Int96ColumnChunkReader:
		return readAll(c, r, func(v parquet.Int96) { c.putMillis(v.ToTime().UnixMilli()) })
	case *file.Float32ColumnChunkReader:
		return readAll(c, r, func(v float32) { c.putFloat(float64(v)) })
	case *file.Float64ColumnChunkReader:
		return readAll(c, r, c.putFloat)
	case *file.ByteArrayColumnChunkReader:
		return readAll(c, r, func(v parquet.ByteArray) { c.putBytes(v) })
	case *file.FixedLenByteArrayColumnChunkReader:
		return readAll(c, r, func(v parquet.FixedLenByteArray) { c.putBytes(v) })
	}
	return fmt.Errorf("values of type %v cannot be read", chunk.Type())
}

// values are the values of one physical type in a chunk.
type values[T any] interface {
	HasNext() bool
	ReadBatchInPage(n int64, into []T, defs, reps []int16) (total int64, read int, err error)
	Err() error
}

// readAll calls put for each value that is there and steps over the nulls.
func readAll[T any](c *plainColumn, from values[T], put func(T)) error {
	var batch [batchRows]T
	var defs [batchRows]int16
	var reps []int16
	if c.lists != nil {
		reps = make([]int16, batchRows)
	}
	for from.HasNext() {
		total, n, err := from.ReadBatchInPage(batchRows, batch[:], defs[:], reps)
		if err != nil {
			return err
		}
		if total == 0 || c.row+int(total) > c.rows || c.lists != nil && len(c.lists.ends) > c.lists.rows {
			return fmt.Errorf("more values than the file's %d rows", c.rows)
		}
		next := 0
		for i := range int(total) {
			if c.lists != nil && !c.lists.item(reps[i], defs[i]) {
				continue
			}
			if c.maxDef == 0 || defs[i] == c.maxDef {
				if next >= n {
					return fmt.Errorf("fewer values than row %d needs", c.row)
				}
				put(batch[next])
				next++
			}
			c.row++
		}
	}
	return from.Err()
}

// meaningOf tells what a column's numbers or bytes stand for.
func meaningOf(d *schema.Column) (m meaning) {
	switch t := d.LogicalType().(type) {
	case schema.TimestampLogicalType:
		m.perMilli, m.perUnit = 1, 1
		switch t.TimeUnit() {
		case schema.TimeUnitMicros:
			m.perMilli = 1e3
		case schema.TimeUnitNanos:
			m.perMilli = 1e6
		}
		m.naive = !t.IsAdjustedToUTC()
	case schema.DateLogicalType:
		m.perMilli, m.perUnit, m.naive = 1, 86_400_000, true
	case schema.DecimalLogicalType:
		m.decimal, m.scale = true, t.Scale()
	case schema.IntLogicalType:
		m.unsigned = !t.IsSigned()
	}
	return m
}

// meaning is a column's logical type, as far as it changes its values.
type meaning struct {
	perMilli int64 // stored units in a millisecond; 0 when they are no times
	perUnit  int64 // milliseconds in a stored unit
	naive    bool  // a time without a zone
	decimal  bool
	scale    int32
	unsigned bool
}

package decode

import (
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/leewayhq/leeway/internal/event"
)

// ParquetFile reads a file of any number of rows a column at a time, for who
// has no room for all of them. It is not safe for concurrent use; a second one
// on the same file is cheap.
type ParquetFile struct {
	o    *Options
	f    *file.Reader
	plan *plan
	mem  *boundedMemory
}

// OpenParquet reads the footer; r is read from until the file is no longer used.
// The limits of o hold for pages and strings, not for the number of rows.
func OpenParquet(r parquet.ReaderAtSeeker, o *Options) (p *ParquetFile, err error) {
	if o, err = o.resolve(nil); err != nil {
		return nil, err
	}
	defer recovered("Parquet file", &err)
	p = &ParquetFile{o: o, mem: newBoundedMemory(&o.Limits)}
	props := parquet.NewReaderProperties(p.mem)
	props.MaxUncompressedPageSize = o.Limits.BodyBytes
	props.MaxCompressedPageSize = o.Limits.BodyBytes
	if p.f, err = file.NewParquetReader(r, file.WithReadProps(props)); err != nil {
		return nil, parquetError(err)
	}
	if p.f.NumRows() < 0 || p.f.NumRows() > event.MaxRows<<4 {
		return nil, &LimitError{What: "rows in one file", Limit: event.MaxRows << 4}
	}
	leaves := p.f.MetaData().Schema
	names := make([]string, leaves.NumColumns())
	for i := range names {
		names[i] = leaves.Column(i).Path()
	}
	p.plan, err = o.plan(names)
	return p, err
}

// Rows is how many rows the file says it has.
func (p *ParquetFile) Rows() int { return int(p.f.NumRows()) }

// Features are the names of the feature columns that can be read.
func (p *ParquetFile) Features() (names []string) {
	for i, r := range p.plan.roles {
		if r == roleFeature && p.flat(i) {
			names = append(names, p.plan.names[i])
		}
	}
	return names
}

// flat tells whether a column is one value a row.
func (p *ParquetFile) flat(i int) bool {
	d := p.f.MetaData().Schema.Column(i)
	return d.MaxRepetitionLevel() == 0 && len(d.ColumnPath()) == 1
}

// Roles reads every column that is no feature. Rows with a fault in them are
// left out; RowIndex tells which stayed.
func (p *ParquetFile) Roles() (res *Result, err error) {
	defer recovered("Parquet file", &err)
	t := newTable(p.o, p.Rows())
	t.report = p.plan.warnings
	for i, r := range p.plan.roles {
		switch {
		case r == roleNone:
		case !p.flat(i):
			t.warn(p.plan.names[i], CodeUnsupported, "a nested column cannot be used")
		case r == roleFeature:
			t.wide = true
		default:
			c, err := p.column(i, r == roleID)
			if err != nil {
				return nil, err
			}
			t.add(r, p.plan.names[i], c)
		}
	}
	return t.finish(), nil
}

// Feature reads one column as numbers or, where it does not hold numbers, as
// strings; the other is absent. All rows are in it, those too that Roles leaves
// out.
func (p *ParquetFile) Feature(name string) (num event.Num, cat event.Dict, err error) {
	defer recovered("Parquet file", &err)
	for i, r := range p.plan.roles {
		if r != roleFeature || p.plan.names[i] != name {
			continue
		}
		c, err := p.column(i, false)
		if err != nil {
			return num, cat, err
		}
		t := &table{o: p.o, n: p.Rows()} // without times: no row is judged here
		t.b.Rows = t.n
		t.add(roleFeature, name, c)
		if len(t.b.Cats) > 0 {
			return num, t.b.Cats[0], nil
		}
		return t.b.Nums[0], cat, nil
	}
	return num, cat, fmt.Errorf("there is no feature %s", clip(name))
}

func (p *ParquetFile) column(i int, asText bool) (*plainColumn, error) {
	c := newPlainColumn(p.f.MetaData().Schema.Column(i), p.Rows(), p.o, p.mem)
	c.asText = asText
	if !asText && !c.strings() {
		// The footer may lie about the rows; what it says beyond this is grown to.
		c.nums.values = make([]float64, 0, min(c.rows, event.MaxRows))
	}
	if err := readColumn(p.f, i, c); err != nil {
		return nil, parquetError(fmt.Errorf("column %s: %w", clip(p.plan.names[i]), err))
	}
	return c, nil
}

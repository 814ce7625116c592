package decode

import (
	"fmt"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// parquetList tells whether a leaf holds the items of a ranking: it is the only
// one of its column, and repeated once.
func (o *Options) parquetList(leaves *schema.Schema, i int) bool {
	d := leaves.Column(i)
	root := d.ColumnPath()[0]
	if o.listRole(root) == roleNone || d.MaxRepetitionLevel() != 1 {
		return false
	}
	for j := range leaves.NumColumns() {
		if j != i && leaves.Column(j).ColumnPath()[0] == root {
			return false // a map, or a list of more than ids
		}
	}
	return true
}

// parquetLists says which items of a column stand in which row.
type parquetLists struct {
	rows  int // of the file
	def   int16
	items uint32
	ends  []uint32 // by row: how many items stand before its end
	null  []bool
}

// item takes a level in; there is an item at it, or the list is null or empty.
func (l *parquetLists) item(rep, def int16) bool {
	if rep == 0 {
		l.ends, l.null = append(l.ends, l.items), append(l.null, def < l.def-1)
	}
	if def < l.def || len(l.ends) == 0 {
		return false
	}
	l.items++
	l.ends[len(l.ends)-1] = l.items
	return true
}

func (l *parquetLists) finish() error {
	if len(l.ends) != l.rows {
		return fmt.Errorf("%d lists for %d rows", len(l.ends), l.rows)
	}
	return nil
}

// addParquetList takes a column of lists in.
func (t *table) addParquetList(f *file.Reader, i int, r role, mem *boundedMemory) error {
	d := f.MetaData().Schema.Column(i)
	c := newPlainColumn(d, t.o.Limits.Cells, t.o, mem)
	c.asText = true
	c.lists = &parquetLists{rows: t.n, def: repeatedAt(d)}
	if err := readColumn(f, i, c); err != nil {
		return err
	}
	ids := c.lines.column(int(c.lists.items))
	t.setLists(r, func(l *itemList, row int) bool {
		from := uint32(0)
		if row > 0 {
			from = c.lists.ends[row-1]
		}
		for j := from; j < c.lists.ends[row]; j++ {
			l.addID(ids.At(int(j)), 1, t.o.Limits.IDBytes)
		}
		return !c.lists.null[row]
	})
	return nil
}

// repeatedAt is the definition level from which on a list has an item.
func repeatedAt(d *schema.Column) (level int16) {
	level = d.MaxDefinitionLevel()
	for n := d.SchemaNode(); n != nil; n = n.Parent() {
		switch n.RepetitionType() {
		case parquet.Repetitions.Repeated:
			return level
		case parquet.Repetitions.Optional:
			level--
		}
	}
	return level
}

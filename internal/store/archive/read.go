package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	parquetfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrDamaged is the class of errors about files that cannot be read.
var ErrDamaged = errors.New("damaged file of log lines")

// reader reads one file. All reading is done in the caller's goroutine, where
// the panic of a library on damaged bytes becomes an error.
type reader struct {
	f      *file
	handle vfs.File
	pq     *parquetfile.Reader
	groups []group
}

// guarded turns panics and errors of reading into errors that name the file.
func (a *Archive) guarded(f *file, read func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil {
			err = fmt.Errorf("%w: %s: %w", ErrDamaged, a.path(f), err)
		}
	}()
	return read()
}

func (a *Archive) open(f *file) (r *reader, err error) {
	r = &reader{f: f}
	err = a.guarded(f, func() error {
		if r.handle, err = a.cfg.FS.Open(a.path(f)); err != nil {
			return err
		}
		if r.pq, err = parquetfile.NewParquetReader(io.NewSectionReader(r.handle, 0, f.size)); err != nil {
			return err
		}
		text := r.pq.MetaData().KeyValueMetadata().FindValue(indexKey)
		if text == nil {
			return errors.New("without an index, or of another version")
		}
		if err := json.Unmarshal([]byte(*text), &r.groups); err != nil {
			return err
		}
		if len(r.groups) != r.pq.NumRowGroups() {
			return fmt.Errorf("%d row groups, %d in the index", r.pq.NumRowGroups(), len(r.groups))
		}
		return nil
	})
	if err != nil && r.handle != nil {
		r.close()
	}
	return r, err
}

func (r *reader) close() {
	if r.handle != nil {
		_ = r.handle.Close() // only read from
	}
}

// lines reads row group g.
func (a *Archive) lines(r *reader, g int) (lines []Line, err error) {
	n := r.groups[g].Lines
	if n < 0 || n > groupLines {
		return nil, a.guarded(r.f, func() error { return fmt.Errorf("a row group of %d lines", n) })
	}
	lines = make([]Line, n)
	err = a.guarded(r.f, func() error {
		rg := r.pq.RowGroup(g)
		if rg.NumColumns() != columns.NumFields() {
			return fmt.Errorf("%d columns", rg.NumColumns())
		}
		for c := range rg.NumColumns() {
			chunk, err := rg.Column(c)
			if err != nil {
				return err
			}
			if err := readColumn(chunk, lines, c, r.f.partition); err != nil {
				return fmt.Errorf("column %s: %w", columns.Field(c).Name, err)
			}
		}
		return nil
	})
	return lines, err
}

func readColumn(chunk parquetfile.ColumnChunkReader, lines []Line, column, partition int) error {
	switch r := chunk.(type) {
	case *parquetfile.Int64ColumnChunkReader:
		return readValues(r, len(lines), func(i int, v int64) {
			if column == 0 {
				lines[i].Time = v
			} else {
				lines[i].at.partition, lines[i].at.offset = partition, uint64(v)
			}
		})
	case *parquetfile.Int32ColumnChunkReader:
		return readValues(r, len(lines), func(i int, v int32) { lines[i].at.row = uint32(v) })
	case *parquetfile.ByteArrayColumnChunkReader:
		seen := map[string]string{} // levels and services share their memory
		return readValues(r, len(lines), func(i int, v parquet.ByteArray) {
			s, ok := seen[string(v)]
			if !ok {
				s = string(v)
				if len(seen) < maxListed {
					seen[s] = s
				}
			}
			*lines[i].text(column) = s
		})
	}
	return fmt.Errorf("values of type %v", chunk.Type())
}

func (l *Line) text(column int) *string {
	return []*string{&l.Level, &l.Service, &l.Model, &l.Message, &l.Attrs}[column-3]
}

// values are the values of one physical type in a chunk.
type values[T any] interface {
	HasNext() bool
	ReadBatchInPage(n int64, into []T, defs, reps []int16) (total int64, read int, err error)
	Err() error
}

func readValues[T any](from values[T], want int, put func(int, T)) error {
	var batch [1024]T
	row := 0
	for from.HasNext() {
		total, n, err := from.ReadBatchInPage(int64(len(batch)), batch[:], nil, nil)
		if err != nil {
			return err
		}
		if total == 0 || int(total) != n || row+n > want {
			return fmt.Errorf("more or less than %d values", want)
		}
		for _, v := range batch[:n] {
			put(row, v)
			row++
		}
	}
	if err := from.Err(); err != nil {
		return err
	}
	if row != want {
		return fmt.Errorf("%d values, wanted %d", row, want)
	}
	return nil
}

// fold is the form in which text is compared.
func fold(s string) string { return strings.ToLower(s) }

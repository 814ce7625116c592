package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"sync/atomic"

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
	grams  vfs.File // nil when there are none that can be used
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
		if err := a.readIndex(r); err != nil {
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

// readIndex reads the index of row groups, and opens the grams beside it.
func (a *Archive) readIndex(r *reader) error {
	meta := r.pq.MetaData().KeyValueMetadata()
	if text := meta.FindValue(indexKey); text != nil {
		var ix index
		if err := json.Unmarshal([]byte(*text), &ix); err != nil {
			return err
		}
		r.groups = ix.Groups
		a.openGrams(r, &ix)
		return nil
	}
	if text := meta.FindValue(oldIndexKey); text != nil {
		return json.Unmarshal([]byte(*text), &r.groups)
	}
	return errors.New("without an index, or of another version")
}

// openGrams opens the file of grams. It is read through once, to see that it is
// whole; one that is not is left alone, and the lines are looked at instead.
func (a *Archive) openGrams(r *reader, ix *index) {
	if atomic.LoadInt32(&r.f.checked) == gramsBad {
		return
	}
	h, err := a.cfg.FS.Open(gramsPath(a.path(r.f)))
	if err == nil && atomic.LoadInt32(&r.f.checked) == gramsUnchecked {
		sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
		var n int64
		if n, err = io.Copy(sum, io.NewSectionReader(h, 0, ix.Grams+1)); err == nil && (n != ix.Grams || sum.Sum32() != ix.Sum) {
			err = errors.New("not what the index says")
		}
		atomic.CompareAndSwapInt32(&r.f.checked, gramsUnchecked, gramsGood)
	}
	if err == nil {
		r.grams = h
		return
	}
	if h != nil {
		_ = h.Close() // only read from
	}
	atomic.StoreInt32(&r.f.checked, gramsBad)
	a.cfg.Logger.Warn("a file of the log archive is searched line by line: its grams cannot be used", "file", a.path(r.f), "err", err)
}

func (r *reader) close() {
	if r.grams != nil {
		_ = r.grams.Close() // only read from
	}
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

// holdsText tells whether a line of row group g has the text in its message or
// its attributes. It reads these columns alone and keeps nothing.
func (a *Archive) holdsText(r *reader, g int, m *matcher) (found bool, err error) {
	err = a.guarded(r.f, func() error {
		rg := r.pq.RowGroup(g)
		if rg.NumColumns() != columns.NumFields() {
			return fmt.Errorf("%d columns", rg.NumColumns())
		}
		for _, c := range [...]int{6, 7} { // message, attrs
			if found {
				return nil
			}
			chunk, err := rg.Column(c)
			if err != nil {
				return err
			}
			texts, ok := chunk.(*parquetfile.ByteArrayColumnChunkReader)
			if !ok {
				return fmt.Errorf("values of type %v", chunk.Type())
			}
			if found, err = chunkHolds(texts, m); err != nil {
				return fmt.Errorf("column %s: %w", columns.Field(c).Name, err)
			}
		}
		return nil
	})
	return found, err
}

func chunkHolds(texts *parquetfile.ByteArrayColumnChunkReader, m *matcher) (bool, error) {
	var batch [1024]parquet.ByteArray
	for texts.HasNext() {
		total, n, err := texts.ReadBatchInPage(int64(len(batch)), batch[:], nil, nil)
		if err != nil {
			return false, err
		}
		if total == 0 || int(total) != n {
			return false, fmt.Errorf("%d of %d values", n, total)
		}
		for _, v := range batch[:n] {
			if m.holds(v) {
				return true, nil
			}
		}
	}
	return false, texts.Err()
}

// fold is the form in which text is compared.
func fold(s string) string { return strings.ToLower(s) }

package file

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// parquetFormat reads a Parquet file a batch of rows at a time and hands each
// on as an Arrow stream. Row groups are read page by page.
type parquetFormat struct{}

func (parquetFormat) decode(body []byte, o *decode.Options) (*decode.Result, error) {
	return decode.Arrow(body, o)
}

func (parquetFormat) columns(name string) ([]string, bool, error) {
	f, err := openParquet(name)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	schema := f.MetaData().Schema.Root()
	var names []string
	for i := range schema.NumFields() {
		names = append(names, schema.Field(i).Name())
	}
	return names, false, nil
}

func openParquet(name string) (*file.Reader, error) {
	props := parquet.NewReaderProperties(memory.DefaultAllocator)
	props.BufferedStreamEnabled = true
	f, err := file.OpenParquetFile(name, false, file.WithReadProps(props))
	if err != nil {
		return nil, fmt.Errorf("not a readable Parquet file: %w", err)
	}
	return f, nil
}

func (parquetFormat) open(name string) (source, error) {
	f, err := openParquet(name)
	if err != nil {
		return nil, err
	}
	s := &parquetSource{file: f}
	for g := range f.NumRowGroups() {
		s.bytes += f.MetaData().RowGroup(g).TotalCompressedSize()
	}
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: chunkRows}, memory.DefaultAllocator)
	if err == nil {
		s.rows, err = r.GetRecordReader(context.Background(), nil, nil)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("not a readable Parquet file: %w", err)
	}
	return s, nil
}

type parquetSource struct {
	file  *file.Reader
	rows  pqarrow.RecordReader
	rest  arrow.RecordBatch // of a batch that is larger than a chunk
	step  int64             // rows of rest in a chunk
	done  int64
	bytes int64
}

func (s *parquetSource) close() {
	s.rows.Release()
	s.file.Close()
}

// read estimates the bytes by the share of rows.
func (s *parquetSource) read() int64 {
	if n := s.file.NumRows(); n > 0 {
		return int64(float64(s.bytes) * float64(s.done) / float64(n))
	}
	return 0
}

func (s *parquetSource) next() (*chunk, error) {
	if s.rest == nil {
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
	n := min(s.step, s.rest.NumRows())
	piece := s.rest.NewSlice(0, n)
	defer piece.Release()
	if n == s.rest.NumRows() {
		s.rest = nil
	} else {
		s.rest = s.rest.NewSlice(n, s.rest.NumRows())
	}
	s.done += n
	var out bytes.Buffer // the batch will share it
	w := ipc.NewWriter(&out, ipc.WithSchema(piece.Schema()))
	if err := w.Write(piece); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &chunk{body: out.Bytes()}, nil
}

// fill reads the next rows, and finds how many of them make a chunk.
func (s *parquetSource) fill() error {
	rec, err := s.rows.Read()
	if err == nil && rec.NumRows() == 0 {
		err = io.EOF
	}
	if err == io.EOF {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("after row %d: %w", s.done, err)
	}
	rec.Retain() // until the collector takes it: its pieces are slices of it
	s.rest = rec
	s.step = max(1, rec.NumRows()*chunkBytes/max(chunkBytes, size(rec)))
	return nil
}

func size(rec arrow.RecordBatch) (n int64) {
	for _, c := range rec.Columns() {
		n += sizeOf(c.Data())
	}
	return n
}

// sizeOf counts what a list holds, too.
func sizeOf(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, c := range d.Children() {
		n += sizeOf(c)
	}
	return n
}

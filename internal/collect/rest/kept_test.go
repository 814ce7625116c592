package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

// TestNothingOfABodyIsKept sends the same bodies to two doors. The memory of
// each body is overwritten after its answer at the one, and never used again at
// the other: models, records and metrics must come out the same. So nobody
// behind Put keeps a view of a body.
func TestNothingOfABodyIsKept(t *testing.T) {
	at := time.UnixMilli(1_777_636_800_000)
	overwritten, left := newDoorSite(t, at), newDoorSite(t, at)
	for i := range 12 {
		for _, b := range bodies(t, i, at) {
			if buffer := overwritten.send(t, b); buffer == nil {
				t.Skip("the pool gives nothing back here") // under the race detector it drops some
			} else {
				room := (*buffer)[:cap(*buffer)]
				for i := range room {
					room[i] = 0xa5
				}
				overwritten.handler.buffers.Put(buffer)
			}
			left.send(t, b)
		}
	}
	got, want := overwritten.registry.List(), left.registry.List()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("models\n%+v\nwanted\n%+v", got, want)
	}
	if len(want) != 1 || len(want[0].Features) < 20 {
		t.Fatalf("the test shows nothing: %+v", want)
	}
	for p := range left.log.Partitions() {
		got, want := overwritten.records(t, p), left.records(t, p)
		if len(got) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("partition %d has %d records, not the same as the %d of the other", p, len(got), len(want))
		}
	}
	if got, want := overwritten.numbers(t), left.numbers(t); !reflect.DeepEqual(got, want) {
		t.Errorf("metrics\n%v\nwanted\n%v", got, want)
	}
}

// doorSite is a handler with all that is behind it up to the queue.
type doorSite struct {
	handler  *Handler
	registry *model.Registry
	log      *segment.Log
	reg      *prometheus.Registry
}

func newDoorSite(t *testing.T, at time.Time) *doorSite {
	t.Helper()
	clock := func() time.Time { return at }
	s := &doorSite{reg: prometheus.NewRegistry()}
	var errs [3]error
	s.registry, errs[0] = model.Open(model.Config{Dir: t.TempDir(), MaxFeatures: 60, Now: clock})
	s.log, errs[1] = segment.Open(segment.Config{Dir: "q", FS: vfs.NewMem(), Partitions: 3})
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	door := collect.New(collect.Config{Log: s.log, Registry: s.registry, RateLimit: 1e9, Registerer: s.reg, Now: clock})
	s.handler, errs[2] = New(Config{Put: door.Put, Registerer: s.reg, Now: clock})
	if errs[2] != nil {
		t.Fatal(errs[2])
	}
	t.Cleanup(func() { door.Close(); s.log.Close() })
	return s
}

// sent is a request's body.
type sent struct {
	path, contentType string
	bytes             []byte
}

// send takes the buffer of the request out of the pool.
func (s *doorSite) send(t *testing.T, b sent) *[]byte {
	t.Helper()
	r := httptest.NewRequest("POST", "/api/v1/models/m/"+b.path, bytes.NewReader(b.bytes))
	r.Header.Set("Content-Type", b.contentType)
	w := httptest.NewRecorder()
	mux := http.NewServeMux()
	s.handler.Routes(mux)
	mux.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatalf("%s of %s: %d %s", b.contentType, b.path, w.Code, w.Body)
	}
	buffer, _ := s.handler.buffers.Get().(*[]byte)
	return buffer
}

func (s *doorSite) records(t *testing.T, partition int) (data [][]byte) {
	t.Helper()
	_, end, err := s.log.Bounds(partition)
	for next := queue.Offset(0); err == nil; {
		var records []queue.Record
		if next+1 >= end {
			break
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		records, err = s.log.Read(ctx, partition, next, 1<<20)
		cancel()
		for _, r := range records {
			data = append(data, r.Data)
			next = r.Offset + 1
		}
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return data
}

func (s *doorSite) numbers(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			out[f.GetName()+fmt.Sprint(m.Label)] = m.GetCounter().GetValue()
		}
	}
	return out
}

// bodies are rows with new features, classes, segments and versions each time,
// in each format whose batch shares the body's memory.
func bodies(t *testing.T, i int, at time.Time) []sent {
	t.Helper()
	str, coded := arrow.BinaryTypes.String, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: str}, {Name: "prediction", Type: coded}, {Name: "version", Type: str},
		{Name: "error", Type: str}, {Name: "segment.country", Type: coded}, {Name: "segment.by" + fmt.Sprint(i%4), Type: str},
		{Name: fmt.Sprint("amount_", i), Type: arrow.PrimitiveTypes.Float64}, {Name: fmt.Sprint("colour_", i), Type: coded},
		{Name: fmt.Sprint("empty_", i), Type: arrow.PrimitiveTypes.Float64},
	}, nil)
	build := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	frame := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: "m", BatchID: fmt.Sprint("batch ", i)}, Rows: 30}
	frame.Nums = []event.Num{{Name: fmt.Sprint("size_", i), Values: make([]float64, frame.Rows)}}
	frame.Version = event.Dict{Codes: make([]int32, frame.Rows), Values: []string{fmt.Sprint("frame ", i)}}
	frame.Pred = event.Dict{Codes: make([]int32, frame.Rows), Values: []string{fmt.Sprint("class ", i)}}
	frame.Cats = []event.Dict{{Name: fmt.Sprint("shape_", i), Codes: make([]int32, frame.Rows), Values: []string{"round"}}}
	for row := range frame.Rows {
		for k, text := range []string{"row-%d-%d", "yes%d or no%d", "version%d.%[1]d", "failed %d", "land%[2]d of %[1]d", "part%[2]d.%[1]d"} {
			if err := build.Field(k).AppendValueFromString(fmt.Sprintf(text, i, row%3) + map[bool]string{true: fmt.Sprint("/", row)}[k == 0]); err != nil {
				t.Fatal(err)
			}
		}
		build.Field(6).(*array.Float64Builder).Append(float64(row))
		if err := build.Field(7).AppendValueFromString(fmt.Sprint("colour ", row%5)); err != nil {
			t.Fatal(err)
		}
		build.Field(8).AppendNull()
		frame.ID.Append(fmt.Sprint("frame ", i, row))
		frame.Time = append(frame.Time, at.UnixMilli())
	}
	record := build.NewRecordBatch()
	defer record.Release()
	var stream, file bytes.Buffer
	w := ipc.NewWriter(&stream, ipc.WithSchema(schema))
	pw, err := pqarrow.NewFileWriter(schema, &file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err := errors.Join(err, w.Write(record), w.Close(), pw.Write(record), pw.Close()); err != nil {
		t.Fatal(err)
	}
	return []sent{
		{"predictions", "application/vnd.apache.arrow.stream", stream.Bytes()},
		{"predictions", "application/vnd.leeway.batch", frame.AppendTo(nil)},
		{"reference", "application/vnd.apache.parquet", file.Bytes()},
		{"predictions", "application/x-ndjson", fmt.Appendf(nil, `{"id":"j%d","version":"json %[1]d","prediction":"class %[1]d","features":{"json_%[1]d":"x%[1]d"},"error":"no"}`, i)},
	}
}

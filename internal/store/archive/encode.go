package archive

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/klauspost/compress/zstd"
)

// A row group is what a search reads or passes over: up to so many lines, and
// bytes of lines in memory.
const (
	groupLines = 8192
	groupBytes = 8 << 20
)

// indexKey is the name in the Parquet metadata of the index of row groups; the
// version is part of it.
const indexKey = "leeway.logs.v1"

// group describes a row group for searches.
type group struct {
	Lines    int      `json:"lines"`
	Min      int64    `json:"min"`
	Max      int64    `json:"max"`
	Levels   []string `json:"levels"`
	Services []string `json:"services,omitempty"` // absent when there are many
	Grams    string   `json:"grams"`              // of lines in lower case; base64 of zstd
}

// maxListed bounds the values that a group lists; more mean that it may hold any.
const maxListed = 64

var columns = arrow.NewSchema([]arrow.Field{
	{Name: "time", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}},
	{Name: "offset", Type: arrow.PrimitiveTypes.Int64},
	{Name: "row", Type: arrow.PrimitiveTypes.Int32},
	{Name: "level", Type: arrow.BinaryTypes.String},
	{Name: "service", Type: arrow.BinaryTypes.String},
	{Name: "model", Type: arrow.BinaryTypes.String},
	{Name: "message", Type: arrow.BinaryTypes.String},
	{Name: "attrs", Type: arrow.BinaryTypes.String},
}, nil)

// encode writes sorted lines as Parquet.
func encode(to io.Writer, f *file, lines []Line) error {
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithDictionaryFor("time", false), parquet.WithDictionaryFor("offset", false), parquet.WithDictionaryFor("row", false),
		parquet.WithDictionaryFor("message", false), parquet.WithDictionaryFor("attrs", false),
		parquet.WithStats(false), parquet.WithMaxRowGroupLength(groupLines))
	w, err := pqarrow.NewFileWriter(columns, to, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	var index []group
	for len(lines) > 0 {
		n := groupSize(lines)
		if err := w.Write(record(lines[:n])); err != nil {
			return err
		}
		index = append(index, describe(lines[:n]))
		lines = lines[n:]
	}
	text, err := json.Marshal(index)
	if err != nil {
		return err
	}
	if err := w.AppendKeyValueMetadata(indexKey, string(text)); err != nil {
		return err
	}
	return w.Close()
}

func groupSize(lines []Line) int {
	bytes := 0
	for i := range lines {
		if bytes += lines[i].size(); i == groupLines || bytes > groupBytes && i > 0 {
			return i
		}
	}
	return len(lines)
}

func record(lines []Line) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.NewGoAllocator(), columns)
	for i := range lines {
		l := &lines[i]
		b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(l.Time))
		b.Field(1).(*array.Int64Builder).Append(int64(l.at.offset))
		b.Field(2).(*array.Int32Builder).Append(int32(l.at.row))
		for j, s := range []string{l.Level, l.Service, l.Model, l.Message, l.Attrs} {
			b.Field(3 + j).(*array.StringBuilder).Append(s)
		}
	}
	return b.NewRecordBatch()
}

func describe(lines []Line) group {
	g := group{Lines: len(lines), Min: lines[0].Time, Max: lines[len(lines)-1].Time}
	levels, services, runs := map[string]bool{}, map[string]bool{}, new(grams)
	for i := range lines {
		levels[lines[i].Level] = true
		services[lines[i].Service] = true
		runs.add(lines[i].Message)
		runs.add(lines[i].Attrs)
	}
	if len(levels) <= maxListed {
		g.Levels = slices.Sorted(maps.Keys(levels))
	}
	if len(services) <= maxListed {
		g.Services = slices.Sorted(maps.Keys(services))
	}
	g.Grams = runs.pack()
	return g
}

// grams is a set of hashed runs of three bytes, 16 bits each: a text that
// holds a word has all of its runs. 8 KiB for some thousand lines keep a word
// of ten letters out of nearly all groups that lack it.
type grams [1 << 13]byte

func hashGram(a, b, c byte) uint32 {
	return (uint32(a)<<16 | uint32(b)<<8 | uint32(c)) * 0x9e3779b1 >> 16
}

func (g *grams) add(s string) {
	s = fold(s)
	for i := 0; i+3 <= len(s); i++ {
		h := hashGram(s[i], s[i+1], s[i+2])
		g[h>>3] |= 1 << (h & 7)
	}
}

// mayHold tells whether a line with this text, in lower case, can be here.
func (g *grams) mayHold(s string) bool {
	for i := 0; i+3 <= len(s); i++ {
		h := hashGram(s[i], s[i+1], s[i+2])
		if g[h>>3]>>(h&7)&1 == 0 {
			return false
		}
	}
	return true
}

func (g *grams) pack() string {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return "" // without grams every group is read; it does not happen
	}
	defer z.Close()
	return base64.StdEncoding.EncodeToString(z.EncodeAll(g[:], nil))
}

// newUnpacker is for one goroutine; Close it.
func newUnpacker() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<20))
}

func unpack(z *zstd.Decoder, s string) (*grams, error) {
	packed, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, err
	}
	bits, err := z.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	g := new(grams)
	if len(bits) != len(g) {
		return nil, fmt.Errorf("grams of %d bytes", len(bits))
	}
	copy(g[:], bits)
	return g, nil
}

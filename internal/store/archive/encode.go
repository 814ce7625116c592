package archive

import (
	"encoding/json"
	"hash/crc32"
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// A row group is what a search reads or passes over: up to so many lines, and
// bytes of lines in memory.
const (
	groupLines = 8192
	groupBytes = 8 << 20
)

// The names in the Parquet metadata of the index of row groups; the version is
// part of them. Version 1 is read, version 2 is written.
const (
	indexKey    = "leeway.logs.v2"
	oldIndexKey = "leeway.logs.v1"
)

// index is what the metadata say.
type index struct {
	Groups []group `json:"groups"`
	// Grams and Sum are the bytes and the CRC-32C of the file of grams beside it.
	Grams int64  `json:"grams"`
	Sum   uint32 `json:"sum"`
}

// group describes a row group for searches.
type group struct {
	Lines    int      `json:"lines"`
	Min      int64    `json:"min"`
	Max      int64    `json:"max"`
	Levels   []string `json:"levels"`
	Services []string `json:"services,omitempty"` // absent when there are many
	// At is where its sets of runs of three and of five bytes begin, one after
	// the other; Three and Five are their bytes.
	At    int64 `json:"at"`
	Three int   `json:"three"`
	Five  int   `json:"five"`
	// Old is the set of a file of version 1: base64 of zstd.
	Old string `json:"grams,omitempty"`
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

// encode writes sorted lines as Parquet, and the grams that are kept beside it.
func encode(to io.Writer, lines []Line) (grams []byte, err error) {
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithDictionaryFor("time", false), parquet.WithDictionaryFor("offset", false), parquet.WithDictionaryFor("row", false),
		parquet.WithDictionaryFor("message", false), parquet.WithDictionaryFor("attrs", false),
		parquet.WithStats(false), parquet.WithMaxRowGroupLength(groupLines))
	w, err := pqarrow.NewFileWriter(columns, to, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	var ix index
	for len(lines) > 0 {
		n := groupSize(lines)
		if err := w.Write(record(lines[:n])); err != nil {
			return nil, err
		}
		g, three, five := describe(lines[:n])
		g.At, g.Three, g.Five = int64(len(grams)), len(three), len(five)
		grams = append(append(grams, three...), five...)
		ix.Groups = append(ix.Groups, g)
		lines = lines[n:]
	}
	ix.Grams, ix.Sum = int64(len(grams)), crc32.Checksum(grams, crc32.MakeTable(crc32.Castagnoli))
	text, err := json.Marshal(&ix)
	if err != nil {
		return nil, err
	}
	if err := w.AppendKeyValueMetadata(indexKey, string(text)); err != nil {
		return nil, err
	}
	return grams, w.Close()
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

func describe(lines []Line) (g group, three, five []byte) {
	g = group{Lines: len(lines), Min: lines[0].Time, Max: lines[len(lines)-1].Time}
	levels, services := map[string]bool{}, map[string]bool{}
	threes, fives := newGrams(3), newGrams(5)
	for i := range lines {
		levels[lines[i].Level] = true
		services[lines[i].Service] = true
		for _, text := range []string{lines[i].Message, lines[i].Attrs} {
			text = fold(text)
			threes.add(text)
			fives.add(text)
		}
	}
	if len(levels) <= maxListed {
		g.Levels = slices.Sorted(maps.Keys(levels))
	}
	if len(services) <= maxListed {
		g.Services = slices.Sorted(maps.Keys(services))
	}
	return g, threes.pack(), fives.pack()
}

// Command report measures leeway report on files that it makes: so many rows
// and columns in each of a reference and a current file, most columns of real
// numbers, some of whole numbers, some of categories, with drift in every
// tenth. It prints wall time, CPU time and the greatest resident memory of the
// command.
//
//	go build -o bin/leeway ./cmd/leeway
//	go run ./test/bench/report -leeway bin/leeway -rows 1000000 -columns 50
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

type options struct {
	leeway, dir, format string
	rows, columns       int
	times, roles        bool
}

func main() {
	var o options
	flag.StringVar(&o.leeway, "leeway", "bin/leeway", "the `binary`")
	flag.StringVar(&o.dir, "dir", "", "`folder` for the files, which are kept; default one that is deleted")
	flag.StringVar(&o.format, "format", "parquet", "parquet or csv")
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of each file")
	flag.IntVar(&o.columns, "columns", 50, "features")
	flag.BoolVar(&o.times, "times", false, "a column of times, so that there are periods")
	flag.BoolVar(&o.roles, "roles", true, "predictions, scores and labels")
	flag.Parse()
	if err := run(&o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o *options) error {
	dir := o.dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "leeway-report-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	var names []string
	for i, name := range []string{"reference", "current"} {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d-%d-%v-%v.%s", name, o.rows, o.columns, o.times, o.roles, o.format))
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			if err := o.write(path, float64(i)); err != nil {
				return err
			}
		}
		names = append(names, path)
	}
	cmd := exec.Command(o.leeway, "report", "--reference", names[0], "--current", names[1],
		"--html", filepath.Join(dir, "report.html"), "--json", filepath.Join(dir, "report.json"))
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return err
	}
	wall := time.Since(start)
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	var size int64
	for _, n := range names {
		if st, err := os.Stat(n); err == nil {
			size += st.Size()
		}
	}
	fmt.Printf("%s, 2 x %d rows x %d columns, %.0f MB: %.2f s wall, %.2f s CPU, %d MiB\n", o.format, o.rows, o.columns, float64(size)/1e6,
		wall.Seconds(), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), usage.Maxrss>>10)
	return nil
}

// column is one column; values come from a seed of its own.
type column struct {
	name string
	kind byte // f: float, i: whole number, c: category, t: time, p: probability, y: class
	of   func(r *rand.Rand, row int) float64
}

func (o *options) table(side float64) (cols []column) {
	if o.times {
		cols = append(cols, column{"time", 't', func(_ *rand.Rand, row int) float64 {
			return 1.7e12 + side*1e10 + 7e9*float64(row)/float64(o.rows)
		}})
	}
	if o.roles {
		cols = append(cols,
			column{"prediction", 'y', func(r *rand.Rand, _ int) float64 { return float64(r.IntN(2)) }},
			column{"score", 'p', func(r *rand.Rand, _ int) float64 { return r.Float64() }},
			column{"label", 'y', func(r *rand.Rand, _ int) float64 { return float64(r.IntN(2)) }})
	}
	for i := range o.columns {
		shift := 0.0
		if i%10 == 0 {
			shift = side * 0.5
		}
		name := fmt.Sprintf("f%02d", i)
		switch {
		case i%10 == 8:
			cols = append(cols, column{name, 'i', func(r *rand.Rand, _ int) float64 { return float64(r.IntN(1000)) }})
		case i%10 == 9:
			cols = append(cols, column{name, 'c', func(r *rand.Rand, _ int) float64 { return float64(r.IntN(40)) }})
		default:
			cols = append(cols, column{name, 'f', func(r *rand.Rand, _ int) float64 { return r.NormFloat64() + shift }})
		}
	}
	return cols
}

func (o *options) write(path string, side float64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if o.format == "csv" {
		err = o.writeCSV(f, side)
	} else {
		err = o.writeParquet(f, side)
	}
	return err
}

func source(side float64, at int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(side)+1, uint64(at)))
}

func (o *options) writeCSV(w io.Writer, side float64) error {
	out := bufio.NewWriterSize(w, 1<<20)
	cols := o.table(side)
	random := make([]*rand.Rand, len(cols))
	for i, c := range cols {
		random[i] = source(side, i)
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(c.name)
	}
	var buf []byte
	for row := range o.rows {
		buf = append(buf[:0], '\n')
		for i, c := range cols {
			if i > 0 {
				buf = append(buf, ',')
			}
			v := c.of(random[i], row)
			switch c.kind {
			case 'c':
				buf = strconv.AppendInt(append(buf, "group "...), int64(v), 10)
			case 'i', 't', 'y':
				buf = strconv.AppendInt(buf, int64(v), 10)
			default:
				buf = strconv.AppendFloat(buf, v, 'g', -1, 64)
			}
		}
		out.Write(buf)
	}
	return out.Flush()
}

// groupRows is as many as data frames write into a row group by default.
const groupRows = 1 << 20

func (o *options) writeParquet(w io.Writer, side float64) error {
	cols := o.table(side)
	var fields schema.FieldList
	for _, c := range cols {
		var n schema.Node
		switch c.kind {
		case 'c':
			n = schema.MustPrimitive(schema.NewPrimitiveNodeLogical(c.name, parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, 0, -1))
		case 't':
			n = schema.MustPrimitive(schema.NewPrimitiveNodeLogical(c.name, parquet.Repetitions.Optional, schema.NewTimestampLogicalType(true, schema.TimeUnitMillis), parquet.Types.Int64, 0, -1))
		case 'i', 'y':
			n = schema.NewInt64Node(c.name, parquet.Repetitions.Optional, -1)
		default:
			n = schema.NewFloat64Node(c.name, parquet.Repetitions.Optional, -1)
		}
		fields = append(fields, n)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return err
	}
	out := file.NewParquetWriter(w, root, file.WithWriterProps(parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy))))
	for from := 0; from < o.rows; from += groupRows {
		if err := writeGroup(out, cols, group{side, from, min(o.rows, from+groupRows)}); err != nil {
			return err
		}
	}
	return out.Close()
}

// group is which rows of which side.
type group struct {
	side     float64
	from, to int
}

func writeGroup(out *file.Writer, cols []column, g group) error {
	rows := out.AppendRowGroup()
	levels := make([]int16, g.to-g.from)
	for i := range levels {
		levels[i] = 1
	}
	for i, c := range cols {
		w, err := rows.NextColumn()
		if err != nil {
			return err
		}
		r := source(g.side, i+g.from)
		switch w := w.(type) {
		case *file.Float64ColumnChunkWriter:
			_, err = w.WriteBatch(fill(c, r, g, func(v float64) float64 { return v }), levels, nil)
		case *file.Int64ColumnChunkWriter:
			_, err = w.WriteBatch(fill(c, r, g, func(v float64) int64 { return int64(v) }), levels, nil)
		case *file.ByteArrayColumnChunkWriter:
			_, err = w.WriteBatch(fill(c, r, g, func(v float64) parquet.ByteArray { return []byte("group " + strconv.Itoa(int(v))) }), levels, nil)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return err
		}
	}
	return rows.Close()
}

func fill[T any](c column, r *rand.Rand, g group, of func(float64) T) []T {
	out := make([]T, g.to-g.from)
	for i := range out {
		out[i] = of(c.of(r, g.from+i))
	}
	return out
}

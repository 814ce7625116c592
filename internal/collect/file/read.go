package file

import (
	"context"
	"fmt"
	"os"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// Read decodes a file batch by batch, in the order of its rows, for who wants
// the rows here rather than on a server. do gets each batch, which is its own
// from then on, and how much of the file was read.
func Read(ctx context.Context, name string, o decode.Options, do func(r *decode.Result, read int64) error) error {
	f, err := sniff(name)
	if err != nil {
		return err
	}
	im := &importer{o: Options{File: name, Map: o.Map}, decode: o, format: f}
	columns, flat, err := f.columns(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if columns == nil && flat && len(o.Map) == 0 {
		im.decode.Map = map[string]string{"id": "id"} // so that every other key is a feature
	}
	err = im.each(ctx, func(p *part) error { return do(p.result, p.read) })
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// IsParquet tells a Parquet file by its first bytes.
func IsParquet(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var head [4]byte
	n, _ := f.Read(head[:])
	return string(head[:n]) == "PAR1", nil
}

// Columns are the names of a file's columns, nil where only its rows know.
func Columns(name string) ([]string, error) {
	f, err := sniff(name)
	if err != nil {
		return nil, err
	}
	columns, _, err := f.columns(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return columns, nil
}

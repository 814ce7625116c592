package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// cutting is the number of the rules by which files are cut and batches named.
// Whoever changes them counts it up: under an old name the server would drop
// other rows than it took.
const cutting = 1

// survey is the first reading. It leaves the summary with the file's rows and
// warnings, the name of its batches, and the decoder told of columns of strings.
func (im *importer) survey(ctx context.Context) error {
	im.bar.start(im.summary.Bytes)
	if err := im.checkMap(); err != nil {
		return err
	}
	if err := im.name(); err != nil {
		return err
	}
	text := map[string]bool{}
	var accepted int
	var first []Rejection
	warnings := map[[2]string]int{}
	err := im.each(ctx, func(p *part) error {
		r := p.result
		im.summary.Rows += r.Rows
		accepted += r.Accepted
		for _, c := range r.Batch.Cats {
			text[c.Name] = true
		}
		for _, rej := range r.Rejected {
			if len(first) < maxFirst {
				first = append(first, Rejection{Row: p.firstRow + rej.Row + 1, Field: rej.Field, Code: rej.Code, Reason: rej.Reason})
			}
		}
		im.warn(warnings, r.Warnings)
		im.bar.surveyed(im.summary.Rows, p.read)
		return nil
	})
	if err != nil {
		return err
	}
	im.decode.Text = text
	if im.summary.Rows > 0 && accepted == 0 {
		im.summary.Rejected, im.summary.First = im.summary.Rows, first
		return fmt.Errorf("none of the %d rows can be used; nothing was sent:%s", im.summary.Rows, firstReasons(first))
	}
	return nil
}

func (im *importer) warn(seen map[[2]string]int, list []decode.Warning) {
	for _, w := range list {
		key := [2]string{w.Code, w.Field}
		if i, ok := seen[key]; ok {
			im.summary.Warnings[i].Count += w.Count
		} else if len(seen) < decode.MaxListed {
			seen[key] = len(im.summary.Warnings)
			im.summary.Warnings = append(im.summary.Warnings, w)
		}
	}
}

// checkMap says which mapped columns the file lacks, where its columns are known.
func (im *importer) checkMap() error {
	columns, flat, err := im.format.columns(im.o.File)
	if err != nil {
		return err
	}
	if flat && len(im.o.Map) == 0 {
		im.decode.Map = map[string]string{"id": "id"} // so that every other key is a feature
	}
	if columns == nil {
		return nil
	}
	for _, role := range slices.Sorted(maps.Keys(im.o.Map)) {
		if c := im.o.Map[role]; !slices.Contains(columns, c) {
			return fmt.Errorf("there is no column %q for %s; the columns are %s", c, role, strings.Join(columns[:min(len(columns), 50)], ", "))
		}
	}
	return nil
}

// name makes the name of the import from the file and what was asked for it.
func (im *importer) name() error {
	f, err := os.Open(im.o.File)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	fmt.Fprintf(h, "\x00%d\x00%s\x00%s\x00", cutting, im.o.Model, im.o.Kind)
	for _, role := range slices.Sorted(maps.Keys(im.o.Map)) {
		fmt.Fprintf(h, "%s\x00%s\x00", role, im.o.Map[role])
	}
	if !im.o.Time.IsZero() {
		fmt.Fprintf(h, "time\x00%d\x00", im.o.Time.UnixMilli())
	}
	if im.o.Zone != nil && im.o.Zone != time.UTC {
		fmt.Fprintf(h, "zone\x00%s\x00", im.o.Zone)
	}
	im.summary.BatchID = "import-" + hex.EncodeToString(h.Sum(nil)[:16])
	return nil
}

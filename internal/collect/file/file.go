// Package file sends a file to a Leeway server, for leeway import.
//
// A file is read twice. The first reading computes its hash, counts its rows,
// finds out what cannot be read before anything is sent, and learns which
// columns of a CSV file hold strings anywhere, so that a column means the same
// in every batch. The second cuts it into batches and sends them.
//
// Where a file is cut depends on its content alone, and a batch is named by the
// hash of the file, of what was asked for it, and its number. The server
// remembers those names for ever; so an import that broke off is resumed by
// running it again, and a file that is imported twice counts once. Nothing is
// remembered on this side: a note that said "sent" would be wrong as soon as
// the server's data were replaced, and what a repeat costs is the sending, since
// the server drops a known batch before it looks into it.
//
// Batches are sent one after another, while the next is being made: a second
// label for an id corrects the first, so their order must be the file's. Memory
// is that of three batches, whatever the size of the file; Parquet needs that of
// a row group besides.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
)

// Options say what is sent, as what, and where to.
type Options struct {
	Server string // such as http://127.0.0.1:7420
	Token  string // with the role ingest, where the server asks for one
	Model  string
	Kind   string // reference, predictions or labels
	File   string // CSV, NDJSON, a JSON array (each also .gz or .zst) or Parquet
	// Map names the column of a role, as decode.Options does; each other column
	// is a feature.
	Map map[string]string
	// Time is that of rows without one; zero is now.
	Time time.Time
	// Zone is that of times that name none; nil is UTC.
	Zone *time.Location
	// Progress gets a bar, or a line now and then when it is no terminal; nil is
	// silence.
	Progress io.Writer
	Client   *http.Client // nil is one of its own
}

// Summary is what came of an import.
type Summary struct {
	Rows     int // in the file
	Accepted int // by the server, counted now or in an earlier import
	Rejected int
	// First are the first rejected rows.
	First    []Rejection
	Warnings []decode.Warning
	Batches  int
	Bytes    int64 // of the file
	BatchID  string
	// Settled tells that what was sent is in the server's numbers now; it is
	// false when the server does not say.
	Settled bool
	Took    time.Duration
}

// Rejection is a row that was left out.
type Rejection struct {
	Row    int // in the file, from 1, not counting a header
	Field  string
	Code   string
	Reason string
}

func (r Rejection) String() string {
	if r.Field == "" {
		return fmt.Sprintf("row %d: %s", r.Row, r.Reason)
	}
	return fmt.Sprintf("row %d: %s: %s", r.Row, r.Field, r.Reason)
}

// maxFirst bounds the rejections of a summary.
const maxFirst = 20

var kinds = map[string]event.Kind{"reference": event.Reference, "predictions": event.Predictions, "labels": event.Labels}

// Import sends the file and returns once the server has it, on disk and, where
// the server tells, in its numbers. The summary is that of what was done, with
// an error too.
func Import(ctx context.Context, o Options) (Summary, error) {
	start := time.Now()
	im, err := newImporter(o)
	if err != nil {
		return Summary{}, err
	}
	err = im.run(ctx)
	im.summary.Took = time.Since(start)
	return im.summary, err
}

type importer struct {
	o       Options
	decode  decode.Options
	format  format
	kind    event.Kind
	sender  *sender
	bar     *progress
	summary Summary
}

func newImporter(o Options) (*importer, error) {
	kind, ok := kinds[o.Kind]
	if !ok {
		return nil, fmt.Errorf("kind %q is not one of reference, predictions, labels", o.Kind)
	}
	if o.Model == "" {
		return nil, errors.New("no model is named")
	}
	server, err := url.Parse(o.Server)
	if err != nil || server.Host == "" || (server.Scheme != "http" && server.Scheme != "https") {
		return nil, fmt.Errorf("server %q is not the address of an HTTP server", o.Server)
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 2 * time.Minute}
	}
	im := &importer{o: o, kind: kind}
	im.decode = decode.Options{Kind: kind, Model: o.Model, Map: o.Map, Zone: o.Zone, Now: time.Now().UnixMilli()}
	if !o.Time.IsZero() {
		im.decode.DefaultTime = o.Time.UnixMilli()
	}
	im.sender = newSender(&im.o)
	im.bar = newProgress(o.Progress)
	return im, nil
}

func (im *importer) run(ctx context.Context) error {
	before, err := os.Stat(im.o.File)
	if err != nil {
		return err
	}
	im.summary.Bytes = before.Size()
	if im.format, err = sniff(im.o.File); err != nil {
		return err
	}
	if err := im.survey(ctx); err != nil {
		return fmt.Errorf("%s: %w", im.o.File, err)
	}
	if im.summary.Rows == 0 {
		im.summary.Settled = true
		return nil
	}
	if err := im.send(ctx); err != nil {
		return fmt.Errorf("%s: %w", im.o.File, err)
	}
	after, err := os.Stat(im.o.File)
	if err == nil && (after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime())) {
		err = fmt.Errorf("%s changed while it was being sent: what the server has may be neither the old file nor the new one", im.o.File)
	}
	if err != nil {
		return err
	}
	im.summary.Settled, err = im.sender.settle(ctx)
	im.bar.done(im.summary.Rows)
	return err
}

// part is a batch on its way.
type part struct {
	number   int
	firstRow int
	read     int64 // bytes of the file up to here
	result   *decode.Result
}

// each decodes the file part by part.
func (im *importer) each(ctx context.Context, do func(*part) error) error {
	src, err := im.format.open(im.o.File)
	if err != nil {
		return err
	}
	defer src.close()
	row := 0
	for number := 0; ctx.Err() == nil; number++ {
		c, err := src.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		res, err := im.format.decode(c.body, &im.decode)
		if err != nil {
			return placed(err, c)
		}
		if err := do(&part{number: number, firstRow: row, read: src.read(), result: res}); err != nil {
			return err
		}
		row += res.Rows
	}
	return ctx.Err()
}

// placed says where in the file, rather than in the batch, something is wrong.
func placed(err error, c *chunk) error {
	var s *decode.SyntaxError
	if errors.As(err, &s) && s.Line > c.headLines && c.line > 0 {
		return fmt.Errorf("line %d, column %d: %s", c.line+s.Line-c.headLines-1, s.Column, s.Reason)
	}
	return err
}

// send is the second reading. One goroutine decodes ahead of the sender.
func (im *importer) send(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	parts, failed := make(chan *part, 1), make(chan error, 1)
	go func() {
		defer close(parts)
		failed <- im.each(ctx, func(p *part) error {
			select {
			case parts <- p:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	err := im.sendParts(ctx, parts)
	cancel()
	for range parts { // the decoder ends before the file's state is looked at
	}
	if decodeErr := <-failed; err == nil {
		err = decodeErr
	}
	return err
}

func (im *importer) sendParts(ctx context.Context, parts <-chan *part) error {
	var buf []byte
	for p := range parts {
		rejected := rejections(p.result.Rejected, func(row int) int { return row })
		count := p.result.RejectedCount
		if b := p.result.Batch; b.Rows > 0 {
			b.Flags = event.Imported | event.KeepBatchID
			b.BatchID = fmt.Sprintf("%s-%d", im.summary.BatchID, p.number)
			buf = b.AppendTo(buf[:0])
			a, err := im.sender.post(ctx, b.BatchID, buf)
			if err != nil {
				return fmt.Errorf("rows %d to %d were not taken: %w", p.firstRow+1, p.firstRow+p.result.Rows, err)
			}
			rejected = append(rejected, rejections(a.Rejections, p.result.RowOf)...)
			count += a.Rejected
			im.summary.Batches++
			im.summary.Accepted += b.Rows - a.Rejected
		}
		im.reject(p.firstRow, rejected, count)
		im.bar.sent(p.firstRow+p.result.Rows, p.read, &im.summary)
	}
	return nil
}

// rejections are those of a batch with rows numbered in their part.
func rejections(list []decode.Rejection, rowOf func(int) int) []decode.Rejection {
	out := slices.Clone(list)
	for i := range out {
		out[i].Row = rowOf(out[i].Row)
	}
	return out
}

func (im *importer) reject(firstRow int, list []decode.Rejection, count int) {
	im.summary.Rejected += count
	for _, r := range list {
		if len(im.summary.First) == maxFirst {
			return
		}
		im.summary.First = append(im.summary.First, Rejection{Row: firstRow + r.Row + 1, Field: r.Field, Code: r.Code, Reason: r.Reason})
	}
}

// firstReasons is for the error when nothing could be used.
func firstReasons(list []Rejection) string {
	var b strings.Builder
	for i, r := range list {
		if i == 3 {
			break
		}
		b.WriteString("\n  " + r.String())
	}
	return b.String()
}

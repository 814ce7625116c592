package main

import (
	"context"
	"fmt"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/file"
)

func importFile(ctx context.Context, std stdio, args []string) error {
	o := file.Options{Progress: std.err}
	var mapping, at, zone string
	fs := flags(std, "import", "--model NAME --kind reference|predictions|labels --file F --map id=…,time=…,prediction=…,score=…,label=…")
	fs.StringVar(&o.Server, "server", "http://127.0.0.1:7420", "`URL` of the server")
	fs.StringVar(&o.Token, "token", "", "access `token` with the role ingest")
	fs.StringVar(&o.Model, "model", "", "`name` of the model")
	fs.StringVar(&o.Kind, "kind", "predictions", "what the rows are: reference, predictions or `labels`")
	fs.StringVar(&o.File, "file", "", "CSV, NDJSON, JSON or Parquet `file`, also .gz and .zst")
	fs.StringVar(&mapping, "map", "", "column of each role, such as id=row_id,time=ts,prediction=y_pred,score=proba; every other column is a feature")
	fs.StringVar(&at, "time", "", "`time` of rows without a time column, such as 2026-01-31 or 2026-01-31T12:00:00Z (default now)")
	fs.StringVar(&zone, "zone", "UTC", "time `zone` of times that name none")
	if err := parse(fs, std, args, 0); err != nil {
		return err
	}
	var err error
	if o.Zone, err = time.LoadLocation(zone); err != nil {
		return err
	}
	if o.Map, err = decode.ParseMap(mapping); err != nil {
		return fmt.Errorf("--map: %w", err)
	}
	if o.Time, err = parseTime(at, o.Zone); err != nil {
		return err
	}
	sum, err := file.Import(ctx, o)
	if sum.Rows > 0 {
		fmt.Fprintf(std.out, "%d rows: %d accepted, %d rejected\n", sum.Rows, sum.Accepted, sum.Rejected)
	}
	for _, r := range sum.First {
		fmt.Fprintf(std.err, "  row %d %s: %s\n", r.Row, r.Field, r.Reason)
	}
	for _, w := range sum.Warnings {
		fmt.Fprintf(std.err, "  warning: %s\n", warning(&w))
	}
	if err == nil && !sum.Settled {
		fmt.Fprintln(std.err, "Everything is stored. The server did not say how far it has processed it (GET /api/v1/status, role ingest), so numbers may still change.")
	}
	return err
}

func warning(w *decode.Warning) string {
	text := w.Reason
	if w.Field != "" {
		text = w.Field + ": " + text
	}
	if w.Count > 1 {
		text += fmt.Sprintf(" (%d times)", w.Count)
	}
	return text
}

func parseTime(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--time: %q is not a time such as 2026-01-31T12:00:00Z or 2026-01-31", text)
}

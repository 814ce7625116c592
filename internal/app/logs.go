package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/leewayhq/leeway/internal/collect/logs"
	"github.com/leewayhq/leeway/internal/collect/logs/journal"
	"github.com/leewayhq/leeway/internal/collect/logs/loki"
	"github.com/leewayhq/leeway/internal/collect/logs/syslog"
	"github.com/leewayhq/leeway/internal/collect/logs/tail"
	"github.com/leewayhq/leeway/internal/dashboard"
	"github.com/leewayhq/leeway/internal/process/logmetric"
	"github.com/leewayhq/leeway/internal/store/archive"
)

// openLogMetrics stands before the archive, which tells of the lines it keeps.
func (a *App) openLogMetrics(context.Context) (err error) {
	var list []logmetric.Metric
	for _, m := range a.cfg.Logs.Metrics {
		list = append(list, logmetric.Metric(m))
	}
	if a.logMetrics, err = logmetric.New(logmetric.Config{Metrics: list, Series: a.series, Logger: a.log, Registerer: a.reg}); err != nil {
		return err
	}
	a.steps.background("log metrics", a.logMetrics.Run)
	return nil
}

// openLogs starts the sources of log lines that fetch or listen.
func (a *App) openLogs(context.Context) error {
	return errors.Join(a.openTail(), a.openJournal(), a.openSyslog())
}

// sourceDir is where a source keeps how far it is.
func (a *App) sourceDir(name string) (string, error) {
	dir := filepath.Join(a.dir("logs"), name)
	return dir, os.MkdirAll(dir, 0o755)
}

func (a *App) openTail() error {
	files := a.cfg.Logs.Files
	if len(files) == 0 {
		return nil
	}
	dir, err := a.sourceDir("files")
	if err != nil {
		return err
	}
	cfg := tail.Config{Dir: dir, Put: a.door.Put, Logger: a.log, Registerer: a.reg}
	for i := range files {
		f := &files[i]
		cfg.Files = append(cfg.Files, tail.FileConfig{
			Paths: f.Paths, Exclude: f.Exclude, Service: f.Service, Model: f.Model, Fields: f.Fields, Beginning: f.Beginning,
			Parse: f.Parse(), Join: f.Join(),
		})
	}
	t, err := tail.Open(cfg)
	if err != nil {
		return err
	}
	a.steps.background("log files", t.Run)
	return nil
}

func (a *App) openJournal() error {
	c := &a.cfg.Logs.Journal
	if !c.Enabled {
		return nil
	}
	dir, err := a.sourceDir("journal")
	if err != nil {
		return err
	}
	j, err := journal.Open(journal.Config{Dir: dir, Units: c.Units, Beginning: c.Beginning, Put: a.door.Put, Logger: a.log, Registerer: a.reg})
	if err != nil {
		return err
	}
	a.steps.background("journal", j.Run)
	return nil
}

func (a *App) openSyslog() error {
	c := &a.cfg.Logs.Syslog
	if !c.Listens() {
		return nil
	}
	cfg := syslog.Config{
		TCP: c.TCP, UDP: c.UDP, TLS: c.TLS, Put: a.door.Put, Allow: c.Networks(), Service: c.Service, Parse: logs.ParseConfig{Format: c.Format},
		Zone: a.zones.Load().site, Connections: c.Connections, IdleTimeout: c.IdleTimeout, Rate: c.Rate, Logger: a.log, Registerer: a.reg,
	}
	if c.TLS != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return fmt.Errorf("syslog: %w", err)
		}
		cfg.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	s, err := syslog.Open(cfg)
	if err != nil {
		return err
	}
	a.steps.closer("syslog", s.Close)
	return nil
}

func (a *App) lokiHandler() (http.Handler, error) {
	in := &a.cfg.Ingest
	return loki.New(loki.Config{
		Put: a.door.Put, Parse: logs.ParseConfig{Format: a.cfg.Logs.Loki.Format}, BodyBytes: in.MaxBodyBytes, Lines: in.MaxRows,
		Logger: a.log, Registerer: a.reg,
	})
}

func archiveQuery(q *dashboard.LogQuery) archive.Query {
	var levels []string // empty is all
	if q.Level != "" {
		levels, _ = archive.AtLeast(q.Level) // the dashboard has checked it
	}
	return archive.Query{
		From: q.From, To: q.To, Levels: levels, Service: q.Service, Model: q.Model, Text: q.Text, Attrs: q.Attrs, Limit: q.Limit, Cursor: q.Cursor,
	}
}

func logLine(l *archive.Line) dashboard.LogLine {
	return dashboard.LogLine{Time: l.Time, Level: l.Level, Service: l.Service, Text: l.Message, Fields: fields(l)}
}

// followLogs hands on lines as the archive gets them.
func (a *App) followLogs(ctx context.Context, q dashboard.LogQuery) *dashboard.LogFeed {
	f := a.archive.Follow(archiveQuery(&q))
	lines := make(chan dashboard.LogLine)
	go func() { // ends with the request
		defer f.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case l := <-f.C:
				select {
				case lines <- logLine(&l):
				case <-ctx.Done():
				}
			}
		}
	}()
	return &dashboard.LogFeed{Lines: lines, Missed: f.Missed}
}

// searchLogs answers the API from the archive.
func (a *App) searchLogs(ctx context.Context, q dashboard.LogQuery) (dashboard.LogPage, error) {
	found, err := a.archive.Search(ctx, archiveQuery(&q))
	if errors.Is(err, archive.ErrBadCursor) {
		err = fmt.Errorf("%w: %w", dashboard.ErrBadCursor, err)
	}
	if err != nil {
		return dashboard.LogPage{}, err
	}
	page := dashboard.LogPage{Next: found.Next, Lines: make([]dashboard.LogLine, 0, len(found.Lines))}
	for i := range found.Lines {
		page.Lines = append(page.Lines, logLine(&found.Lines[i]))
	}
	return page, nil
}

// fields flattens a line's attributes to text.
func fields(l *archive.Line) map[string]string {
	out := map[string]string{}
	if l.Model != "" {
		out["model"] = l.Model
	}
	var attrs map[string]json.RawMessage
	if json.Unmarshal([]byte(l.Attrs), &attrs) != nil {
		return out
	}
	for name, raw := range attrs {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		out[name] = text
	}
	return out
}

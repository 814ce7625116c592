package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/leewayhq/leeway/client"
	"github.com/leewayhq/leeway/internal/collect/file"
)

// declare says what the models are, where the server does not know them yet.
// It is not fresh when it does: its history was filled by an earlier demo.
func (d *demo) declare(ctx context.Context) (fresh bool, err error) {
	for _, s := range d.subjects {
		path := "/api/v1/models/" + s.name
		status, _, err := d.call(ctx, http.MethodGet, path, nil)
		if err != nil {
			return false, fmt.Errorf("demo: %w", err)
		}
		if status == http.StatusOK {
			continue
		}
		fresh = true
		declaration := map[string]any{"title": s.title, "task": s.task, "segments": s.segments}
		if s.positive != "" {
			declaration["positive_class"] = s.positive
		}
		// A server that declares in another way infers as much from the rows.
		status, answer, err := d.call(ctx, http.MethodPut, path, declaration)
		if err != nil {
			return false, fmt.Errorf("demo: %w", err)
		}
		if status >= 300 {
			d.Logger.Warn("demo: the model could not be declared", "model", s.name, "status", status, "answer", answer)
		}
	}
	return fresh, nil
}

func (d *demo) call(ctx context.Context, method, path string, body any) (status int, answer string, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return 0, "", err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, d.BaseURL+path, bytes.NewReader(text))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if d.Token != "" {
		req.Header.Set("Authorization", "Bearer "+d.Token)
	}
	res, err := d.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err = io.ReadAll(io.LimitReader(res.Body, 4096))
	return res.StatusCode, string(text), err
}

// warmRows and warmTime are the ordinary rows that end the history: the rules'
// first numbers then stand on more than the first few live rows.
const (
	warmRows = 400
	warmTime = 5 * time.Minute
)

// fill imports the history of every model, as anybody would: by files.
func (d *demo) fill(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "leeway-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer os.RemoveAll(dir)
	start, rows := time.Now(), 0
	for i, s := range d.subjects {
		h := &history{subject: s, story: &d.Story, random: stream(d.Seed, 300+uint64(i)), end: d.start.Add(-warmTime), prefix: d.prefix + "-h-"}
		files, err := h.write(dir)
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		for _, f := range files {
			sum, err := file.Import(ctx, file.Options{Server: d.BaseURL, Token: d.Token, Model: s.name, Kind: f.kind, File: f.name})
			if err != nil {
				return fmt.Errorf("demo: filling the history: %w", err)
			}
			if sum.Rejected > 0 {
				d.Logger.Warn("demo: rows of the history were rejected", "model", s.name, "rows", sum.Rejected, "first", sum.First[0].String())
			}
		}
		rows += h.rows
	}
	d.Logger.Info("demo: the history is filled", "rows", rows, "of", d.Story.History, "took", time.Since(start).Round(time.Millisecond))
	return nil
}

// history writes the past of one model, thinned out, with its labels.
type history struct {
	subject *subject
	story   *Story
	random  *rand.Rand
	end     time.Time
	prefix  string
	rows    int

	predictions, labels *csv.Writer
	features            []string
}

type historyFile struct{ kind, name string }

func (h *history) write(dir string) ([]historyFile, error) {
	files := []historyFile{
		{"predictions", filepath.Join(dir, h.subject.name+".csv")},
		{"labels", filepath.Join(dir, h.subject.name+"-labels.csv")},
	}
	var open [2]*os.File
	for i, f := range files {
		var err error
		if open[i], err = os.Create(f.name); err != nil {
			return nil, err
		}
		defer open[i].Close()
	}
	h.predictions, h.labels = csv.NewWriter(open[0]), csv.NewWriter(open[1])
	h.header()
	for minute := h.end.Add(-h.story.History).Truncate(time.Minute); minute.Before(h.end); minute = minute.Add(time.Minute) {
		h.minute(minute)
	}
	for _, w := range []*csv.Writer{h.predictions, h.labels} {
		if w.Flush(); w.Error() != nil {
			return nil, w.Error()
		}
	}
	return files, nil
}

func (h *history) header() {
	h.features = slices.Sorted(maps.Keys(h.subject.draw(stream(0, 0), 0).features))
	head := []string{"id", "time", "version", "latency_ms", "error", "prediction", "score"}
	for _, team := range h.classes() {
		head = append(head, "score."+team)
	}
	for _, name := range h.subject.segments {
		head = append(head, "segment."+name)
	}
	for _, name := range h.features {
		head = append(head, "feature."+name)
	}
	h.put(h.predictions, head)
	h.put(h.labels, []string{"id", "time", "label"})
}

func (h *history) classes() []string {
	if h.subject.task == "multiclass" {
		return teams
	}
	return nil
}

// put leaves an error for Flush.
func (h *history) put(w *csv.Writer, row []string) { _ = w.Write(row) }

// minute writes the rows of a minute, with the daily rhythm.
func (h *history) minute(start time.Time) {
	mean := h.subject.perMinute * h.story.Speed * rhythm(start)
	for range int(mean + h.random.Float64()) {
		at := start.Add(time.Duration(h.random.IntN(60_000)) * time.Millisecond)
		if at.Before(h.end) {
			h.row(at)
		}
	}
}

// labelDelay is how long the truth of history took; what is not known by its
// end is known then, so that the live day begins with all of it.
func (h *history) labelDelay() time.Duration {
	return 30*time.Minute + time.Duration(h.random.ExpFloat64()*float64(time.Hour))
}

func (h *history) row(at time.Time) {
	h.rows++
	s, id := h.subject, h.prefix+strconv.Itoa(h.rows)
	x := s.draw(h.random, 0)
	v := s.new
	if at.Before(h.end.Add(-h.story.Deployed)) {
		v = s.old
	}
	took := latency(h.random, s)
	row := []string{id, at.UTC().Format("2006-01-02T15:04:05.000Z"), v.name, text(rounded(float64(took)/float64(time.Millisecond), 2))}
	if h.random.Float64() < s.errorRate {
		row = append(row, "feature store timeout", "", "")
		row = append(row, make([]string, len(h.classes()))...)
		h.put(h.predictions, h.described(row, x))
		return
	}
	a := v.predict(x.features)
	row = append(row, "", text(a.Prediction))
	if a.Score != nil {
		row = append(row, text(*a.Score))
	} else {
		row = append(row, "")
	}
	for _, team := range h.classes() {
		row = append(row, text(a.Scores[team]))
	}
	h.put(h.predictions, h.described(row, x))
	known := at.Add(h.labelDelay())
	if known.After(h.end) {
		known = h.end
	}
	h.put(h.labels, []string{id, known.UTC().Format("2006-01-02T15:04:05.000Z"), text(x.truth)})
}

// described adds segments and features.
func (h *history) described(row []string, x sample) []string {
	segments := h.subject.segmentsOf(x.features)
	for _, name := range h.subject.segments {
		row = append(row, segments[name])
	}
	for _, name := range h.features {
		row = append(row, text(x.features[name]))
	}
	return row
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// warmUp sends the last minutes of history the ordinary way.
func (d *demo) warmUp() {
	for i, s := range d.subjects {
		r := stream(d.Seed, 400+uint64(i))
		for n := range warmRows {
			x := s.draw(r, 0)
			a, id := s.new.predict(x.features), d.prefix+"-w-"+strconv.Itoa(n)
			at := d.start.Add(-warmTime + warmTime*time.Duration(n)/warmRows)
			d.leeway.Predict(client.Prediction{
				Model: s.name, ID: id, Time: at, Version: s.new.name, Features: x.features, Segments: s.segmentsOf(x.features),
				Prediction: a.Prediction, Score: a.Score, Scores: a.Scores, Latency: latency(r, s),
			})
			d.leeway.Label(client.Label{Model: s.name, ID: id, Label: x.truth})
		}
	}
}

package report

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/leewayhq/leeway/internal/collect/file"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
)

// joinRoles puts the roles of batches one after the other.
func joinRoles(batches []*event.Batch) *event.Batch {
	out := &event.Batch{Header: event.Header{Kind: event.Reference}}
	for _, b := range batches {
		out.Rows += b.Rows
		out.Time = append(out.Time, b.Time...)
	}
	if slices.ContainsFunc(batches, func(b *event.Batch) bool { return b.HasIDs() }) {
		for _, b := range batches {
			appendText(&out.ID, &b.ID, b.Rows)
		}
	}
	out.Pred, out.PredValue = joinScalar(batches, func(b *event.Batch) (*event.Dict, *event.Num) { return &b.Pred, &b.PredValue })
	out.Label, out.LabelValue = joinScalar(batches, func(b *event.Batch) (*event.Dict, *event.Num) { return &b.Label, &b.LabelValue })
	out.Score = joinNums(batches, func(b *event.Batch) *event.Num { return &b.Score })
	out.Scores = joinScores(batches)
	return out
}

// joinScores are the scores of each class that any batch has, by name.
func joinScores(batches []*event.Batch) (out []event.Num) {
	names := map[string]bool{}
	for _, b := range batches {
		for i := range b.Scores {
			names[b.Scores[i].Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := joinNums(batches, func(b *event.Batch) *event.Num {
			if i := slices.IndexFunc(b.Scores, func(n event.Num) bool { return n.Name == name }); i >= 0 {
				return &b.Scores[i]
			}
			return &event.Num{}
		})
		n.Name = name
		out = append(out, n)
	}
	return out
}

func appendText(to, t *event.Text, rows int) {
	if len(to.Offsets) == 0 {
		to.Offsets = append(to.Offsets, 0)
	}
	base := uint32(len(to.Data))
	to.Data = append(to.Data, t.Data...)
	for i := range rows {
		end := base
		if len(t.Offsets) > 0 {
			end += t.Offsets[i+1]
		}
		to.Offsets = append(to.Offsets, end)
	}
}

// joinScalar is a prediction or a label: classes where each batch that has any
// has classes, numbers likewise; else the numbers become classes.
func joinScalar(batches []*event.Batch, of func(*event.Batch) (*event.Dict, *event.Num)) (event.Dict, event.Num) {
	classes, numbers := true, true
	for _, b := range batches {
		d, n := of(b)
		if d.Present() || n.Present() {
			classes = classes && d.Present()
			numbers = numbers && n.Present()
		}
	}
	var dict event.Dict
	var num event.Num
	if classes || !numbers {
		dict = joinDicts(batches, of)
	}
	if numbers {
		num = joinNums(batches, func(b *event.Batch) *event.Num { _, n := of(b); return n })
	}
	return dict, num
}

func joinNums(batches []*event.Batch, of func(*event.Batch) *event.Num) event.Num {
	var out event.Num
	if !slices.ContainsFunc(batches, func(b *event.Batch) bool { return of(b).Present() }) {
		return out
	}
	nulls := false
	for _, b := range batches {
		n := of(b)
		nulls = nulls || !n.Present() && b.Rows > 0 || n.Valid != nil
		if n.Present() {
			out.Values = append(out.Values, n.Values...)
		} else {
			out.Values = append(out.Values, make([]float64, b.Rows)...)
		}
	}
	row := 0
	for _, b := range batches {
		n := of(b)
		for i := range b.Rows {
			if nulls && n.Null(i) {
				out.SetNull(row + i)
			}
		}
		row += b.Rows
	}
	return out
}

func joinDicts(batches []*event.Batch, of func(*event.Batch) (*event.Dict, *event.Num)) event.Dict {
	var out event.Dict
	codes := map[string]int32{}
	code := func(v string) int32 {
		c, ok := codes[v]
		if !ok {
			c = int32(len(out.Values))
			codes[v], out.Values = c, append(out.Values, v)
		}
		return c
	}
	any := false
	for _, b := range batches {
		d, n := of(b)
		for i := range b.Rows {
			c := int32(-1)
			if v, ok := d.At(i); ok {
				c = code(v)
			} else if !d.Present() && !n.Null(i) {
				c = code(className(n.Values[i]))
			}
			any = any || c >= 0
			out.Codes = append(out.Codes, c)
		}
	}
	if !any {
		return event.Dict{}
	}
	return out
}

// className writes a number as decode does.
func className(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// join brings the labels of their own file to the rows of the current one.
func (m *maker) join(ctx context.Context) error {
	if m.o.Labels == "" {
		return nil
	}
	labels, err := m.readLabels(ctx)
	if err != nil {
		return err
	}
	m.out.Labels = &labels.about
	b := m.cur.roles
	if !b.HasIDs() {
		return fmt.Errorf("labels are joined by id, and %s has no column id; name it with --map id=…", m.o.Current)
	}
	if !labels.roles.HasIDs() {
		return fmt.Errorf("%s has no column id; name it with --map id=…", m.o.Labels)
	}
	at := make(map[string]int32, labels.roles.Rows)
	for i := range labels.roles.Rows {
		at[string(labels.roles.ID.At(i))] = int32(i) // a second label corrects the first
	}
	rows := make([]int32, b.Rows)
	met := 0
	for i := range rows {
		rows[i] = -1
		if r, ok := at[string(b.ID.At(i))]; ok {
			rows[i] = r
			met++
		}
	}
	if met == 0 && labels.roles.Rows > 0 && b.Rows > 0 {
		m.warn("no label has the id of a row: is %q in %s what %q is in %s?", labels.roles.ID.At(0), labels.about.Name, b.ID.At(0), m.cur.about.Name)
	}
	b.Label, b.LabelValue = takeDict(&labels.roles.Label, rows), takeNum(&labels.roles.LabelValue, rows)
	return nil
}

func takeDict(d *event.Dict, rows []int32) event.Dict {
	if !d.Present() {
		return event.Dict{}
	}
	out := event.Dict{Values: d.Values, Codes: make([]int32, len(rows))}
	for i, r := range rows {
		out.Codes[i] = -1
		if r >= 0 {
			out.Codes[i] = d.Codes[r]
		}
	}
	return out
}

func takeNum(n *event.Num, rows []int32) event.Num {
	if !n.Present() {
		return event.Num{}
	}
	out := event.Num{Values: make([]float64, len(rows))}
	for i, r := range rows {
		if r < 0 || n.Null(int(r)) {
			out.SetNull(i)
			continue
		}
		out.Values[i] = n.Values[r]
	}
	return out
}

func (m *maker) readLabels(ctx context.Context) (*table, error) {
	name := m.o.Labels
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	t := &table{about: File{Name: filepath.Base(name), Bytes: st.Size()}}
	o := m.decodeOptions(event.Labels)
	o.PastLimit = 200 * 365 * 24 * 3600e9
	columnar, err := file.IsParquet(name)
	if err != nil {
		return nil, err
	}
	if columnar {
		err = t.readParquet(name, o)
	} else {
		err = t.readRows(ctx, name, o, func(int64) {})
	}
	return t, err
}

// checkMap says which mapped columns no file has: those that are known are the
// features and what the roles found.
func (m *maker) checkMap() error {
	for _, role := range slices.Sorted(maps.Keys(m.o.Map)) {
		column := m.o.Map[role]
		found := false
		var all []string
		for _, name := range []string{m.o.Reference, m.o.Current, m.o.Labels} {
			if name == "" {
				continue
			}
			columns, err := file.Columns(name)
			if err != nil {
				return err
			}
			if columns == nil || slices.Contains(columns, column) {
				found = true
				break
			}
			all = append(all, fmt.Sprintf("%s has %s", filepath.Base(name), strings.Join(columns[:min(len(columns), 50)], ", ")))
		}
		if !found {
			return fmt.Errorf("there is no column %q for %s: %s", column, role, strings.Join(all, "; "))
		}
	}
	return nil
}

// infer learns what kind of model it is, from the reference first.
func (m *maker) infer() {
	known := model.Model{Task: model.Task(m.o.Task), Declared: m.o.Task != event.Unknown, Positive: m.o.Positive}
	known = model.Infer(known, m.ref.roles)
	known = model.Infer(known, m.cur.roles)
	if known.Task != model.Task(m.ref.roles.Task) || known.Positive != m.ref.roles.Positive {
		known = model.Infer(known, m.ref.roles) // what the current file taught
	}
	m.out.Task = known.Task.String()
	m.out.Positive = known.Positive
}

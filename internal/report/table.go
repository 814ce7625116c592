package report

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/file"
	"github.com/leewayhq/leeway/internal/event"
)

// table is one file: its roles, and a way to its features.
type table struct {
	about    File
	roles    *event.Batch // without features
	hasTime  bool
	features []string
	source   source
	warnings []decode.Warning
}

// source gives one feature at a time.
type source interface {
	// reader is for one goroutine.
	reader() (reader, error)
	close()
}

type reader interface {
	// pieces calls fn for each run of rows, in order, with the feature as numbers
	// or as strings; rows that were left out are not in it.
	pieces(name string, fn func(num *event.Num, cat *event.Dict, rows int)) error
	close()
}

// noTime marks the rows without a time: one is never that exact millisecond.
const noTime = 1

// limits of a file are those of the machine: only what one value may be stays.
func limits() decode.Limits {
	return decode.Limits{Rows: event.MaxRows, Cells: math.MaxInt32, Features: 20_000, BodyBytes: 1 << 40}
}

func (m *maker) decodeOptions(kind event.Kind) decode.Options {
	return decode.Options{
		Kind: kind, Now: m.o.Now.UnixMilli(), DefaultTime: noTime, Zone: m.o.Zone, Map: m.o.Map,
		Limits: limits(), FutureLimit: 200 * 365 * 24 * time.Hour,
	}
}

// open reads the roles of both files and, of files that come by rows, all.
func (m *maker) open(ctx context.Context) error {
	refs, curs := make(chan error, 1), make(chan error, 1)
	go func() {
		var err error
		m.ref, err = m.read(ctx, m.o.Reference, nil)
		refs <- err
	}()
	go func() {
		var err error
		m.cur, err = m.read(ctx, m.o.Current, nil)
		curs <- err
	}()
	err, errCur := <-refs, <-curs
	if err == nil {
		err = errCur
	}
	if err == nil {
		err = m.agree(ctx)
	}
	if err == nil {
		err = m.checkMap()
	}
	if err != nil {
		for _, t := range []*table{m.ref, m.cur} {
			if t != nil {
				t.close()
			}
		}
		return err
	}
	m.out.Reference, m.out.Current = m.ref.about, m.cur.about
	for _, t := range []*table{m.ref, m.cur} {
		for _, w := range t.warnings {
			m.warn("%s: %s: %s", t.about.Name, w.Field, w.Reason)
		}
	}
	return nil
}

func (m *maker) warn(format string, args ...any) {
	if len(m.out.Warnings) < 100 {
		m.out.Warnings = append(m.out.Warnings, fmt.Sprintf(format, args...))
	}
}

func (t *table) close() { t.source.close() }

func (m *maker) read(ctx context.Context, name string, text map[string]bool) (*table, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	t := &table{about: File{Name: filepath.Base(name), Bytes: st.Size()}}
	columnar, err := file.IsParquet(name)
	if err != nil {
		return nil, err
	}
	o := m.decodeOptions(event.Reference)
	o.Text = text
	if columnar {
		err = t.readParquet(name, o)
	} else {
		err = t.readRows(ctx, name, o, m.readTo())
	}
	if err != nil {
		return nil, err
	}
	t.features = slices.DeleteFunc(t.features, func(n string) bool { return slices.Contains(m.o.Ignore, n) })
	t.tellTime()
	return t, nil
}

// tellTime finds out whether there are times, and between which.
func (t *table) tellTime() {
	var from, to int64
	for _, at := range t.roles.Time {
		if at == noTime {
			continue
		}
		if !t.hasTime {
			from, to, t.hasTime = at, at, true
		}
		from, to = min(from, at), max(to, at)
	}
	if t.hasTime {
		a, b := time.UnixMilli(from).UTC(), time.UnixMilli(to).UTC()
		t.about.From, t.about.To = &a, &b
	}
}

// maxReasons bounds the reasons of rejected rows.
const maxReasons = 20

func (f *File) reject(firstRow int, list []decode.Rejection) {
	for _, r := range list {
		if len(f.Rejected) < maxReasons {
			f.Rejected = append(f.Rejected, fmt.Sprintf("row %d: %s: %s", firstRow+r.Row+1, r.Field, r.Reason))
		}
	}
}

// readParquet reads the roles; features wait in the file.
func (t *table) readParquet(name string, o decode.Options) error {
	s := &parquetSource{name: name, o: o}
	r, err := s.open()
	if err != nil {
		return err
	}
	defer r.close()
	res, err := r.file.Roles()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.keep = res.RowIndex
	t.about.Rows, t.about.Used = res.Rows, res.Accepted
	t.about.reject(0, res.Rejected)
	t.roles, t.features, t.source, t.warnings = res.Batch, r.file.Features(), s, res.Warnings
	return nil
}

// parquetSource opens the file anew for each worker.
type parquetSource struct {
	name string
	o    decode.Options
	keep []int32 // rows that stay; nil is all
}

type parquetReader struct {
	os   *os.File
	file *decode.ParquetFile
	keep []int32
}

func (s *parquetSource) open() (*parquetReader, error) {
	f, err := os.Open(s.name)
	if err != nil {
		return nil, err
	}
	p, err := decode.OpenParquet(f, &s.o)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return &parquetReader{f, p, s.keep}, nil
}

func (s *parquetSource) reader() (reader, error) { return s.open() }
func (s *parquetSource) close()                  {}
func (r *parquetReader) close()                  { r.os.Close() }

func (r *parquetReader) pieces(name string, fn func(num *event.Num, cat *event.Dict, rows int)) error {
	num, cat, err := r.file.Feature(name)
	if err != nil {
		return err
	}
	rows := r.file.Rows()
	if r.keep != nil {
		b := event.Batch{Rows: rows, Nums: []event.Num{num}, Cats: []event.Dict{cat}}
		kept := b.Take(r.keep)
		num, cat, rows = kept.Nums[0], kept.Cats[0], kept.Rows
	}
	if cat.Present() {
		fn(nil, &cat, rows)
	} else {
		fn(&num, nil, rows)
	}
	return nil
}

// rowsSource holds the batches of a file that came by rows.
type rowsSource struct {
	batches []*event.Batch
	text    map[string]bool // features that are strings in some batch
	classes map[string]bool // features that are numbers in some batch
}

func (s *rowsSource) reader() (reader, error) { return s, nil }
func (s *rowsSource) close()                  {}

func (s *rowsSource) pieces(name string, fn func(num *event.Num, cat *event.Dict, rows int)) error {
	for _, b := range s.batches {
		if i := slices.IndexFunc(b.Cats, func(d event.Dict) bool { return d.Name == name }); i >= 0 {
			fn(nil, &b.Cats[i], b.Rows)
			if j := slices.IndexFunc(b.Nums, func(n event.Num) bool { return n.Name == name }); j >= 0 {
				fn(&b.Nums[j], nil, -b.Rows) // JSON: the numbers of the same rows
			}
			continue
		}
		if i := slices.IndexFunc(b.Nums, func(n event.Num) bool { return n.Name == name }); i >= 0 {
			fn(&b.Nums[i], nil, b.Rows)
			continue
		}
		fn(nil, nil, b.Rows)
	}
	return nil
}

// readTo is told how much of a file has been read, and draws the share of all.
func (m *maker) readTo() func(read int64) {
	var size, last int64
	for _, name := range []string{m.o.Reference, m.o.Current} {
		if st, err := os.Stat(name); err == nil {
			size += st.Size()
		}
	}
	return func(read int64) {
		all := m.reading.Add(read - last)
		last = read
		m.step(min(1, float64(all)/float64(max(size, 1))), "reading")
	}
}

func (t *table) readRows(ctx context.Context, name string, o decode.Options, readTo func(int64)) error {
	s := &rowsSource{text: map[string]bool{}, classes: map[string]bool{}}
	known := map[string]bool{}
	add := func(feature string) {
		if !known[feature] {
			known[feature] = true
			t.features = append(t.features, feature)
		}
	}
	err := file.Read(ctx, name, o, func(r *decode.Result, read int64) error {
		readTo(read)
		b := r.Batch
		t.about.reject(t.about.Rows, r.Rejected)
		t.about.Rows += r.Rows
		t.about.Used += r.Accepted
		for i := range b.Nums {
			add(b.Nums[i].Name)
			if !allNull(&b.Nums[i]) {
				s.classes[b.Nums[i].Name] = true
			}
		}
		for i := range b.Cats {
			add(b.Cats[i].Name)
			s.text[b.Cats[i].Name] = true
		}
		t.addWarnings(r.Warnings)
		s.batches = append(s.batches, b)
		return nil
	})
	if err != nil {
		return err
	}
	t.source, t.roles = s, joinRoles(s.batches)
	return nil
}

func allNull(n *event.Num) bool {
	for i := range n.Values {
		if !n.Null(i) {
			return false
		}
	}
	return true
}

func (t *table) addWarnings(list []decode.Warning) {
	for _, w := range list {
		seen := slices.ContainsFunc(t.warnings, func(o decode.Warning) bool { return o.Field == w.Field && o.Code == w.Code })
		if !seen && len(t.warnings) < decode.MaxListed {
			t.warnings = append(t.warnings, w)
		}
	}
}

// agree reads a file of text again where a column that is of strings in one
// place looked like numbers in another, so that a value means the same
// throughout.
func (m *maker) agree(ctx context.Context) error {
	text := map[string]bool{}
	for _, t := range []*table{m.ref, m.cur} {
		if s, ok := t.source.(*rowsSource); ok {
			for name := range s.text {
				text[name] = true
			}
		}
	}
	for _, t := range []**table{&m.ref, &m.cur} {
		s, ok := (*t).source.(*rowsSource)
		if !ok || !overlap(s.classes, text) {
			continue
		}
		name := m.o.Reference
		if t == &m.cur {
			name = m.o.Current
		}
		again, err := m.read(ctx, name, text)
		if err != nil {
			return err
		}
		*t = again
	}
	return nil
}

func overlap(a, b map[string]bool) bool {
	for name := range a {
		if b[name] {
			return true
		}
	}
	return false
}

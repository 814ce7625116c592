package archive

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Query asks for lines. Empty fields ask for all.
type Query struct {
	From, To int64 // unix ms: from <= time < to; To 0 is no end
	Levels   []string
	Service  string
	Model    string
	Text     string // to be found in the message or the attributes, in any case
	// Attrs are values of attributes by their names; a name with dots also leads
	// into objects.
	Attrs  map[string]string
	Limit  int    // 100; at most MaxLimit
	Cursor string // Next of an earlier page
}

// MaxLimit is the most lines of one page.
const MaxLimit = 10_000

// Page is the answer: lines from new to old.
type Page struct {
	Lines []Line
	// Next continues with older lines; empty at the end.
	Next string
	// Damaged names files that the answer lacks.
	Damaged []string
	Scanned int // lines that were looked at
}

// ErrBadCursor is the class of errors about a cursor that is none of ours.
var ErrBadCursor = errors.New("not a cursor of this search")

// levels from the least to the most serious, with their other names.
var levels = [...][]string{{"trace"}, {"debug"}, {"info", "", "notice", "information"}, {"warning", "warn"}, {"error", "err"}, {"critical", "crit", "fatal", "panic", "alert", "emergency"}}

// AtLeast is the levels from one on, for Query.Levels. A line without a level
// counts as info. ok is false for a level that is not known.
func AtLeast(level string) (out []string, ok bool) {
	for _, names := range levels {
		ok = ok || slices.Contains(names, strings.ToLower(level))
		if ok {
			out = append(out, names...)
		}
	}
	return out, ok
}

// search is one search on its way. Its files are read by several goroutines,
// which share best and page under mu.
type search struct {
	matcher
	before *Line // of the cursor: only lines before it

	mu   sync.Mutex
	best newest
	page Page
}

// mostReaders bounds the goroutines of one search: each holds a row group in
// memory.
const mostReaders = 4

// Search finds lines, the newest first. It reads files from new to old and
// stops when no file left can hold a newer line than those found. A damaged
// file is named in the page; the others are read all the same. The goroutines
// that it starts have ended when it returns.
func (a *Archive) Search(ctx context.Context, q Query) (*Page, error) {
	s := &search{matcher: newMatcher(q)}
	if s.Limit <= 0 {
		s.Limit = 100
	}
	s.Limit = min(s.Limit, MaxLimit)
	if q.Cursor != "" {
		before, err := parseCursor(q.Cursor)
		if err != nil {
			return nil, err
		}
		s.before = before
	}
	a.removing.RLock()
	defer a.removing.RUnlock()
	files := a.snapshot(s)
	var next atomic.Int64
	work, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), mostReaders, len(files)) {
		work.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(files) || s.enough(files[i].max) {
					return nil
				}
				if err := a.searchFile(ctx, s, files[i]); errors.Is(err, ErrDamaged) {
					s.mu.Lock()
					s.page.Damaged = append(s.page.Damaged, a.path(files[i]))
					s.mu.Unlock()
					a.report(files[i], err)
				} else if err != nil {
					return err
				}
			}
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(s.page.Damaged)
	a.metrics.scanned.Add(float64(s.page.Scanned))
	return s.finish(), nil
}

// snapshot looks through the tails and lists the files that may hold lines,
// the newest first. A line is in a tail or in a file, never in both.
func (a *Archive) snapshot(s *search) []*file {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.tails {
		s.takeAll(t.lines)
	}
	var files []*file
	for _, f := range a.files {
		if f.max >= s.From && (s.To == 0 || f.min < s.To) && (s.before == nil || f.min <= s.before.Time) {
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(x, y *file) int { return cmp.Compare(y.max, x.max) })
	return files
}

func (a *Archive) searchFile(ctx context.Context, s *search, f *file) error {
	r, err := a.open(f)
	if err != nil {
		return err
	}
	defer r.close()
	for g := len(r.groups) - 1; g >= 0; g-- {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("searching log lines: %w", err)
		}
		if s.enough(r.groups[g].Max) {
			return nil
		}
		skip := false
		if err := a.guarded(f, func() (err error) { skip, err = s.skips(r, &r.groups[g]); return err }); err != nil {
			return err
		}
		if skip {
			continue
		}
		if s.needle != "" {
			found, err := a.holdsText(r, g, &s.matcher)
			if err != nil {
				return err
			}
			if !found {
				s.looked(r.groups[g].Lines)
				continue
			}
		}
		lines, err := a.lines(r, g)
		if err != nil {
			return err
		}
		s.takeAll(lines)
	}
	return nil
}

func (s *search) looked(lines int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page.Scanned += lines
}

// takeAll keeps the lines that are asked for.
func (s *search) takeAll(lines []Line) {
	var found []*Line
	for i := range lines {
		if s.wants(&lines[i]) {
			found = append(found, &lines[i])
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page.Scanned += len(lines)
	for _, l := range found {
		s.keep(l)
	}
}

// skips tells whether a row group holds nothing that is asked for.
func (s *search) skips(r *reader, g *group) (bool, error) {
	if g.Max < s.From || s.To != 0 && g.Min >= s.To || s.before != nil && g.Min > s.before.Time {
		return true, nil
	}
	if len(s.Levels) > 0 && g.Levels != nil && !slices.ContainsFunc(g.Levels, func(l string) bool { return slices.Contains(s.Levels, l) }) {
		return true, nil
	}
	if s.Service != "" && g.Services != nil && !slices.Contains(g.Services, s.Service) {
		return true, nil
	}
	for _, word := range s.words {
		if may, err := g.mayHold(r, word); err != nil || !may {
			return err == nil, err
		}
	}
	return false, nil
}

// mayHold tells whether a line with this word, folded, can be in the group.
func (g *group) mayHold(r *reader, word string) (bool, error) {
	switch {
	case g.Old != "" && len(word) >= 3:
		old, err := unpackOld(g.Old)
		return err != nil || old.mayHold(word), err
	case r.grams == nil || len(word) < 3:
		return true, nil
	case len(word) >= 5:
		return place{g.At + int64(g.Three), g.Five, 5}.mayHold(r.grams, word)
	}
	return place{g.At, g.Three, 3}.mayHold(r.grams, word)
}

// enough tells whether lines up to a time cannot be among the newest any more.
func (s *search) enough(max int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.best) > s.Limit && s.best[0].Time > max
}

// keep keeps a line if it is among the newest.
func (s *search) keep(l *Line) {
	if len(s.best) > s.Limit { // one more than asked: it tells whether there are more
		if compare(l, &s.best[0]) < 0 {
			return
		}
		s.best[0] = *l
		heap.Fix(&s.best, 0)
		return
	}
	heap.Push(&s.best, *l)
}

func (s *search) wants(l *Line) bool {
	return (s.before == nil || compare(l, s.before) < 0) && s.match(l)
}

func (s *search) finish() *Page {
	lines := []Line(s.best)
	slices.SortFunc(lines, func(x, y Line) int { return compare(&y, &x) })
	if len(lines) > s.Limit {
		lines = lines[:s.Limit]
		s.page.Next = cursor(&lines[len(lines)-1])
	}
	s.page.Lines = lines
	return &s.page
}

// newest is a heap with the oldest line on top.
type newest []Line

func (h newest) Len() int           { return len(h) }
func (h newest) Less(i, j int) bool { return compare(&h[i], &h[j]) < 0 }
func (h newest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *newest) Push(x any)        { *h = append(*h, x.(Line)) }
func (h *newest) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// cursor names a line's place; it stays right when files are merged.
func cursor(l *Line) string {
	return fmt.Sprintf("%d.%d.%d.%d", l.Time, l.at.partition, l.at.offset, l.at.row)
}

func parseCursor(s string) (*Line, error) {
	l := new(Line)
	var rest string
	n, err := fmt.Sscanf(s+" ", "%d.%d.%d.%d%s", &l.Time, &l.at.partition, &l.at.offset, &l.at.row, &rest)
	if n != 4 || len(s) > 100 || cursor(l) != s {
		return nil, fmt.Errorf("%w: %.100q: %v", ErrBadCursor, s, err)
	}
	return l, nil
}

// report counts a damaged file and logs it once.
func (a *Archive) report(f *file, err error) {
	a.metrics.damaged.Inc()
	a.mu.Lock()
	known := a.reported[a.path(f)]
	a.reported[a.path(f)] = true
	a.mu.Unlock()
	if !known {
		a.cfg.Logger.Error("log lines are lost: a file is damaged", "err", err,
			"offsets", fmt.Sprintf("%d-%d", f.first, f.last), "partition", f.partition,
			"from", time.UnixMilli(f.min).UTC(), "to", time.UnixMilli(f.max).UTC())
	}
}

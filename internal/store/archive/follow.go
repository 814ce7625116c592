package archive

import "sync/atomic"

// Follower gets the lines that a query asks for as they come. C is never
// closed.
type Follower struct {
	C      chan Line
	match  matcher
	missed atomic.Int64
	leave  func()
}

// followRoom is how many lines wait for a follower; more are missed.
const followRoom = 1000

// Follow tells of the lines that come from now on and are in no search's past:
// those of a partition in the order of its queue, once, whatever the query's
// times, limit and cursor say. A follower that is too slow misses lines, and is
// told how many. Close it.
func (a *Archive) Follow(q Query) *Follower {
	q.From, q.To = -1<<62, 0
	f := &Follower{C: make(chan Line, followRoom), match: newMatcher(q)}
	f.leave = func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.followers, f)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.followers == nil {
		a.followers = map[*Follower]struct{}{}
	}
	a.followers[f] = struct{}{}
	return f
}

// Missed is how many lines there was no room for since the last call.
func (f *Follower) Missed() int64 { return f.missed.Swap(0) }

// Close ends it.
func (f *Follower) Close() { f.leave() }

// tell gives new lines to who follows. A step that was undone brings its lines
// again; they were told already. Under mu.
func (a *Archive) tell(t *tail, lines []Line) {
	for i := range lines {
		l := &lines[i]
		if l.at.offset < t.told.offset || l.at.offset == t.told.offset && l.at.row < t.told.row {
			continue
		}
		t.told = position{l.at.partition, l.at.offset, l.at.row + 1}
		for f := range a.followers {
			if !f.match.match(l) {
				continue
			}
			select {
			case f.C <- *l:
			default:
				f.missed.Add(1)
			}
		}
	}
}

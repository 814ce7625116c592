package join

import (
	"testing"
)

// clocked puts one prediction an hour into a store, by a clock that a test sets.
type clocked struct {
	t    *testing.T
	dir  string
	s    *Store
	next int
	gone int64 // without a label
}

const hour = day / 24

func (c *clocked) hours(from, to int64) {
	c.t.Helper()
	for at := from; at < to; at += hour {
		put(c.t, c.s, Entry{Hash: id(c.next), Flags: HasRow | HasPred}, at)
		c.next++
		gone, early := c.s.Expire()
		if early != 0 {
			c.t.Fatal("went early:", early)
		}
		c.gone += gone
		st := sync(c.t, c.s)
		if err := c.s.Done(); err != nil {
			c.t.Fatal(err)
		}
		if c.next%7 == 0 { // what is known of the clock survives a restart
			c.s.Close()
			c.s = open(c.t, c.dir, st)
		}
	}
}

func newClocked(t *testing.T) *clocked {
	c := &clocked{t: t, dir: t.TempDir()}
	c.s = open(t, c.dir, State{})
	return c
}

const years = 5 * 365 * day

func TestAClockThatWasWrongForHoursExpiresNothing(t *testing.T) {
	c := newClocked(t)
	const begin = 20000 * day
	c.hours(begin, begin+10*day)
	c.hours(begin+10*day+years, begin+10*day+years+20*hour) // the clock jumps, and is set right
	c.hours(begin+11*day, begin+12*day)
	if c.gone != 0 {
		t.Fatal("predictions lost to a wrong clock:", c.gone)
	}
	c.hours(begin+12*day, begin+80*day)
	if n := c.s.Stats().Unlabelled; n < 30*24 || n > 33*24 { // what arrived while it was wrong has gone too
		t.Fatal("predictions that wait:", n, "in buckets:", c.s.Stats().BucketCount)
	}
}

func TestALongPauseExpiresWhatIsOldADayLater(t *testing.T) {
	c := newClocked(t)
	const begin = 20000 * day
	c.hours(begin, begin+2*day)
	c.hours(begin+100*day, begin+100*day+23*hour)
	if c.gone != 0 {
		t.Fatal("the pause was believed at once")
	}
	c.hours(begin+101*day, begin+101*day+3*hour)
	if c.gone != 48 {
		t.Fatal("gone after the pause:", c.gone)
	}
}

// A batch a week is far apart, and goes when its time is over.
func TestRareArrivalsExpire(t *testing.T) {
	c := newClocked(t)
	for week := range int64(20) {
		c.hours(20000*day+week*7*day, 20000*day+week*7*day+1)
	}
	if n := c.s.Stats().Unlabelled; n < 4 || n > 7 {
		t.Fatal("weeks that wait:", n)
	}
}

// A clock that was wrong from the beginning and is set back: what arrived by it
// goes by the right one.
func TestAClockThatIsSetBackIsFollowed(t *testing.T) {
	c := newClocked(t)
	const begin = 20000 * day
	c.hours(begin+years, begin+years+5*day)
	c.hours(begin, begin+70*day)
	if n := c.s.Stats().Unlabelled; n < 30*24 || n > 33*24 {
		t.Fatal("predictions that wait:", n)
	}
}

func TestAStateWithoutAClockIsTaken(t *testing.T) {
	c := newClocked(t)
	const begin = 20000 * day
	c.hours(begin, begin+3*day)
	st := sync(t, c.s)
	c.s.Close()
	st.Clock, st.Jumped = 0, 0
	c.s = open(t, c.dir, st)
	c.hours(begin+3*day, begin+60*day)
	if n := c.s.Stats().Unlabelled; n < 30*24 || n > 33*24 {
		t.Fatal("predictions that wait:", n)
	}
}

package join

// Buckets expire by the times at which records arrived, as the records say, so
// that a replay comes to the same. The door takes them from the machine's
// clock, which may be wrong by years and be set right again. So a jump is
// believed only once arrivals have gone on behind it for a bucket's span of
// time, a day; until then nothing expires. If they come back, nothing happened.

// Arrive is told the arrival of each record, in order, unix ms.
func (s *Store) Arrive(at int64) {
	span := s.span()
	switch {
	case s.clock == 0:
		s.clock = at
	case at >= s.clock-span && at <= s.clock+span:
		s.clock, s.jumped = max(s.clock, at), 0
		s.capStarts()
	case s.jumped == 0 || at < s.jumped:
		s.jumped = at
	case at-s.jumped >= span:
		s.clock, s.jumped = at, 0
		s.capStarts()
	}
}

// capStarts brings the buckets that were opened by a wrong clock back to the
// right one, or they would stay for as long as it was wrong.
func (s *Store) capStarts() {
	for i := len(s.buckets) - 1; i >= 0 && s.buckets[i].start > s.clock; i-- {
		s.buckets[i].start = s.clock
	}
}

// span is the arrival time that one bucket covers, ms.
func (s *Store) span() int64 { return (s.cfg.Horizon / 30).Milliseconds() }

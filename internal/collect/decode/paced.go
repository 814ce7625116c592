package decode

import (
	"io"
	"net/http"
	"time"
)

// Paced reads a body that must not stand still for longer than Idle, nor last
// beyond End.
type Paced struct {
	R    io.Reader
	Conn *http.ResponseController
	Idle time.Duration
	End  time.Time
	Came int64 // bytes so far

	set time.Time // when the deadline was last set
}

func (p *Paced) Read(b []byte) (int, error) {
	if now := time.Now(); now.Sub(p.set) > p.Idle/16 {
		p.set = now
		deadline := now.Add(p.Idle)
		if deadline.After(p.End) {
			deadline = p.End
		}
		_ = p.Conn.SetReadDeadline(deadline) // the error is that of a connection without deadlines, as in tests
	}
	n, err := p.R.Read(b)
	p.Came += int64(n)
	return n, err
}

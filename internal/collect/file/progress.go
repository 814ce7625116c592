package file

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far an import is: a bar that is drawn over on a terminal,
// otherwise a line every few seconds.
type progress struct {
	out      io.Writer
	terminal bool
	now      func() time.Time
	size     int64
	rows     int // of the file, once the survey knows
	began    time.Time
	last     time.Time
	drawn    bool
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, now: time.Now}
	if f, ok := out.(*os.File); ok {
		st, err := f.Stat()
		p.terminal = err == nil && st.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) start(size int64) { p.size, p.began, p.last = size, p.now(), p.now() }

// due limits how often something is shown.
func (p *progress) due() bool {
	every := 5 * time.Second
	if p.terminal {
		every = 100 * time.Millisecond
	}
	if p.out == nil || p.now().Sub(p.last) < every {
		return false
	}
	p.last = p.now()
	return true
}

func (p *progress) surveyed(rows int, read int64) {
	if p.rows = rows; p.due() {
		p.show(fmt.Sprintf("reading %3.0f %%  %s rows", 100*share(read, p.size), grouped(rows)))
	}
}

func (p *progress) sent(rows int, read int64, s *Summary) {
	if s.Batches == 1 { // the rate is that of sending
		p.began = p.now()
	}
	if !p.due() {
		return
	}
	done, took := share(int64(rows), int64(p.rows)), p.now().Sub(p.began).Seconds()
	line := fmt.Sprintf("%s %3.0f %%  %s rows  %.1f of %.1f MB", bar(done), 100*done, grouped(rows), float64(read)/1e6, float64(p.size)/1e6)
	if took > 0.2 {
		rate := float64(rows) / took
		line += fmt.Sprintf("  %s rows/s  %v left", grouped(int(rate)), (time.Duration(float64(p.rows-rows)/max(rate, 1)) * time.Second).Round(time.Second))
	}
	p.show(line)
}

func (p *progress) done(rows int) {
	if p.out == nil || !p.drawn {
		return
	}
	p.show(fmt.Sprintf("%s 100 %%  %s rows", bar(1), grouped(rows)))
	if p.terminal {
		fmt.Fprintln(p.out)
	}
}

func (p *progress) show(line string) {
	p.drawn = true
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(p.out, line)
}

func share(n, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return min(1, float64(n)/float64(of))
}

func bar(done float64) string {
	const width = 24
	n := int(done * width)
	return "[" + strings.Repeat("#", n) + strings.Repeat("-", width-n) + "]"
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Progress shows how far any long reading is, in the same way.
type Progress struct{ p *progress }

// NewProgress draws to out: over one line on a terminal, else a line now and
// then. A nil out is silence.
func NewProgress(out io.Writer) *Progress {
	p := newProgress(out)
	p.start(0)
	return &Progress{p}
}

// Step shows a share of 0..1 and what is being done. It is not safe for
// concurrent use.
func (p *Progress) Step(done float64, what string) {
	if p.p.due() {
		p.p.show(fmt.Sprintf("%s %3.0f %%  %s", bar(done), 100*done, what))
	}
}

// End leaves the line, if one was drawn.
func (p *Progress) End(what string) {
	if p.p.drawn {
		p.p.show(bar(1) + " 100 %  " + what)
		if p.p.terminal {
			fmt.Fprintln(p.p.out)
		}
	}
}

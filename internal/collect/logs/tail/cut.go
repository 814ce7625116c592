package tail

import (
	"bytes"

	"github.com/leewayhq/leeway/internal/collect/logs"
)

// text is one whole text: a line, or lines that belong together.
type text struct {
	text string
	cut  bool
}

// cutter takes whole texts from the bytes of a file.
type cutter struct {
	join *logs.Joiner
	// finish ends the text that the bytes leave open: that of a round whose end
	// is known, one after which nothing came in time, a line where none are joined.
	finish bool
	// alone ends a line without a line end, too: nobody writes on.
	alone bool
	full  bool // the bytes fill the buffer
	skip  bool // the bytes begin inside a line that was cut

	texts []text
	taken int64
}

func (t *Tail) cutter(f *file, known, full bool) *cutter {
	join, _ := logs.NewJoiner(f.set.Join) // it was validated
	late := !full && t.cfg.Now().Sub(f.grown) >= f.set.Join.WithDefaults().Timeout
	return &cutter{join: join, finish: known || late || !f.set.Join.Joins(), alone: known || late && f.gone, full: full, skip: f.skip}
}

// run takes what is whole.
func (c *cutter) run(b []byte) {
	at := int64(0) // behind the lines that were added
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n') + 1
		switch {
		case n > 0 && c.skip: // the rest of a line that was cut
			c.skip = false
			at += int64(n)
			c.taken = at
			b = b[n:]
			continue
		case n == 0 && c.skip:
			at += int64(len(b))
			c.taken = at
			return
		case n == 0 && len(b) > logs.MaxLine:
			c.end(at)
			at += int64(len(b))
			c.texts = append(c.texts, text{string(b[:logs.MaxLine]), true})
			c.taken, c.skip = at, true
			return
		case n == 0 && !c.alone:
			c.last(at)
			return
		case n == 0:
			n = len(b)
		}
		line := logs.TrimEnd(b[:n])
		if c.join.Begins(line) {
			c.end(at)
		}
		if len(line) > logs.MaxLine {
			c.end(at)
			c.texts = append(c.texts, text{string(line[:logs.MaxLine]), true})
			c.taken = at + int64(n)
		} else {
			c.join.Add(line)
		}
		at += int64(n)
		b = b[n:]
	}
	c.last(at)
}

// end completes the text that ends at a place. Empty lines alone are no text.
func (c *cutter) end(at int64) {
	if c.join.Empty() {
		return
	}
	if s := c.join.Take(); s != "" {
		c.texts = append(c.texts, text{s, false})
	}
	c.taken = at
}

// last decides about the text that nothing follows.
func (c *cutter) last(at int64) {
	if c.finish || c.full && c.taken == 0 {
		c.end(at)
	}
}

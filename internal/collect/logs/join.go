package logs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// JoinConfig says which lines of a text belong together.
type JoinConfig struct {
	// Start matches the first line of each; what follows belongs to it.
	Start string
	// Stack joins stack traces of Java, Python, Go, JavaScript and .NET to the
	// line before them. It is not used with Start.
	Stack bool
	// Timeout ends a text after which nothing more came: 1 second.
	Timeout time.Duration
	// MaxLines and MaxBytes end a text: 500 and MaxLine.
	MaxLines, MaxBytes int
}

// WithDefaults is the configuration with each zero replaced.
func (c JoinConfig) WithDefaults() JoinConfig {
	if c.Timeout == 0 {
		c.Timeout = time.Second
	}
	if c.MaxLines == 0 {
		c.MaxLines = 500
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = MaxLine
	}
	return c
}

// Validate reports every problem.
func (c JoinConfig) Validate() error {
	var errs []error
	if _, err := regexp.Compile(c.Start); err != nil || len(c.Start) > maxPattern {
		errs = append(errs, fmt.Errorf("start: not a usable expression: %w", err))
	}
	if c.Start != "" && c.Stack {
		errs = append(errs, errors.New("start and stack: give one of the two"))
	}
	if c.Timeout < 0 || c.MaxLines < 0 || c.MaxBytes < 0 || c.MaxBytes > MaxLine {
		errs = append(errs, fmt.Errorf("timeout, max_lines and max_bytes are not negative, and max_bytes is at most %d", MaxLine))
	}
	return errors.Join(errs...)
}

// Joins tells whether anything is joined at all.
func (c JoinConfig) Joins() bool { return c.Start != "" || c.Stack }

// Joiner makes one text of the lines that belong together. It is for one
// goroutine and one stream of lines.
type Joiner struct {
	cfg   JoinConfig
	start *regexp.Regexp

	text  []byte
	lines int
	trace trace
}

// trace is the kind of stack trace that the lines are in.
type trace int

const (
	noTrace trace = iota
	pythonTrace
	goTrace
)

// NewJoiner makes a joiner; it gives each line alone when nothing is joined.
func NewJoiner(cfg JoinConfig) (*Joiner, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	j := &Joiner{cfg: cfg.WithDefaults()}
	if cfg.Start != "" {
		j.start = regexp.MustCompile(cfg.Start)
	}
	return j, nil
}

// Begins tells whether a line is the first of the next text, so that what was
// added before it is complete.
func (j *Joiner) Begins(line []byte) bool {
	if j.lines == 0 {
		return false
	}
	if !j.cfg.Joins() || j.lines >= j.cfg.MaxLines || len(j.text)+1+len(line) > j.cfg.MaxBytes {
		return true
	}
	if j.start != nil {
		return j.start.Match(line)
	}
	return !j.continues(string(line))
}

// Add takes a line.
func (j *Joiner) Add(line []byte) {
	if j.lines > 0 {
		j.text = append(j.text, '\n')
	}
	j.text = append(j.text, line...)
	j.lines++
	if j.cfg.Stack {
		j.enter(string(line))
	}
}

// Take gives what was added and begins anew.
func (j *Joiner) Take() string {
	s := string(j.text)
	j.text, j.lines, j.trace = j.text[:0], 0, noTrace
	return s
}

// Empty tells whether nothing was added since Take.
func (j *Joiner) Empty() bool { return j.lines == 0 }

var (
	pythonEnd = regexp.MustCompile(`^[A-Za-z_][\w.]*(?:: |$)`)
	goFrame   = regexp.MustCompile(`^(?:\t|\[signal |goroutine \d+ \[|created by |exit status \d|[\w./*()\-]+\(.*\)$)`)
	moreCause = regexp.MustCompile(`^(?:Caused by: |Suppressed: |\.\.\. \d+ more|at |--- End of )`)
)

// continues tells whether a line belongs to the text before it.
func (j *Joiner) continues(line string) bool {
	switch {
	case line != "" && (line[0] == ' ' || line[0] == '\t'):
		return true
	case moreCause.MatchString(line), strings.HasPrefix(line, "Traceback (most recent call last)"),
		strings.HasPrefix(line, "During handling of the above exception"), strings.HasPrefix(line, "The above exception was the direct cause"):
		return true
	case j.trace == goTrace:
		return line == "" || goFrame.MatchString(line)
	case j.trace == pythonTrace:
		return line == "" || pythonEnd.MatchString(line)
	}
	return false
}

// enter notes which kind of trace the lines are in now.
func (j *Joiner) enter(line string) {
	switch {
	case strings.HasPrefix(line, "Traceback (most recent call last)"):
		j.trace = pythonTrace
	case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "), strings.HasPrefix(line, "goroutine "):
		j.trace = goTrace
	case j.trace == pythonTrace && pythonEnd.MatchString(line):
		j.trace = noTrace // the exception's own line is the last
	}
}

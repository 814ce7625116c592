package decode

import (
	"errors"
	"fmt"
	"time"
)

// The classes of refusal that a sender meets at the door. Test with errors.Is.
var (
	// ErrTooLarge: the body, or what it unfolds to, is over a limit. Sending it
	// again will not help.
	ErrTooLarge = errors.New("too large")
	// ErrTooFast: the sender is over its rate. Later it will be taken.
	ErrTooFast = errors.New("too fast")
	// ErrFull: the queue or the disk has no room now. Later it will be taken.
	ErrFull = errors.New("full")
	// ErrReadOnly: this server takes nothing, and will not.
	ErrReadOnly = errors.New("read only")
)

// RetryError is a refusal that says when to come back.
type RetryError struct {
	Class error // ErrTooFast or ErrFull
	After time.Duration
}

func (e *RetryError) Error() string {
	return fmt.Sprintf("%v: try again in %v", e.Class, e.After)
}

func (e *RetryError) Unwrap() error { return e.Class }

// LimitError names the limit that a body is over. Its class is ErrTooLarge.
type LimitError struct {
	What  string // "rows", "bytes after decompression", …
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("too large: more than %d %s", e.Limit, e.What)
}

func (e *LimitError) Unwrap() error { return ErrTooLarge }

// SyntaxError says why a whole body cannot be read, and where.
type SyntaxError struct {
	Offset int64  // bytes from 0
	Line   int    // from 1; 0 where lines mean nothing (Arrow, Parquet, frames)
	Column int    // bytes from 1
	Reason string // one clause
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d, column %d (byte %d): %s", e.Line, e.Column, e.Offset, e.Reason)
}

// syntaxAt counts the lines up to offset.
func syntaxAt(body []byte, offset int, reason string) *SyntaxError {
	offset = min(max(offset, 0), len(body))
	e := &SyntaxError{Offset: int64(offset), Line: 1, Column: 1, Reason: reason}
	for _, c := range body[:offset] {
		e.Column++
		if c == '\n' {
			e.Line, e.Column = e.Line+1, 1
		}
	}
	return e
}

func unreadable(format string, args ...any) *SyntaxError {
	return &SyntaxError{Reason: fmt.Sprintf(format, args...)}
}

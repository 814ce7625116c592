// Package queue is the durable log between collecting and processing. It
// carries bytes in partitions, by offset, and knows no models.
//
// # Promises that every driver keeps
//
//   - Append returns nil only after the record would survive a power cut. What
//     failed may or may not be in the log afterwards: nothing was promised, and
//     the batch id inside the data makes a second try harmless.
//   - Within a partition offsets increase strictly in the order in which Read
//     returns the records. They are not dense, and two partitions have nothing
//     to do with each other. Offset 0 is before everything.
//   - Read shows durable records only, so that nobody can act on a record that
//     a crash then takes back.
//   - The reader owns its position. The log remembers none: the consumer keeps
//     the offset of the next record in the same commit as the state made from
//     the records before it, and asks from there (from = last.Offset + 1).
//   - Nothing is lost in silence. Reading what was trimmed away is ErrTrimmed,
//     reading what is damaged is ErrCorrupt, and a log that ends before the
//     place up to which somebody has read is ErrBeyond.
//   - A full log refuses (ErrFull). It never drops what is not yet released.
//
// # The high-water mark
//
// A damaged disk can take the end of a log without a trace in the log itself.
// The committed offset of the consumer is the evidence: if Bounds gives a next
// that is lower, acknowledged records are gone. The consumer checks this once
// at start, before anything new is appended, says what is missing, counts it
// and does not go on quietly. Read refuses such an offset with ErrBeyond too.
//
// A Log is safe for use by many goroutines. Drivers are in the folders below;
// queuetest holds the suite that each of them passes.
package queue

import (
	"context"
	"errors"
	"fmt"
)

// Offset is a place in one partition. The layout of its bits belongs to the
// driver: compare offsets, add one to the last read, and do nothing else.
type Offset uint64

// Record is one append as it is read back. Data is read only: other readers may
// have it too, and the log never writes into it again. It begins at a multiple of 8 bytes in memory, so
// that columns in it can be used in place.
type Record struct {
	Offset   Offset
	Producer uint64 // random for each opening of the log for writing
	Seq      uint64 // counts the records of one producer in one partition, from 1
	Arrived  int64  // unix milliseconds, stamped by the log at Append
	Data     []byte
}

// Log is what a driver implements.
type Log interface {
	// Partitions is the number of partitions, numbered from 0. It never changes
	// during the life of a log's data.
	Partitions() int

	// Append adds one record and returns when it is durable. Concurrent callers
	// share an fsync. Data may be reused after the return. The context bounds the
	// wait for a place in the queue of writers; once the record is handed to the
	// disk the call waits for the disk. ErrFull, ErrTooLarge, ErrReadOnly,
	// ErrClosed.
	Append(ctx context.Context, partition int, data []byte) (Offset, error)

	// Read returns records whose offset is at least from, in order, as many as
	// fit into maxBytes of data but at least one. It waits until there is one, or
	// until the context ends. ErrTrimmed, ErrCorrupt, ErrBeyond, ErrClosed.
	Read(ctx context.Context, partition int, from Offset, maxBytes int) ([]Record, error)

	// Bounds returns the lowest offset that can be asked for without missing a
	// record, and an offset above every durable record and not above any future
	// one. First is 0 as long as nothing was ever removed.
	Bounds(partition int) (first, next Offset, err error)

	// Trim says that everything below the offset is processed for good. The
	// driver may then remove it, now or later, as its retention says; it never
	// removes what lies at or above the highest offset so released.
	Trim(partition int, below Offset) error

	// Close waits for the appends under way, wakes the readers with ErrClosed and
	// lets go of the files. Closing twice is harmless.
	Close() error
}

// Classes of errors, for errors.Is.
var (
	ErrTrimmed   = errors.New("queue: the records asked for were trimmed away")
	ErrCorrupt   = errors.New("queue: records are damaged")
	ErrBeyond    = errors.New("queue: the log ends before the offset asked for")
	ErrFull      = errors.New("queue: the log is full of records that are not processed yet")
	ErrTooLarge  = errors.New("queue: the record is larger than the limit")
	ErrReadOnly  = errors.New("queue: the log takes no more records after a failed write")
	ErrClosed    = errors.New("queue: the log is closed")
	ErrPartition = errors.New("queue: no such partition")
)

// TrimmedError is an ErrTrimmed that says from where reading is possible.
type TrimmedError struct {
	Partition int
	From      Offset // asked for
	First     Offset // lowest that can be asked for
}

func (e *TrimmedError) Error() string {
	return fmt.Sprintf("%v: partition %d, asked from %d, kept from %d", ErrTrimmed, e.Partition, e.From, e.First)
}

func (e *TrimmedError) Unwrap() error { return ErrTrimmed }

// CorruptError is an ErrCorrupt that says where and how much. Reading can go on
// at To once an operator has accepted the loss.
type CorruptError struct {
	Partition int
	File      string
	Position  int64  // byte in the file at which the damage was noticed
	From, To  Offset // every record with From <= offset < To is unreadable
	Records   int64  // how many records that is; -1 where it cannot be told
	Reason    string
}

func (e *CorruptError) Error() string {
	n := "an unknown number of"
	if e.Records >= 0 {
		n = fmt.Sprint(e.Records)
	}
	return fmt.Sprintf("%v: partition %d, %s at byte %d: %s; %s records at offsets %d to below %d cannot be read",
		ErrCorrupt, e.Partition, e.File, e.Position, e.Reason, n, e.From, e.To)
}

func (e *CorruptError) Unwrap() error { return ErrCorrupt }

// BeyondError is an ErrBeyond: acknowledged records have vanished from the end
// of the log, or the offset belongs to another log.
type BeyondError struct {
	Partition int
	From      Offset // asked for
	Next      Offset // where the log ends
}

func (e *BeyondError) Error() string {
	return fmt.Sprintf("%v: partition %d, asked from %d, ends at %d", ErrBeyond, e.Partition, e.From, e.Next)
}

func (e *BeyondError) Unwrap() error { return ErrBeyond }

package join

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Lost is the end of a file that Cut gives up.
type Lost struct {
	File  string
	Byte  int64  // where it begins
	Slots uint64 // how many; an entry has one or more
	Kept  string // a copy of the file as it was; empty where there is none
}

// Cut is for the repair of a stopped server: it keeps of each file what stands
// before its first damaged byte, and returns the state to commit without the
// rest, and what that is. A damaged file is copied beside itself first. Nothing
// else is changed: Open cuts the files to the state.
func Cut(dir string, st State) (State, []Lost, error) {
	var lost []Lost
	kept := st
	kept.Buckets = nil
	for _, b := range st.Buckets {
		name := bucketFile(dir, b.Base)
		whole, open, err := intact(name, b.Slots)
		if err != nil {
			return st, nil, err
		}
		if whole < b.Slots {
			l := Lost{File: name, Byte: int64(whole) * slotBytes, Slots: b.Slots - whole}
			if l.Kept, err = putAside(name); err != nil {
				return st, nil, err
			}
			lost = append(lost, l)
			b.Slots, b.Open = whole, min(b.Open, open)
		}
		if b.Slots > 0 {
			kept.Buckets = append(kept.Buckets, b)
		}
	}
	return kept, lost, nil
}

// intact is how many slots from the beginning, at most limit, can be read as
// whole entries, and how many of these wait for a label.
func intact(name string, limit uint64) (slots uint64, open int64, err error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("join: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	for slots < limit {
		f, size, ok := readEntry(r)
		if !ok || slots+size > limit {
			return slots, open, nil
		}
		slots += size
		if f&HasPred != 0 && f&HasLabel == 0 {
			open++
		}
	}
	return slots, open, nil
}

// readEntry reads an entry's slots; ok is false where one of them cannot be read.
func readEntry(r io.Reader) (f Flags, slots uint64, ok bool) {
	var slot [slotBytes]byte
	if !readSlot(r, slot[:]) {
		return 0, 0, false
	}
	f, slots = flagsOf(slot[:]), 1
	if f&hasSegments != 0 {
		if slots++; !readSlot(r, slot[:]) {
			return f, slots, false
		}
	}
	left := 0
	if f&hasExtra != 0 {
		if slots++; !readSlot(r, slot[:]) {
			return f, slots, false
		}
		left = extraSlots(int(binary.LittleEndian.Uint16(slot[:]))) - 1
	}
	for ; left > 0; left-- {
		if slots++; !readSlot(r, slot[:]) {
			return f, slots, false
		}
	}
	return f, slots, true
}

// readSlot is false at the end of the file, at a byte that the disk does not
// give, and at a wrong checksum: the slot is lost in each case.
func readSlot(r io.Reader, slot []byte) bool {
	_, err := io.ReadFull(r, slot)
	return err == nil && binary.LittleEndian.Uint32(slot[44:]) == sum(slot[:44])
}

// putAside copies a damaged file as far as it can be read.
func putAside(name string) (string, error) {
	from, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("join: %w", err)
	}
	defer from.Close()
	if info, err := from.Stat(); err == nil && info.Size() == 0 {
		return "", nil // a start has made what was not there
	}
	copied := name + ".damaged"
	to, err := os.Create(copied)
	if err != nil {
		return "", fmt.Errorf("join: %w", err)
	}
	_, _ = io.Copy(to, from) // a disk that does not give a byte is why we are here
	if err := errors.Join(to.Sync(), to.Close(), syncDir(filepath.Dir(name))); err != nil {
		return "", fmt.Errorf("join: %w", err)
	}
	return copied, nil
}

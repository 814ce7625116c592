package client

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// spool keeps batches in files, so that they outlive the process. Each process
// has a folder of its own below root and holds its lock; a folder whose lock is
// free belonged to a process that is gone, and whoever starts next takes its
// batches over. docs/formats/spool.md describes the bytes; the Python client
// has the same. It is used by one goroutine.
type spool struct {
	root, own string
	limit     int64
	bytes     int64
	number    uint64
	locks     map[string]*os.File // by folder
}

const (
	spoolVersion = 1
	spoolSuffix  = ".batch"
	spoolLock    = "lock"
	maxSpoolHead = 64 << 10
)

var (
	errSpoolFull    = errors.New("the spool is full")
	errSpoolDamaged = errors.New("damaged, and set aside")
)

// spoolHead is the first line of a file; the body follows.
type spoolHead struct {
	V     int    `json:"v"`
	Path  string `json:"path"`
	ID    string `json:"id"`
	Type  string `json:"type"`
	Rows  int    `json:"rows"`
	Bytes int    `json:"bytes"`
	CRC32 uint32 `json:"crc32"` // IEEE, of the body
}

// openSpool makes a folder and takes over what is left of processes that are
// gone: batches without their bodies, oldest first.
func openSpool(root string, limit int64) (*spool, []*batch, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, nil, err
	}
	all, err := os.OpenFile(filepath.Join(root, spoolLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer all.Close()
	if err := lockFile(all, true); err != nil {
		return nil, nil, err
	}
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	s := &spool{root: root, own: filepath.Join(root, hex.EncodeToString(random)), limit: limit, locks: map[string]*os.File{}}
	left, err := s.takeOver()
	if err == nil {
		err = s.begin()
	}
	if err != nil {
		s.close()
		return nil, nil, err
	}
	return s, left, nil
}

func (s *spool) begin() error {
	if err := os.Mkdir(s.own, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(s.own, spoolLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	s.locks[s.own] = lock
	if err := lockFile(lock, false); err != nil {
		return err
	}
	return syncFolder(s.root)
}

func (s *spool) takeOver() ([]*batch, error) {
	type aged struct {
		*batch
		at int64
	}
	var found []aged
	folders, err := os.ReadDir(s.root)
	if err != nil {
		return nil, err
	}
	for _, e := range folders {
		folder := filepath.Join(s.root, e.Name())
		lock, err := os.OpenFile(filepath.Join(folder, spoolLock), os.O_RDWR, 0)
		if err != nil {
			continue // not a folder of ours, or just deleted
		}
		if lockFile(lock, false) != nil {
			lock.Close()
			continue
		}
		s.locks[folder] = lock
		files, err := filepath.Glob(filepath.Join(folder, "*"+spoolSuffix))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				return nil, err
			}
			s.bytes += info.Size()
			found = append(found, aged{&batch{file: file, rows: rowsOf(file)}, info.ModTime().UnixNano()})
		}
		if len(files) == 0 {
			s.leave(folder)
		}
	}
	slices.SortStableFunc(found, func(a, b aged) int {
		if a.at != b.at {
			return int(min(max(a.at-b.at, -1), 1))
		}
		return strings.Compare(a.file, b.file)
	})
	left := make([]*batch, len(found))
	for i, f := range found {
		left[i] = f.batch
	}
	return left, nil
}

// rowsOf reads how many rows a file says it has; 0 if it is damaged.
func rowsOf(file string) int {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, maxSpoolHead)).ReadBytes('\n')
	var h spoolHead
	if json.Unmarshal(line, &h) != nil {
		return 0
	}
	return max(h.Rows, 0)
}

// put writes a batch and names its file; when it returns the batch is durable.
func (s *spool) put(b *batch) error {
	head, err := json.Marshal(spoolHead{
		V: spoolVersion, Path: b.path, ID: b.id, Type: ndjson, Rows: b.rows, Bytes: len(b.body), CRC32: crc32.ChecksumIEEE(b.body),
	})
	if err != nil {
		return err
	}
	head = append(head, '\n')
	size := int64(len(head) + len(b.body))
	if s.bytes+size > s.limit {
		return fmt.Errorf("%w: it holds %d bytes, its limit is %d", errSpoolFull, s.bytes, s.limit)
	}
	s.number++
	file := filepath.Join(s.own, fmt.Sprintf("%020d%s", s.number, spoolSuffix))
	if err := writeSynced(file+".tmp", head, b.body); err != nil {
		_ = os.Remove(file + ".tmp")
		return err
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return err
	}
	s.bytes += size
	b.file = file
	return syncFolder(s.own)
}

func writeSynced(file string, parts ...[]byte) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := f.Write(part); err != nil {
			f.Close()
			return err
		}
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// get reads a batch back. One that is damaged is set aside, as FILE.damaged.
func (s *spool) get(file string) (*batch, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	head, body, _ := bytes.Cut(data, []byte{'\n'})
	var h spoolHead
	if json.Unmarshal(head, &h) == nil && h.V == spoolVersion && h.Bytes == len(body) && h.CRC32 == crc32.ChecksumIEEE(body) {
		return &batch{path: h.Path, id: h.ID, kind: h.Type, rows: h.Rows, body: body, file: file}, nil
	}
	s.bytes -= int64(len(data))
	return nil, errors.Join(errSpoolDamaged, os.Rename(file, file+".damaged"))
}

// remove forgets a batch that the server has answered for.
func (s *spool) remove(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil {
		return err
	}
	s.bytes -= info.Size()
	folder := filepath.Dir(file)
	if left, err := filepath.Glob(filepath.Join(folder, "*"+spoolSuffix)); folder != s.own && err == nil && len(left) == 0 {
		s.leave(folder)
	}
	return nil
}

// leave gives a folder back, and deletes it if it is empty. What cannot be
// deleted is left to the next process that starts.
func (s *spool) leave(folder string) {
	lock := s.locks[folder]
	delete(s.locks, folder)
	if entries, err := os.ReadDir(folder); err == nil && len(entries) == 1 {
		_ = os.Remove(filepath.Join(folder, spoolLock))
		_ = os.Remove(folder)
	}
	lock.Close()
}

func (s *spool) close() {
	for folder := range s.locks {
		s.leave(folder)
	}
}

// syncFolder makes names in a folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

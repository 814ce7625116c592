package tail

import (
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// print is what the first bytes of a file were.
type print struct {
	Bytes int64  `json:"print_bytes"`
	Sum   uint32 `json:"print"`
}

// printBytes is how many of the first bytes tell a file from another in its
// place.
const printBytes = 512

// grow takes more of the beginning while the file is short.
func (p *print) grow(f *os.File) {
	if p.Bytes >= printBytes {
		return
	}
	var b [printBytes]byte
	n, err := f.ReadAt(b[:], 0)
	if err != nil && err != io.EOF || int64(n) < p.Bytes {
		return
	}
	p.Bytes, p.Sum = int64(n), crc32.ChecksumIEEE(b[:n])
}

// sameBeginning tells whether the file still begins as it did.
func (f *file) sameBeginning() bool {
	if f.print.Bytes == 0 {
		return true
	}
	b := make([]byte, min(f.print.Bytes, printBytes))
	n, _ := f.f.ReadAt(b, 0)
	return int64(n) == f.print.Bytes && crc32.ChecksumIEEE(b) == f.print.Sum
}

// scan finds files by the patterns, and lets go of those that are gone and read
// to their end.
func (t *Tail) scan() {
	if !t.scanned {
		t.findKept()
	}
	found := map[identity]bool{}
	for _, s := range t.sets {
		for _, pattern := range s.Paths {
			t.scanPattern(s, pattern, found)
		}
	}
	t.scanned = true
	keep := t.order[:0]
	for _, f := range t.order {
		info, err := f.f.Stat()
		f.gone = !found[f.id] && f.set != nil
		done := err != nil || f.gone && f.pos >= info.Size() && t.cfg.Now().Sub(f.grown) >= t.cfg.LeaveAfter
		if !done {
			keep = append(keep, f)
			continue
		}
		_ = f.f.Close() // only read from
		delete(t.files, f.id)
		t.dirty = true
	}
	clear(t.order[len(keep):])
	t.order = keep
	if t.next >= len(t.order) {
		t.next = 0
	}
	t.metrics.files.Set(float64(len(t.order)))
}

func (t *Tail) scanPattern(s *set, pattern string, found map[identity]bool) {
	paths, err := filepath.Glob(pattern)
	if err != nil { // Validate has checked it
		return
	}
	for _, path := range paths {
		if s.excludes(path) {
			continue
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		id, ok := identityOf(info)
		if !ok {
			continue
		}
		if f := t.files[id]; f != nil {
			if !found[id] { // the first entry that names a file reads it
				f.path, f.set, found[id] = path, s, true
			}
			continue
		}
		if len(t.order) >= t.cfg.MaxFiles {
			t.metrics.tooMany.Inc()
			continue
		}
		if f := t.open(s, path, id); f != nil {
			t.start(f, pattern, info.Size())
			found[id] = true
		}
	}
}

func (s *set) excludes(path string) bool {
	return slices.ContainsFunc(s.Exclude, func(pattern string) bool {
		whole, _ := filepath.Match(pattern, path)
		last, _ := filepath.Match(pattern, filepath.Base(path))
		return whole || last
	})
}

func (t *Tail) open(s *set, path string, id identity) *file {
	h, err := os.Open(path)
	if err != nil {
		t.metrics.unreadable.Inc()
		return nil
	}
	// Between Stat and Open the name may have come to mean another file.
	if info, err := h.Stat(); err == nil {
		if now, ok := identityOf(info); ok && now == id {
			f := &file{id: id, path: path, set: s, f: h, grown: t.cfg.Now()}
			t.files[id] = f
			t.order = append(t.order, f)
			return f
		}
	}
	_ = h.Close() // only read from
	return nil
}

// start decides where a file that is new is read from: at its beginning, if it
// came while its pattern was followed; else where the configuration says.
func (t *Tail) start(f *file, pattern string, size int64) {
	if !t.scanned && !t.known[pattern] && !f.set.Beginning {
		f.pos = size
		f.skip = size > 0 && !endsLine(f.f, size) // its first line has begun already
	}
	f.print.grow(f.f)
	t.dirty = true
}

func endsLine(f *os.File, size int64) bool {
	var b [1]byte
	_, err := f.ReadAt(b[:], size-1)
	return err == nil && b[0] == '\n'
}

// findKept opens the files whose positions are known: by their names, or, when
// they were renamed meanwhile, in the same folders.
func (t *Tail) findKept() {
	folders := map[string][]os.DirEntry{}
	for i := range t.kept.Files {
		k := &t.kept.Files[i]
		s := t.setOf(k.Path)
		if s == nil {
			continue // no longer followed
		}
		if path := findIdentity(k, folders); path != "" {
			f := t.open(s, path, k.identity)
			if f == nil {
				continue
			}
			f.path, f.pos, f.skip, f.print = k.Path, k.Position, k.Skip, k.print
			if info, err := f.f.Stat(); err != nil || info.Size() < f.pos || !f.sameBeginning() {
				f.pos, f.skip, f.print = 0, false, print{} // another file in its place
			}
		} else {
			t.metrics.lost.Inc()
		}
	}
}

func (t *Tail) setOf(path string) *set {
	for _, s := range t.sets {
		for _, pattern := range s.Paths {
			if ok, _ := filepath.Match(pattern, path); ok && !s.excludes(path) {
				return s
			}
		}
	}
	return nil
}

// maxListed bounds the folder that is searched for a file that was renamed.
const maxListed = 10_000

func findIdentity(k *keptFile, folders map[string][]os.DirEntry) string {
	is := func(path string) bool {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return false
		}
		id, ok := identityOf(info)
		return ok && id == k.identity
	}
	if is(k.Path) {
		return k.Path
	}
	dir := filepath.Dir(k.Path)
	entries, ok := folders[dir]
	if !ok {
		if d, err := os.Open(dir); err == nil {
			entries, _ = d.ReadDir(maxListed)
			_ = d.Close() // only read from
		}
		folders[dir] = entries
	}
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); e.Type().IsRegular() && is(path) {
			return path
		}
	}
	return ""
}

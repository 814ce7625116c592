package access

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// recheck is how soon a running server notices that the command line changed
// the file: a revoked token works for at most this long.
const recheck = time.Second

// fileVersion is the layout of tokens.json; a newer one is refused.
const fileVersion = 1

// Store keeps the tokens in one file. Several processes may use one file: each
// change locks it, reads it again and replaces it whole, and readers notice a
// replaced file within a second. All methods may be called at the same time.
type Store struct {
	path string
	log  *slog.Logger
	now  func() time.Time

	mu        sync.Mutex // serialises changes and reloads
	known     atomic.Pointer[table]
	nextCheck atomic.Int64 // unix nanoseconds of the next look at the file
}

// table is one state of the file, immutable but for the entries' lastUsed.
type table struct {
	byHash map[hash]*entry
	byID   map[string]*entry
	file   os.FileInfo // nil when there was none
}

// isOf reports whether the table was read from this very file. Each change
// makes a new file, so the identity tells two changes of one moment apart.
func (t *table) isOf(now os.FileInfo) bool {
	if t.file == nil || now == nil {
		return t.file == nil && now == nil
	}
	return os.SameFile(t.file, now) && t.file.ModTime().Equal(now.ModTime()) && t.file.Size() == now.Size()
}

// entry is one token with the hour of its last use, in unix seconds.
type entry struct {
	stored
	lastUsed atomic.Int64
}

type stored struct {
	Token
	Hash hash `json:"hash"`
}

type tokenFile struct {
	Version int      `json:"version"`
	Tokens  []stored `json:"tokens"`
}

// OpenStore opens the tokens in the folder dir, creating it when it is
// missing. A damaged file is an error: to go on without it would lock
// everybody out, or let everybody in.
func OpenStore(dir string, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open tokens: %w", err)
	}
	s := &Store{path: filepath.Join(dir, "tokens.json"), log: log, now: time.Now}
	if _, err := s.reload(); err != nil {
		return nil, fmt.Errorf("open tokens: %w", err)
	}
	return s, nil
}

// Create adds a token and returns its secret, which is not kept and cannot be
// shown again.
func (s *Store) Create(name string, role Role) (secret string, _ Token, err error) {
	if !validName(name) {
		return "", Token{}, ErrName
	}
	if role < Ingest || role > Admin {
		return "", Token{}, fmt.Errorf("create token: %s is not a role to give", role)
	}
	secret = newSecret(tokenPrefix)
	t := Token{ID: newID(), Name: name, Role: role, Created: s.now().UTC().Truncate(time.Second)}
	err = s.change(func(f *tokenFile) error {
		if len(f.Tokens) >= maxTokens {
			return ErrFull
		}
		if slices.ContainsFunc(f.Tokens, func(o stored) bool { return o.Name == name }) {
			return ErrExists
		}
		f.Tokens = append(f.Tokens, stored{Token: t, Hash: hashOf(secret)})
		return nil
	})
	if err != nil {
		return "", Token{}, fmt.Errorf("create token: %w", err)
	}
	return secret, t, nil
}

// Revoke removes the token with this id; its sessions end with it.
func (s *Store) Revoke(id string) error {
	err := s.change(func(f *tokenFile) error {
		i := slices.IndexFunc(f.Tokens, func(o stored) bool { return o.ID == id })
		if i < 0 {
			return ErrNotFound
		}
		f.Tokens = slices.Delete(f.Tokens, i, i+1)
		return nil
	})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

// List gives all tokens, oldest first.
func (s *Store) List() []Token {
	known := s.current()
	list := make([]Token, 0, len(known.byID))
	for _, e := range known.byID {
		list = append(list, e.token())
	}
	slices.SortFunc(list, func(a, b Token) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// Empty reports whether there is no token at all.
func (s *Store) Empty() bool { return len(s.current().byID) == 0 }

// Find returns the token whose secret this is, and notes its use.
//
// The look-up goes by SHA-256, whose timing tells nothing of a secret with 256
// random bits; the match itself is compared in constant time.
func (s *Store) Find(secret string) (Token, bool) {
	if !strings.HasPrefix(secret, tokenPrefix) || len(secret) != len(tokenPrefix)+secretDigits {
		return Token{}, false
	}
	h := hashOf(secret)
	e := s.current().byHash[h]
	if e == nil || subtle.ConstantTimeCompare(e.Hash[:], h[:]) != 1 {
		return Token{}, false
	}
	return s.use(e), true
}

// byID returns the token of a session, and notes its use.
func (s *Store) byID(id string) (Token, bool) {
	e := s.current().byID[id]
	if e == nil {
		return Token{}, false
	}
	return s.use(e), true
}

func (s *Store) use(e *entry) Token {
	hour := s.now().Truncate(coarse).Unix()
	if e.lastUsed.Load() < hour {
		e.lastUsed.Store(hour)
	}
	return e.token()
}

func (e *entry) token() Token {
	t := e.Token
	t.LastUsed = time.Time{}
	if used := e.lastUsed.Load(); used != 0 {
		t.LastUsed = time.Unix(used, 0).UTC()
	}
	return t
}

// keepUse takes the later hour of last use of the file and of memory.
func (e *entry) keepUse(old *table) {
	if !e.LastUsed.IsZero() {
		e.lastUsed.Store(e.LastUsed.Unix())
	}
	if old == nil {
		return
	}
	if was := old.byID[e.ID]; was != nil && was.lastUsed.Load() > e.lastUsed.Load() {
		e.lastUsed.Store(was.lastUsed.Load())
	}
}

// Flush writes the hours of last use, when one changed. The owner calls it
// now and then, and before it stops; a crash loses at most these hours.
func (s *Store) Flush() error {
	dirty := false
	for _, e := range s.current().byID {
		dirty = dirty || !e.token().LastUsed.Equal(e.Token.LastUsed)
	}
	if !dirty {
		return nil
	}
	return s.change(func(*tokenFile) error { return nil })
}

// change applies fn to the newest content of the file and replaces it.
func (s *Store) change(fn func(*tokenFile) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	unlock, err := lock(s.path + ".lock")
	if err != nil {
		return fmt.Errorf("lock tokens: %w", err)
	}
	defer unlock()
	f, err := s.reload()
	if err != nil {
		return err
	}
	if err := fn(&f); err != nil {
		return err
	}
	if err := writeFile(s.path, f); err != nil {
		return err
	}
	_, err = s.reload()
	return err
}

// current gives the newest table, looking at the file at most once a second.
func (s *Store) current() *table {
	now := s.now().UnixNano()
	next := s.nextCheck.Load()
	if now < next || !s.nextCheck.CompareAndSwap(next, now+int64(recheck)) {
		return s.known.Load()
	}
	known := s.known.Load()
	if known.isOf(s.stat()) {
		return known
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.reload(); err != nil {
		s.log.Error("tokens were changed and cannot be read; the old ones stay", "err", err)
	}
	return s.known.Load()
}

// stat gives the file's identity, nil when there is none.
func (s *Store) stat() os.FileInfo {
	info, err := os.Stat(s.path)
	if err != nil {
		return nil
	}
	return info
}

// reload reads the file and publishes it, keeping newer hours of last use
// than the file has. It returns the content with these hours.
func (s *Store) reload() (tokenFile, error) {
	f := tokenFile{Version: fileVersion}
	next := &table{byHash: map[hash]*entry{}, byID: map[string]*entry{}}
	next.file = s.stat() // before the read: a change in between is seen next time
	if err := readFile(s.path, &f); err != nil {
		return f, err
	}
	if f.Version != fileVersion {
		return f, fmt.Errorf("%s has layout %d; this version of Leeway knows %d", s.path, f.Version, fileVersion)
	}
	old := s.known.Load()
	for i := range f.Tokens {
		e := &entry{stored: f.Tokens[i]}
		if e.ID == "" || e.Role < Ingest {
			return f, fmt.Errorf("%s is damaged: token %d has no id or no role", s.path, i+1)
		}
		e.keepUse(old)
		next.byHash[e.Hash], next.byID[e.ID] = e, e
		f.Tokens[i].LastUsed = e.token().LastUsed
	}
	s.known.Store(next)
	return f, nil
}

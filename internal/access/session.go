package access

import (
	"crypto/subtle"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// maxSessions bounds the table; the oldest login goes first when it is full.
const maxSessions = 10_000

// sessions are the logins of browsers. They survive a restart, so that a wall
// screen stays on, and each ends with its token, its time or its logout.
type sessions struct {
	path string
	ttl  time.Duration
	now  func() time.Time

	mu   sync.Mutex
	live map[hash]session
}

// session is one login; in the file its key is the hash of the cookie.
type session struct {
	Hash    hash      `json:"hash"`
	TokenID string    `json:"token_id"`
	Expires time.Time `json:"expires"`
}

type sessionFile struct {
	Version  int       `json:"version"`
	Sessions []session `json:"sessions"`
}

func openSessions(dir string, ttl time.Duration) (*sessions, error) {
	s := &sessions{path: filepath.Join(dir, "sessions.json"), ttl: ttl, now: time.Now, live: map[hash]session{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open sessions: %w", err)
	}
	f := sessionFile{Version: fileVersion}
	if err := readFile(s.path, &f); err != nil {
		return nil, fmt.Errorf("open sessions: %w", err)
	}
	if f.Version != fileVersion {
		return nil, fmt.Errorf("open sessions: %s has layout %d; this version of Leeway knows %d", s.path, f.Version, fileVersion)
	}
	for _, one := range f.Sessions {
		s.live[one.Hash] = one
	}
	return s, nil
}

// create opens a session for a token and returns the cookie's value.
func (s *sessions) create(tokenID string) (cookie string, expires time.Time, err error) {
	cookie = newSecret("")
	expires = s.now().Add(s.ttl).UTC().Truncate(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetExpired()
	if len(s.live) >= maxSessions {
		s.forgetOldest()
	}
	one := session{Hash: hashOf(cookie), TokenID: tokenID, Expires: expires}
	s.live[one.Hash] = one
	return cookie, expires, s.save()
}

// tokenID returns whose session a cookie is.
func (s *sessions) tokenID(cookie string) (string, bool) {
	h := hashOf(cookie)
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.live[h]
	if !ok || subtle.ConstantTimeCompare(one.Hash[:], h[:]) != 1 || !s.now().Before(one.Expires) {
		return "", false
	}
	return one.TokenID, true
}

// end forgets a session; an unknown one is fine.
func (s *sessions) end(cookie string) error {
	h := hashOf(cookie)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.live[h]; !ok {
		return nil
	}
	delete(s.live, h)
	return s.save()
}

func (s *sessions) forgetExpired() {
	now := s.now()
	for h, one := range s.live {
		if !now.Before(one.Expires) {
			delete(s.live, h)
		}
	}
}

func (s *sessions) forgetOldest() {
	var oldest session
	for _, one := range s.live {
		if oldest.Expires.IsZero() || one.Expires.Before(oldest.Expires) {
			oldest = one
		}
	}
	delete(s.live, oldest.Hash)
}

// save is called with the lock held.
func (s *sessions) save() error {
	f := sessionFile{Version: fileVersion, Sessions: make([]session, 0, len(s.live))}
	for _, one := range s.live {
		f.Sessions = append(f.Sessions, one)
	}
	return writeFile(s.path, f)
}

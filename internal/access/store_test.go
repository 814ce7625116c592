package access

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenStore(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t *testing.T, s *Store, name string, role Role) (string, Token) {
	t.Helper()
	secret, token, err := s.Create(name, role)
	if err != nil {
		t.Fatal(err)
	}
	return secret, token
}

func TestStoreKeepsTokensButNoSecret(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	if !s.Empty() {
		t.Fatal("a new store is not empty")
	}
	secret, token := create(t, s, "ci", Edit)
	if !strings.HasPrefix(secret, "lw_") || len(secret) != 46 {
		t.Errorf("secret %q has a strange form", secret)
	}
	again := openStore(t, dir)
	found, ok := again.Find(secret)
	if !ok || found.ID != token.ID || found.Role != Edit || found.Name != "ci" || !found.Created.Equal(token.Created) {
		t.Fatalf("found %+v, %v; want %+v", found, ok, token)
	}
	path := filepath.Join(dir, "tokens.json")
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), secret) || strings.Contains(string(body), secret[3:]) {
		t.Error("the secret is in the file")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("file mode is %v, want 0600", info.Mode().Perm())
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.tmp-*"))
	if len(left) != 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestStoreFindRefuses(t *testing.T) {
	s := openStore(t, t.TempDir())
	secret, _ := create(t, s, "a", Read)
	last := byte('0')
	if secret[len(secret)-1] == '0' {
		last = '1'
	}
	for _, bad := range []string{"", "lw_", secret[:45], secret + "0", secret[3:], strings.ToUpper(secret), secret[:45] + string(last)} {
		if _, ok := s.Find(bad); ok {
			t.Errorf("Find(%q) found a token", bad)
		}
	}
}

func TestStoreCreateRefuses(t *testing.T) {
	s := openStore(t, t.TempDir())
	create(t, s, "taken", Read)
	for _, name := range []string{"", " a", "a\n", "\x00", strings.Repeat("x", 101), "\xff"} {
		if _, _, err := s.Create(name, Read); !errors.Is(err, ErrName) {
			t.Errorf("Create(%q) = %v, want ErrName", name, err)
		}
	}
	if _, _, err := s.Create("taken", Read); !errors.Is(err, ErrExists) {
		t.Errorf("second token of a name: %v, want ErrExists", err)
	}
	for _, role := range []Role{None, Admin + 1} {
		if _, _, err := s.Create("x", role); err == nil {
			t.Errorf("a token with role %s was created", role)
		}
	}
	if err := s.Revoke("nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Revoke of nothing: %v", err)
	}
}

// The command line and a running server are two stores over one file.
func TestStoreSeesChangesOfAnother(t *testing.T) {
	dir := t.TempDir()
	server, command := openStore(t, dir), openStore(t, dir)
	now := time.Now()
	server.now = func() time.Time { return now }
	secret, token := create(t, command, "new", Read)
	now = now.Add(recheck)
	if _, ok := server.Find(secret); !ok {
		t.Fatal("the server does not see the new token after a second")
	}
	if err := command.Revoke(token.ID); err != nil {
		t.Fatal(err)
	}
	now = now.Add(recheck)
	if _, ok := server.Find(secret); ok {
		t.Fatal("the server still accepts the revoked token after a second")
	}
}

func TestStoreChangesOfManyAreAllKept(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 4 {
		s := openStore(t, dir)
		wg.Go(func() {
			for j := range 5 {
				if _, _, err := s.Create(fmt.Sprintf("%d-%d", i, j), Read); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(openStore(t, dir).List()); n != 20 {
		t.Errorf("%d tokens are kept, want 20", n)
	}
}

func TestStoreLastUsedIsCoarseAndKept(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	secret, _ := create(t, s, "a", Read)
	if used := s.List()[0].LastUsed; !used.IsZero() {
		t.Errorf("an unused token was last used %v", used)
	}
	now := time.Date(2026, 3, 4, 5, 56, 7, 0, time.UTC)
	s.now = func() time.Time { return now }
	s.Find(secret)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	if got := openStore(t, dir).List()[0].LastUsed; !got.Equal(want) {
		t.Errorf("last used %v, want %v", got, want)
	}
}

func TestStoreRefusesDamage(t *testing.T) {
	for name, body := range map[string]string{
		"cut":     `{"version":1,"tokens":[{"id":"a"`,
		"newer":   `{"version":2,"tokens":[]}`,
		"no role": `{"version":1,"tokens":[{"id":"a","name":"a","hash":"` + strings.Repeat("0", 64) + `"}]}`,
		"no hash": `{"version":1,"tokens":[{"id":"a","name":"a","role":"read","hash":"00"}]}`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "tokens.json"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenStore(dir, nil); err == nil {
			t.Errorf("%s: a damaged file was opened", name)
		}
	}
}

func TestStoreKeepsOldTokensWhenTheFileBreaks(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	secret, _ := create(t, s, "a", Read)
	if err := os.WriteFile(filepath.Join(dir, "tokens.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(2 * recheck)
	s.now = func() time.Time { return now }
	if _, ok := s.Find(secret); !ok {
		t.Error("a broken file locked everybody out")
	}
	if s.Empty() {
		t.Error("a broken file opened the door")
	}
}

package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func files(t *testing.T, root string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "*", "*"+spoolSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSpoolIsTakenOverInOrder(t *testing.T) {
	root := filepath.Join(t.TempDir(), "spool")
	first, left, err := openSpool(root, 1<<20)
	if err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
	for n := range 12 {
		if err := first.put(&batch{path: "/p", id: fmt.Sprint("id-", n), rows: 3, body: bytes.Repeat([]byte{0, '\n', 255}, n)}); err != nil {
			t.Fatal(err)
		}
	}
	other, left, err := openSpool(root, 1<<20)
	if err != nil || len(left) != 0 { // the first still lives
		t.Fatal(left, err)
	}
	first.close()
	third, left, err := openSpool(root, 1<<20)
	if err != nil || len(left) != 12 {
		t.Fatal(left, err)
	}
	for n, l := range left {
		b, err := third.get(l.file)
		if err != nil || l.rows != 3 || b.rows != 3 || b.path != "/p" || b.kind != ndjson || b.id != fmt.Sprint("id-", n) ||
			!bytes.Equal(b.body, bytes.Repeat([]byte{0, '\n', 255}, n)) {
			t.Fatalf("%d: %+v, %v", n, b, err)
		}
		if err := third.remove(l.file); err != nil {
			t.Fatal(err)
		}
	}
	if third.bytes != 0 {
		t.Error(third.bytes)
	}
	third.close()
	other.close()
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
}

func TestSpoolIsBounded(t *testing.T) {
	s, _, err := openSpool(t.TempDir(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.put(&batch{body: make([]byte, 500)}); err != nil {
		t.Fatal(err)
	}
	if err := s.put(&batch{body: make([]byte, 500)}); !errors.Is(err, errSpoolFull) {
		t.Fatal(err)
	}
}

func TestDamagedSpoolFilesAreSetAside(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"shorter":       func(b []byte) []byte { return b[:len(b)-1] },
		"changed":       func(b []byte) []byte { return append(b[:len(b)-1:len(b)-1], 'x') },
		"empty":         func([]byte) []byte { return nil },
		"no head":       func(b []byte) []byte { return append([]byte{'\n'}, b...) },
		"other version": func(b []byte) []byte { return bytes.Replace(b, []byte(`"v":1`), []byte(`"v":9`), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _, err := openSpool(t.TempDir(), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			b := &batch{path: "/p", rows: 1, body: []byte("body")}
			if err := s.put(b); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(b.file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(b.file, damage(data), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.get(b.file); !errors.Is(err, errSpoolDamaged) {
				t.Fatal(err)
			}
			if _, err := os.Stat(b.file + ".damaged"); err != nil {
				t.Error(err)
			}
		})
	}
}

func refuse(_ int, w http.ResponseWriter) bool {
	w.WriteHeader(http.StatusServiceUnavailable)
	return false
}

// What could not be sent outlives the client, whatever its memory holds at
// most, and the next one sends it under the same ids.
func TestSpoolOutlivesTheClient(t *testing.T) {
	s := newServer(t)
	s.answer, s.after = refuse, true // taken, but the client does not learn of it
	root := filepath.Join(t.TempDir(), "spool")
	c := open(t, s, Options{Spool: root, BatchSize: 10, MaxRows: 40, FlushInterval: 5 * time.Millisecond})
	for range 10 {
		for range 10 {
			c.Predict(Prediction{Model: "m", Prediction: 1})
		}
		for ctx := within(t); c.Stats().Waiting != c.Stats().Spooled; {
			if ctx.Err() != nil {
				t.Fatalf("%+v", c.Stats())
			}
		}
	}
	c.Label(Label{Model: "m", ID: "1", Label: 1})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Close(ended); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if st := c.Stats(); st.Spooled != 101 || st.Failed != 0 || st.Dropped != 0 {
		t.Fatalf("%+v", st)
	}
	if len(files(t, root)) < 11 {
		t.Fatal(files(t, root))
	}
	s.mu.Lock()
	s.answer = nil
	s.mu.Unlock()
	again := open(t, s, Options{Spool: root})
	again.Label(Label{Model: "m", ID: "2", Label: 1})
	if err := again.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if st := again.Stats(); st.Sent != 102 || st.Waiting != 0 || len(files(t, root)) != 0 {
		t.Fatalf("%+v, %v", st, files(t, root))
	}
	labels := s.got("/api/v1/models/m/labels")
	if n := len(s.got("/api/v1/models/m/predictions")); n != 100 || len(labels) != 2 || labels[0]["id"] != "1" {
		t.Errorf("%d predictions, labels %v", n, labels)
	}
}

// A spool that is full, or cannot be, is no reason to lose what has room in memory.
func TestWithoutRoomInTheSpool(t *testing.T) {
	notAFolder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notAFolder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"full":       {Spool: filepath.Join(t.TempDir(), "spool"), SpoolBytes: 1},
		"not folder": {Spool: notAFolder},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			o.BatchSize = 2
			c := open(t, s, o)
			for range 7 {
				c.Predict(Prediction{Model: "m", Prediction: 1})
			}
			if err := c.Close(within(t)); err != nil {
				t.Fatal(err)
			}
			if st := c.Stats(); st != (Stats{Sent: 7}) {
				t.Errorf("%+v", st)
			}
		})
	}
}

// A token may come to be known later.
func TestRefusedTokenIsTriedAgain(t *testing.T) {
	s := newServer(t)
	s.answer = func(try int, w http.ResponseWriter) bool {
		if try <= 2 {
			w.WriteHeader([]int{0, http.StatusUnauthorized, http.StatusForbidden}[try])
		}
		return try > 2
	}
	c := open(t, s, Options{Token: "lw_new"})
	c.Predict(Prediction{Model: "m", Prediction: 1})
	if err := c.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	if st := c.Stats(); st != (Stats{Sent: 1, Retries: 2}) {
		t.Errorf("%+v", st)
	}
}

// The Python client writes the same files, with its own JSON.
func TestSpoolOfThePythonClient(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "0123456789abcdef")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	const written = `{"v": 1, "path": "/api/v1/models/m/labels", "id": "py-1", "type": "application/x-ndjson", ` +
		`"rows": 1, "bytes": 21, "crc32": 2285067290}` + "\n" + `{"id":"1","label":1}` + "\n"
	for name, text := range map[string]string{spoolLock: "", "00000000000000000001.batch": written} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newServer(t)
	c := open(t, s, Options{Spool: root})
	if err := c.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if rows := s.got("/api/v1/models/m/labels"); len(rows) != 1 || rows[0]["id"] != "1" || c.Stats().Sent != 1 {
		t.Errorf("%v %+v", rows, c.Stats())
	}
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

// leeway runs a command as the shell would.
func leeway(t *testing.T, args ...string) (out, said string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = dispatch(t.Context(), stdio{&o, &e}, args)
	return o.String(), e.String(), err
}

// A damaged queue is repaired by the offset that the processor names, and what
// can be read is left alone.
func TestRepairSkipsDamageOnly(t *testing.T) {
	data := t.TempDir()
	dir := filepath.Join(data, "queue")
	log, err := segment.Open(segment.Config{Dir: dir, Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	var offsets []queue.Offset
	for i := range 5 {
		at, err := log.Append(t.Context(), 0, bytes.Repeat([]byte{byte('a' + i)}, 1000))
		if err != nil {
			t.Fatal(err)
		}
		offsets = append(offsets, at)
	}
	if _, _, err := leeway(t, "repair", "--data", data, "queue-skip", "0", "1"); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("beside a server: %v", err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := leeway(t, "repair", "--data", data, "queue-skip", "0", fmt.Sprint(offsets[2])); err == nil || !strings.Contains(err.Error(), "no damage") {
		t.Errorf("a record that can be read: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "p0000", "*.log"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	body, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	body[bytes.Index(body, []byte("ccccc"))+10] ^= 1
	if err := os.WriteFile(files[0], body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, err := leeway(t, "repair", "--data", data, "queue-skip", "0", fmt.Sprint(offsets[1]+1))
	if err != nil || !strings.Contains(out, "1 records at offsets") || !strings.Contains(out, "given up offsets") {
		t.Fatalf("%v: %s", err, out)
	}
	if log, err = segment.Open(segment.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	got := ""
	for from := queue.Offset(0); len(got) < 4; {
		list, err := log.Read(t.Context(), 0, from, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			got, from = got+string(r.Data[:1]), r.Offset+1
		}
	}
	if got != "abde" {
		t.Errorf("the rest is %q", got)
	}
	if _, _, err := leeway(t, "repair", "--data", filepath.Join(data, "absent"), "queue-skip", "0", "1"); err == nil {
		t.Error("a folder without a queue was repaired")
	}
	if _, err := os.Stat(filepath.Join(data, "absent")); err == nil {
		t.Error("repair made a data folder")
	}
}

// Each repair leaves alone what is whole, and makes nothing where nothing is.
func TestRepairGivesUpNothingThatIsWhole(t *testing.T) {
	data := t.TempDir()
	for _, words := range [][]string{{"queue-forward", "0"}, {"join-cut", "0"}} {
		args := append([]string{"repair", "--data", filepath.Join(data, "absent")}, words...)
		if _, _, err := leeway(t, args...); err == nil || !strings.Contains(err.Error(), "to repair") {
			t.Errorf("%v without data: %v", words, err)
		}
	}
	log, err := segment.Open(segment.Config{Dir: filepath.Join(data, "queue"), Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(data, "state"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{{"queue-forward", "0"}, {"join-cut", "0"}} {
		args := append([]string{"repair", "--data", data}, words...)
		if _, _, err := leeway(t, args...); err == nil || !strings.Contains(err.Error(), "nothing was given up") {
			t.Errorf("%v of what is whole: %v", words, err)
		}
	}
	for _, words := range [][]string{{}, {"queue-skip", "0"}, {"queue-forward", "0", "1"}, {"join-cut"}, {"join-cut", "-1"}, {"join-cut", "x"}, {"all", "0"}} {
		if _, _, err := leeway(t, append([]string{"repair", "--data", data}, words...)...); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", words, err)
		}
	}
}

func TestTokenMakesNoFolderForWrongWords(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	for _, words := range [][]string{{}, {"make", "ann", "admin"}, {"create", "ann"}, {"create", "ann", "king"}, {"list", "all"}} {
		if _, _, err := leeway(t, append([]string{"token", "--data", data}, words...)...); err == nil {
			t.Errorf("%q was taken", words)
		}
		if _, err := os.Stat(data); err == nil {
			t.Fatalf("%q made the data folder", words)
		}
	}
	if out, _, err := leeway(t, "token", "--data", data, "create", "ann", "admin"); err != nil || !strings.HasPrefix(out, "lw_") {
		t.Errorf("%q, %v", out, err)
	}
	if out, _, err := leeway(t, "token", "--data", data, "list"); err != nil || !strings.Contains(out, "ann") {
		t.Errorf("%q, %v", out, err)
	}
}

func TestCheckTakesTheFileEitherWay(t *testing.T) {
	name := filepath.Join(t.TempDir(), "own.yml")
	if err := os.WriteFile(name, []byte("listen: nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", name}, {"check", "--config", name}} {
		if _, said, err := leeway(t, args...); err == nil || !strings.Contains(said, "own.yml:1:") {
			t.Errorf("%q: %v: %s", args, err, said)
		}
	}
	if _, _, err := leeway(t, "check", "--config", name, name); !errors.Is(err, errUsage) {
		t.Errorf("two files: %v", err)
	}
}

// What a file's import could not use is said, and so is a server that does not
// tell how far it is.
func TestImportSaysWhatItCouldNotUse(t *testing.T) {
	name := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(name, []byte("id,prediction,error\na,1,"+strings.Repeat("x", 5000)+"\nb,0,"+strings.Repeat("y", 5000)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/models/m/predictions", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"accepted":2,"rejected_count":0}`)
	})
	s := httptest.NewServer(mux) // /api/v1/status is 404
	defer s.Close()
	_, said, err := leeway(t, "import", "--server", s.URL, "--model", "m", "--file", name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, "warning: error: cut to ") || !strings.Contains(said, "(2 times)") || !strings.Contains(said, "did not say how far") {
		t.Errorf("it said %s", said)
	}
	if _, _, err := leeway(t, "import", "--server", s.URL, "--model", "m", "--file", name, "--map", "name=id"); err == nil || !strings.Contains(err.Error(), "--map") {
		t.Errorf("a mapping of no role: %v", err)
	}
}

// A database that breaks ends the command, whatever hangs on its locks.
func TestABrokenDatabaseEndsTheCommand(t *testing.T) {
	broken, held := errors.New("input/output error"), make(chan struct{})
	err := untilBroken(func(fatal func(error)) error {
		go fatal(broken) // of a background goroutine
		fatal(broken)    // of the caller, which never comes back
		close(held)
		return nil
	})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	select {
	case <-held:
		t.Error("fatal came back")
	default:
	}
	if err := untilBroken(func(func(error)) error { return errUsage }); !errors.Is(err, errUsage) {
		t.Error(err)
	}
}

// Flags win over the file, and what they set is fixed for a reload.
func TestFlagsAreFixed(t *testing.T) {
	f := serverFlags{listen: "127.0.0.1:0", acceptLoss: true}
	opts, err := f.options(&bytes.Buffer{})
	if err != nil || opts.Config.Listen != "127.0.0.1:0" || len(opts.Fixed) != 1 || opts.Fixed[0] != "listen" || !opts.AcceptLoss {
		t.Errorf("%+v, %v", opts, err)
	}
}

// Package server runs the real binary for the suites that look at Leeway from
// outside: it builds it once, starts it in a folder, waits until it is ready,
// kills it or stops it, and talks to its API.
//
// LEEWAY_BIN names a binary to use instead of building one; LEEWAY_DATA the
// folder of real data, else it is looked for beside the project.
package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Deadline is what a step that should take moments may take on a machine that
// is busy with other things.
const Deadline = 60 * time.Second

// Root is the folder of go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the working folder")
		}
		dir = filepath.Dir(dir)
	}
}

// Data is the path of a file of the real data; without it the test is skipped.
func Data(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("LEEWAY_DATA")
	if dir == "" {
		dir = filepath.Join(Root(t), "..", "shared", "data")
	}
	full := filepath.Join(dir, name)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("%s is missing: the data folder is kept beside the project and named by LEEWAY_DATA", full)
	}
	return full
}

var built struct {
	once sync.Once
	dir  string
	err  error
}

// Binary is the path of the program, built once for all tests of a package;
// Main removes it.
func Binary(t testing.TB) string {
	t.Helper()
	if bin := os.Getenv("LEEWAY_BIN"); bin != "" {
		return bin
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "leeway-test-"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(built.dir, "leeway"), "./cmd/leeway")
		cmd.Dir = Root(t)
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build ./cmd/leeway: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "leeway")
}

// Main runs the tests of a package and removes what Binary built.
func Main(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// Server is one data folder and the process that serves it, if one runs.
type Server struct {
	t    testing.TB
	bin  string
	Dir  string // the data folder
	File string // the configuration, or empty
	URL  string
	addr string
	cmd  *exec.Cmd
	log  *tail
	exit chan error
	said chan string // the address
}

// New prepares a server in an empty folder; config is the text of its
// leeway.yml, or empty.
func New(t testing.TB, config string) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{t: t, bin: Binary(t), Dir: filepath.Join(dir, "data"), addr: "127.0.0.1:0", log: &tail{}}
	if config != "" {
		s.File = filepath.Join(dir, "leeway.yml")
		s.Configure(config)
	}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.Kill()
		}
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", s.log)
		}
	})
	return s
}

// Configure replaces the text of the configuration file.
func (s *Server) Configure(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.File, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Start starts the process and waits until it is ready; it gives the time
// that it took. A later Start uses the same address.
func (s *Server) Start() time.Duration {
	s.t.Helper()
	took, err := s.TryStart()
	if err != nil {
		s.t.Fatal(err)
	}
	return took
}

// TryStart is Start for goroutines that are not the test's own.
func (s *Server) TryStart() (time.Duration, error) {
	began := time.Now()
	if err := s.Launch(); err != nil {
		return 0, err
	}
	select {
	case url := <-s.said:
		if url == "" {
			return 0, fmt.Errorf("the server ended at its start: %w\n%s", <-s.exit, s.log)
		}
		if s.URL == "" {
			s.URL, s.addr = url, strings.TrimPrefix(url, "http://")
		}
	case <-time.After(Deadline):
		return 0, fmt.Errorf("the server named no address within %v\n%s", Deadline, s.log)
	}
	if err := s.waitReady(); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// Launch starts the process and waits for nothing.
func (s *Server) Launch() error {
	args := []string{"serve", "--listen", s.addr, "--data", s.Dir}
	if s.File != "" {
		args = append(args, "--config", s.File)
	}
	cmd := exec.Command(s.bin, args...)
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	exit, said := make(chan error, 1), make(chan string, 1)
	go func() {
		readAddress(out, said)
		exit <- cmd.Wait()
	}()
	s.cmd, s.exit, s.said = cmd, exit, said
	return nil
}

// readAddress finds the dashboard's address in what the server prints, gives
// it on, and drains the rest.
func readAddress(out io.Reader, said chan<- string) {
	lines := bufio.NewScanner(out)
	found := false
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); !found && len(f) == 2 && f[0] == "dashboard" {
			found = true
			said <- f[1]
		}
	}
	if !found {
		said <- ""
	}
}

func (s *Server) waitReady() error {
	var last error
	err := Poll(Deadline, func() bool {
		resp, err := http.Get(s.URL + "/readyz")
		if err != nil {
			last = err
			return false
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		last = fmt.Errorf("%s: %s", resp.Status, body)
		return resp.StatusCode == http.StatusOK
	})
	if err != nil {
		return fmt.Errorf("not ready: %w\n%s", last, s.log)
	}
	return nil
}

// Kill ends the process as a crash does: at once, nothing is flushed.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.exit
	s.cmd = nil
}

// Strike kills without waiting; any goroutine may do it. Kill has to follow.
func (s *Server) Strike() { _ = s.cmd.Process.Kill() }

// Stop asks the process to end and gives the time that it took.
func (s *Server) Stop() time.Duration {
	s.t.Helper()
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.exit:
		if err != nil {
			s.t.Fatalf("the server ended badly: %v\n%s", err, s.log)
		}
	case <-time.After(Deadline):
		s.t.Fatalf("the server did not stop within %v\n%s", Deadline, s.log)
	}
	s.cmd = nil
	return time.Since(began)
}

// Signal sends a signal.
func (s *Server) Signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Log is the end of what the server logged.
func (s *Server) Log() string { return s.log.String() }

// Run runs another command of the binary.
func (s *Server) Run(args ...string) (out string, err error) {
	var text bytes.Buffer
	cmd := exec.Command(s.bin, args...)
	cmd.Stdout, cmd.Stderr = &text, &text
	err = cmd.Run()
	return text.String(), err
}

// Poll asks until the answer is yes or the time is over.
func Poll(within time.Duration, yes func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); ; <-tick.C {
		if yes() {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("the time is over")
		}
	}
}

// Wait is Poll that fails the test, with what it was waited for.
func Wait(t testing.TB, what func() string, yes func() bool) {
	t.Helper()
	if err := Poll(Deadline, yes); err != nil {
		t.Fatalf("%v after %v: %s", err, Deadline, what())
	}
}

// tail keeps the last bytes that were written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailBytes = 16 << 10

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	if len(l.buf) > 2*tailBytes {
		l.buf = append([]byte(nil), l.buf[len(l.buf)-tailBytes:]...)
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf[max(0, len(l.buf)-tailBytes):])
}

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/process"
)

// server is an App that answers.
type server struct {
	*App
	t     *testing.T
	url   string
	stop  context.CancelFunc
	ended chan error
	once  sync.Once
}

func options(t *testing.T, dir string) Options {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.Host.Enabled, cfg.Queue.Partitions = "127.0.0.1:0", dir, false, 2
	return Options{Config: cfg}
}

func start(t *testing.T, opts Options) *server {
	t.Helper()
	a, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &server{App: a, t: t, url: a.URL(), stop: stop, ended: make(chan error, 1)}
	go func() { s.ended <- a.Serve(ctx) }()
	t.Cleanup(s.close)
	return s
}

// close stops it as the command does.
func (s *server) close() {
	s.once.Do(func() {
		s.stop()
		if err := <-s.ended; err != nil {
			s.t.Error(err)
		}
		if err := s.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

func call(method, url string, body string) (int, string, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// predict sends one prediction and tells whether it was promised to be kept.
func predict(url, model, id string) (bool, error) {
	status, text, err := call("POST", url+"/api/v1/models/"+model+"/predictions", fmt.Sprintf(`[{"id":%q,"prediction":1,"features":{"x":%d}}]`, id, len(id)))
	if err == nil && status != http.StatusOK && status < 500 {
		err = fmt.Errorf("%d: %s", status, text)
	}
	return err == nil && status == http.StatusOK, err
}

// predictions waits until all that is in the queue is folded, and counts.
func (s *server) predictions(model string) int64 {
	s.t.Helper()
	eventually(s.t, "everything is folded", func() bool {
		for _, p := range s.processor.Status() {
			if p.Next < p.End {
				return false
			}
		}
		return true
	})
	var answer struct {
		Windows []struct {
			Predictions int64 `json:"predictions"`
		} `json:"windows"`
	}
	status, text, err := call("GET", s.url+"/api/v1/models/"+model+"/quality?from=0", "")
	if err != nil || status != http.StatusOK {
		s.t.Fatal(status, text, err)
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		s.t.Fatal(err)
	}
	var n int64
	for _, w := range answer.Windows {
		n += w.Predictions
	}
	return n
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never: ", what)
		}
	}
}

// Two servers in one process share nothing, and a closed one opens again.
func TestTwoServersInOneProcess(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	for round := range 2 {
		var both []*server
		for _, dir := range dirs {
			both = append(both, start(t, options(t, dir)))
		}
		for i, s := range both {
			for n := range i + 1 {
				if ok, err := predict(s.url, "m", fmt.Sprint(round, "-", n)); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
		}
		for i, s := range both {
			if got, want := s.predictions("m"), int64((i+1)*(round+1)); got != want {
				t.Errorf("round %d: server %d has %d predictions, wanted %d", round, i, got, want)
			}
			s.close()
			if err := s.Close(); err != nil {
				t.Error("the second Close: ", err)
			}
		}
	}
}

// A start that fails stops what it started, so that the folder is free.
func TestPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	opts := options(t, dir)
	opts.Config.Listen = taken.Addr().String()
	if _, err := Open(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Fatalf("opened on a taken port: %v", err)
	}
	s := start(t, options(t, dir))
	if ok, err := predict(s.url, "m", "a"); !ok {
		t.Fatal(err)
	}
}

// Whatever was answered 200 while the server stopped is there afterwards.
func TestStopUnderLoad(t *testing.T) {
	dir := t.TempDir()
	s := start(t, options(t, dir))
	var kept atomic.Int64
	var sending sync.WaitGroup
	for w := range 8 {
		sending.Go(func() {
			for i := 0; ; i++ {
				ok, err := predict(s.url, "m", fmt.Sprintf("%d-%d", w, i))
				if ok {
					kept.Add(1)
				}
				if err != nil || !ok {
					return // the server is gone
				}
			}
		})
	}
	eventually(t, "requests are under way", func() bool { return kept.Load() > 50 })
	s.close()
	sending.Wait()
	if got, want := start(t, options(t, dir)).predictions("m"), kept.Load(); got < want {
		t.Errorf("%d predictions after the stop, %d were promised", got, want)
	}
}

// TestChild is the process that the next test kills.
func TestChild(t *testing.T) {
	dir := os.Getenv("LEEWAY_APP_TEST_DIR")
	if dir == "" {
		return // nobody's child
	}
	fmt.Println("URL " + start(t, options(t, dir)).url)
	select {}
}

func TestReopenAfterAKill(t *testing.T) {
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), "LEEWAY_APP_TEST_DIR="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var url string
	if _, err := fmt.Fscanf(out, "URL %s\n", &url); err != nil {
		t.Fatal(err)
	}
	const n = 40
	for i := range n {
		if ok, err := predict(url, "m", fmt.Sprint(i)); !ok {
			t.Fatal(err)
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if got := start(t, options(t, dir)).predictions("m"); got != n {
		t.Errorf("%d predictions after the kill, %d were promised", got, n)
	}
}

func TestDeletedModelLeavesNoSeries(t *testing.T) {
	s := start(t, options(t, t.TempDir()))
	for _, model := range []string{"m", "other"} {
		if ok, err := predict(s.url, model, "a"); !ok {
			t.Fatal(err)
		}
		if got := s.predictions(model); got != 1 {
			t.Fatal(got)
		}
	}
	count := func(model string) string {
		_, text, err := call("GET", s.url+"/prometheus/api/v1/query?query=count(count_over_time({model=%22"+model+"%22}[1h]))", "")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const none = `"result":[]`
	eventually(t, "both have series", func() bool {
		return !strings.Contains(count("m"), none) && !strings.Contains(count("other"), none)
	})
	if status, text, err := call("DELETE", s.url+"/api/v1/models/m", ""); err != nil || status >= 300 {
		t.Fatal(status, text, err)
	}
	if got := count("m"); !strings.Contains(got, none) {
		t.Errorf("the deleted model has %s", got)
	}
	if got := count("other"); strings.Contains(got, none) {
		t.Error("another model's series are gone")
	}
}

func TestExternalURL(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for listen, want := range map[string]string{
		"127.0.0.1:0": "http://127.0.0.1:PORT/x", "0.0.0.0:0": "http://" + host + ":PORT/x", "[::]:0": "http://" + host + ":PORT/x",
	} {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		a := &App{cfg: &config.Config{Listen: listen, PathPrefix: "/x"}, listener: l}
		if got := a.externalURL(); got != strings.Replace(want, "PORT", port, 1) {
			t.Errorf("%s: %s", listen, got)
		}
		a.cfg.TLS.CertFile = "cert.pem"
		if got := a.externalURL(); !strings.HasPrefix(got, "https://") {
			t.Errorf("%s with TLS: %s", listen, got)
		}
		a.cfg.ExternalURL = "https://leeway.example.com"
		if got := a.externalURL(); got != a.cfg.ExternalURL {
			t.Error(got)
		}
	}
}

// settings writes a configuration file with what a test adds to it.
func settings(t *testing.T, dir, more string) string {
	t.Helper()
	name := filepath.Join(dir, "leeway.yml")
	text := "listen: 127.0.0.1:0\ndata: ./data\nhost: {enabled: false}\nqueue: {partitions: 2}\n" + more
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil { // a reload may read it now
		t.Fatal(err)
	}
	return name
}

func load(t *testing.T, name string) Options {
	t.Helper()
	cfg, problems := config.Load(name)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return Options{Config: cfg, ConfigFile: name}
}

// A broken database is told to whoever owns the process; app does not end it.
func TestABrokenDatabaseIsTold(t *testing.T) {
	opts := options(t, t.TempDir())
	told := make(chan error, 1)
	opts.Fatal = func(err error) { told <- err }
	s := start(t, opts)
	broken := fmt.Errorf("input/output error")
	s.fatal(broken)
	if err := <-told; err != broken {
		t.Error(err)
	}
}

// An emptied queue stops the start; with the loss accepted the server goes on,
// and takes log lines as before.
func TestAnEmptiedQueueGoesOnWhenAsked(t *testing.T) {
	dir := t.TempDir()
	lines := func(s *server, text string, want int) {
		t.Helper()
		for i := range 8 { // of every partition some
			if status, answer, err := call("POST", s.url+"/api/v1/logs", fmt.Sprintf(`[{"message":"%s %d"}]`, text, i)); err != nil || status != http.StatusOK {
				t.Fatal(status, answer, err)
			}
		}
		var found struct{ Lines []struct{ Text string } }
		eventually(t, fmt.Sprint(want, " lines are found: ", text), func() bool {
			_, answer, err := call("GET", s.url+"/api/v1/logs?text=needle&limit=100", "")
			return err == nil && json.Unmarshal([]byte(answer), &found) == nil && len(found.Lines) == want
		})
	}
	s := start(t, options(t, dir))
	lines(s, "needle before", 8)
	s.close()
	if err := os.RemoveAll(filepath.Join(dir, "queue")); err != nil {
		t.Fatal(err)
	}
	opts := options(t, dir)
	if _, err := Open(t.Context(), opts); !errors.Is(err, process.ErrBehind) {
		t.Fatal("started over a lost queue:", err)
	}
	opts.AcceptLoss = true
	s = start(t, opts)
	lines(s, "needle after", 16)
	s.close()
	lines(start(t, options(t, dir)), "needle later", 24)
}

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// output is what a command says, while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) find(pattern string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return regexp.MustCompile(pattern).FindStringSubmatch(o.text.String())
}

// TestProxyCommand stands between a caller and a model; its last rows are sent
// when it ends.
func TestProxyCommand(t *testing.T) {
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"predictions":["yes"]}`)
	}))
	defer model.Close()
	rows := make(chan string, 1)
	leeway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rows <- r.URL.Path + " " + r.Header.Get("Authorization") + " " + string(body)
		_, _ = io.WriteString(w, `{}`)
	}))
	defer leeway.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("lw_x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said output
	ended := make(chan error, 1)
	go func() {
		ended <- dispatch(ctx, stdio{&said, &said}, []string{"proxy", "--target", model.URL, "--server", leeway.URL, "--listen", "127.0.0.1:0", "--token-file", token, "--model", "m", "--inputs", "age,hours"})
	}()
	var address []string
	for end := time.After(10 * time.Second); address == nil; address = said.find(`listen=(\S+)`) {
		select {
		case err := <-ended:
			t.Fatal(err)
		case <-end:
			t.Fatal("it does not listen")
		case <-time.After(5 * time.Millisecond):
		}
	}
	res, err := http.Post("http://"+address[1]+"/p", "application/json", strings.NewReader(`{"instances":[[41,40]]}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	got := <-rows
	for _, want := range []string{"/api/v1/models/m/predictions Bearer lw_x", `"prediction":"yes"`, `"age":41`, `"hours":40`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
}

func TestProxyFlagsAreChecked(t *testing.T) {
	for _, args := range [][]string{{"--target", "ftp://x"}, {"--target", "http://x", "--target-ca", "none.pem"}, {"--target", "http://x", "--token-file", "none"}, {"--target", "http://x", "--cert", "none"}} {
		var said output
		if err := dispatch(t.Context(), stdio{&said, &said}, append([]string{"proxy", "--listen", "127.0.0.1:0"}, args...)); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}

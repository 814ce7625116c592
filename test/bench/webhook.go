package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// webhook measures, on the whole program with its default settings, the time
// from the request with the event that breaks a limit to the webhook's call.
func webhook(r *report) error {
	dir, err := os.MkdirTemp("", "leeway-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin, err := program(dir)
	if err != nil {
		return err
	}
	called := make(chan call, 4096)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		at := time.Now()
		var m struct {
			Status string
			Alerts []struct{ Labels map[string]string }
		}
		if json.NewDecoder(req.Body).Decode(&m) == nil && m.Status == "firing" {
			for _, a := range m.Alerts {
				called <- call{a.Labels["model"], at}
			}
		}
	}))
	defer hook.Close()
	config := filepath.Join(dir, "leeway.yml")
	text := fmt.Sprintf("access: {outgoing_allow: [127.0.0.1]}\nhost: {enabled: false}\nalerting:\n  channels:\n  - {name: hook, type: webhook, url: %q}\n", hook.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	cmd, url, ready, err := startProgram(bin, "serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"), "--config", config)
	if err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	r.value("start of the program in an empty folder", ready.Round(time.Millisecond).String()).goal("1 s warm", ready < time.Second)
	took, err := alarms(url, r.scale(100), called)
	if err != nil {
		return err
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	r.value(fmt.Sprintf("event to webhook, default settings, %d models, median", len(took)), took[len(took)/2].Round(time.Millisecond).String())
	r.value("event to webhook, p99", p99.Round(time.Millisecond).String()).goal("3 s", p99 < 3*time.Second)
	return nil
}

// program is the binary: LEEWAY_BIN, or built now.
func program(dir string) (string, error) {
	if bin := os.Getenv("LEEWAY_BIN"); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(dir, "leeway")
	if out, err := exec.Command("go", "build", "-o", bin, "./cmd/leeway").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/leeway: %w\n%s", err, out)
	}
	return bin, nil
}

// startProgram starts a server and gives its address once it is ready.
func startProgram(bin string, args ...string) (*exec.Cmd, string, time.Duration, error) {
	cmd := exec.Command(bin, args...)
	cmd.Stderr = nil
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, "", 0, err
	}
	url := ""
	lines := bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "dashboard" {
			url = f[1]
		}
	}
	for deadline := began.Add(time.Minute); url != "" && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		resp, err := http.Get(url + "/readyz")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return cmd, url, time.Since(began), nil
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return nil, "", 0, fmt.Errorf("%s did not become ready", bin)
}

// call is one call of the webhook.
type call struct {
	model string
	at    time.Time
}

// alarms makes one model after the other fail, a few each second, and times
// the call for each.
func alarms(url string, n int, called <-chan call) ([]time.Duration, error) {
	sent := map[string]time.Time{}
	next := time.NewTicker(137 * time.Millisecond) // not in step with anything that runs each second
	defer next.Stop()
	overdue := time.After(time.Duration(n)*137*time.Millisecond + time.Minute)
	var took []time.Duration
	for made := 0; len(took) < n; {
		select {
		case c := <-called:
			if at, waited := sent[c.model]; waited {
				took = append(took, c.at.Sub(at))
				delete(sent, c.model)
			}
		case <-next.C:
			if made < n {
				name := fmt.Sprintf("model-%d", made)
				made++
				sent[name] = time.Now()
				if err := failing(url, name); err != nil {
					return nil, err
				}
			}
		case <-overdue:
			return nil, fmt.Errorf("no webhook for %d of %d models", n-len(took), n)
		}
	}
	return took, nil
}

// failing sends calls of a model that all failed.
func failing(url, name string) error {
	var rows bytes.Buffer
	for k := range 100 {
		fmt.Fprintf(&rows, `{"prediction":1,"error":"timeout","latency_ms":5,"features":{"x":%d}}`+"\n", k)
	}
	resp, err := http.Post(url+"/api/v1/models/"+name+"/predictions", "application/x-ndjson", &rows)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", resp.Status)
	}
	return nil
}

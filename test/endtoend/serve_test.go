package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leewayhq/leeway/test/server"
)

// rows is NDJSON of n predictions of ids prefix-0 on; the class of row i is
// pred(i).
func rows(prefix string, n int, pred func(int) int) []byte {
	var b []byte
	for i := range n {
		b = fmt.Appendf(b, `{"id":"%s-%d","prediction":%d,"score":%.3f,"latency_ms":12,"features":{"x":%d,"c":"v%d"}}`+"\n",
			prefix, i, pred(i), 0.1+0.8*float64(pred(i)), i%50, i%3)
	}
	return b
}

func labels(prefix string, n int, label func(int) int) []byte {
	var b []byte
	for i := range n {
		b = fmt.Appendf(b, `{"id":"%s-%d","label":%d}`+"\n", prefix, i, label(i))
	}
	return b
}

func even(i int) int { return i % 2 }
func odd(i int) int  { return 1 - i%2 }

func TestServeInAnEmptyFolder(t *testing.T) {
	s := server.New(t, "")
	cold := s.Start()
	s.Send("/api/v1/models/m/predictions", rows("a", 100, even))
	s.Send("/api/v1/models/m/labels", labels("a", 100, even))
	waitLabels(t, s, "m", 100)
	var models struct{ Models []struct{ Name string } }
	s.MustGet("/api/v1/models", &models)
	if len(models.Models) != 1 || models.Models[0].Name != "m" {
		t.Errorf("the models: %+v", models)
	}
	for _, path := range []string{
		"/", "/healthz", "/readyz", "/metrics", "/api/v1/overview", "/api/v1/rules", "/api/v1/alerts",
		"/api/v1/models/m", "/api/v1/models/m/drift", "/api/v1/models/m/data-quality", "/api/v1/metrics-catalogue",
		"/prometheus/api/v1/query?query=model_accuracy", "/alertmanager/api/v2/status", "/alertmanager/api/v2/silences",
	} {
		s.Must(http.StatusOK, server.Request{Method: "GET", Path: path})
	}
	stop := s.Stop()
	if stop > 5*time.Second {
		t.Errorf("a graceful stop took %v, more than 5 s", stop)
	}
	warm := s.Start()
	waitLabels(t, s, "m", 100)
	t.Logf("ready after %v in an empty folder, %v warm; stopped in %v", cold.Round(time.Millisecond), warm.Round(time.Millisecond), stop.Round(time.Millisecond))
}

// waitLabels waits until a model has n labels joined and returns its quality.
func waitLabels(t *testing.T, s *server.Server, model string, n int64) server.Window {
	t.Helper()
	var w server.Window
	server.Wait(t, func() string { return fmt.Sprintf("%d labels of %d", w.Labels, n) }, func() bool {
		windows, err := s.Quality(model, "")
		if err != nil || len(windows) != 1 {
			return false
		}
		w = windows[0]
		return w.Labels >= n
	})
	return w
}

func TestBadRowsAndBodies(t *testing.T) {
	s := server.New(t, "")
	s.Start()
	post := func(path, kind, body string) (int, map[string]any) {
		t.Helper()
		status, answer, err := s.Do(server.Request{Method: "POST", Path: path, Type: kind, Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(answer, &v); err != nil {
			t.Fatalf("%v in %s", err, answer)
		}
		return status, v
	}
	const p = "/api/v1/models/m/predictions"
	status, a := post(p, "application/x-ndjson", `{"id":"1","prediction":1}`+"\nnonsense\n"+`{"id":"2","prediction":0}`+"\n")
	if status != 200 || a["accepted"] != 2.0 || a["rejected"] != 1.0 {
		t.Errorf("one bad row among three: %d %v", status, a)
	}
	status, a = post(p, "application/json", `[{"id":`)
	if status != 400 || a["code"] == nil || a["status"] != 400.0 {
		t.Errorf("half a body: %d %v", status, a)
	}
	status, a = post(p, "application/pdf", "x")
	if status != 415 || a["code"] == nil {
		t.Errorf("an unknown type: %d %v", status, a)
	}
	status, a = post("/api/v1/models/no*name/predictions", "application/json", `{}`)
	if status != 400 || a["code"] == nil {
		t.Errorf("a bad name: %d %v", status, a)
	}
	server.Wait(t, func() string { return "two predictions" }, func() bool {
		w, err := s.Quality("m", "")
		return err == nil && len(w) == 1 && w[0].Predictions == 2
	})
}

func TestTokensAndRoles(t *testing.T) {
	s := server.New(t, "log: {level: warn}\n")
	s.Start()
	s.Send("/api/v1/models/m/predictions", rows("a", 3, even)) // open before the first token
	token := map[string]string{"none": ""}
	for _, role := range []string{"ingest", "read", "edit", "admin"} {
		out, err := s.Run("token", "--data", s.Dir, "create", "my-"+role, role)
		if err != nil {
			t.Fatal(err, out)
		}
		f := strings.Fields(out)
		token[role] = f[len(f)-1]
	}
	server.Wait(t, func() string { return "the server to see the tokens" }, func() bool {
		status, _, err := s.Do(server.Request{Method: "GET", Path: "/api/v1/models"})
		return err == nil && status == http.StatusUnauthorized
	})
	row := []byte(`{"id":"z","prediction":1}`)
	calls := map[string]server.Request{
		"ingest": {Method: "POST", Path: "/api/v1/models/m/predictions", Type: "application/json", Body: row},
		"read":   {Method: "GET", Path: "/api/v1/models"},
		"edit":   {Method: "PUT", Path: "/api/v1/models/m", Type: "application/json", Body: []byte(`{"title":"M"}`)},
		"admin":  {Method: "POST", Path: "/-/reload"},
	}
	may := map[string]string{"none": "", "ingest": "ingest", "read": "read", "edit": "ingest read edit", "admin": "ingest read edit admin"}
	for role, secret := range token {
		for need, call := range calls {
			call.Token = secret
			status, body, err := s.Do(call)
			if err != nil {
				t.Fatal(err)
			}
			allowed := strings.Contains(" "+may[role]+" ", " "+need+" ")
			want := map[bool]int{true: http.StatusForbidden, false: http.StatusUnauthorized}[secret != ""]
			if allowed != (status < 300) || !allowed && status != want {
				t.Errorf("role %s calls what needs %s: %d %s", role, need, status, body)
			}
		}
	}
	s.Must(http.StatusUnauthorized, server.Request{Method: "GET", Path: "/api/v1/models", Token: token["admin"] + "x"})
	s.Must(http.StatusOK, server.Request{Method: "GET", Path: "/healthz"})
}

func TestForeignHostAndOriginAreRefused(t *testing.T) {
	s := server.New(t, "")
	s.Start()
	for name, header := range map[string]string{"Host": "evil.example", "Origin": "https://evil.example"} {
		req, err := http.NewRequest("POST", s.URL+"/-/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(name, header)
		if name == "Host" {
			req.Host = header
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("%s: %s was let in: %s", name, header, resp.Status)
		}
	}
}

func TestCheckNamesEveryProblem(t *testing.T) {
	s := server.New(t, "")
	file := filepath.Join(t.TempDir(), "leeway.yml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("listen: 127.0.0.1:7420\nqueue:\n  partitons: 4\nretention:\n  series: soon\nrules:\n- name: r\n  metric: no_such_metric\n  operator: lt\n  warning: 1\n")
	out, err := s.Run("check", file)
	if err == nil {
		t.Fatal("a file with three errors passed:", out)
	}
	for _, want := range []string{"leeway.yml:3:3", "partitons", "leeway.yml:5:11", "soon"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report does not name %s:\n%s", want, out)
		}
	}
	write("rules:\n- name: r\n  metric: no_such_metric\n  operator: lt\n  warning: 1\n")
	if out, err = s.Run("check", file); err == nil || !strings.Contains(out, "no_such_metric") {
		t.Errorf("an unknown metric: %v\n%s", err, out)
	}
	write("listen: 127.0.0.1:7420\nlog:\n  level: warn\n")
	if out, err = s.Run("check", file); err != nil {
		t.Errorf("a good file: %v\n%s", err, out)
	}
}

const ruleConfig = `host: {enabled: false}
rules:
- name: mine
  metric: accuracy
  operator: lt
  critical: %s
  model: m
`

func TestReloadIsAllOrNothing(t *testing.T) {
	s := server.New(t, fmt.Sprintf(ruleConfig, "0.8"))
	s.Start()
	limit := func() float64 {
		t.Helper()
		var rule struct{ Critical float64 }
		s.MustGet("/api/v1/rules/mine", &rule)
		return rule.Critical
	}
	if limit() != 0.8 {
		t.Fatal("the rule of the file:", limit())
	}
	s.Configure(fmt.Sprintf(ruleConfig, "0.7"))
	s.Must(http.StatusOK, server.Request{Method: "POST", Path: "/-/reload"})
	if limit() != 0.7 {
		t.Error("after a reload:", limit())
	}
	s.Configure(fmt.Sprintf(ruleConfig, "0.6") + "nonsense: 1\n")
	status, body, err := s.Do(server.Request{Method: "POST", Path: "/-/reload"})
	if err != nil || status < 400 || !strings.Contains(string(body), "nonsense") {
		t.Errorf("a bad file: %d %s %v", status, body, err)
	}
	if limit() != 0.7 {
		t.Error("a refused reload changed the rule to", limit())
	}
	s.Configure(fmt.Sprintf(ruleConfig, "0.5"))
	s.Signal(syscall.SIGHUP)
	server.Wait(t, func() string { return "SIGHUP to take up 0.5" }, func() bool { return limit() == 0.5 })
}

// TestRetriedLogLinesAreKeptOnce: a log line has no id; its batch has one.
func TestRetriedLogLinesAreKeptOnce(t *testing.T) {
	s := server.New(t, "")
	s.Start()
	at := time.Now().UTC().Format(time.RFC3339)
	body := fmt.Appendf(nil, `{"time":%q,"level":"error","message":"the needle broke"}`+"\n"+`{"time":%q,"level":"info","message":"all is well"}`+"\n", at, at)
	for range 3 {
		s.Must(http.StatusOK, server.Request{Method: "POST", Path: "/api/v1/logs", Type: "application/x-ndjson", BatchID: "lines-1", Body: body})
	}
	last := []byte(`{"time":"` + at + `","level":"error","message":"the last needle"}`)
	s.Must(http.StatusOK, server.Request{Method: "POST", Path: "/api/v1/logs", Type: "application/json", BatchID: "lines-1b", Body: last})
	var found struct{ Lines []struct{ Text string } }
	server.Wait(t, func() string { return fmt.Sprintf("two lines with a needle: %+v", found) }, func() bool {
		return s.Get("/api/v1/logs?text=needle", &found) == nil && len(found.Lines) >= 2
	})
	s.Kill()
	s.Start()
	s.MustGet("/api/v1/logs?text=needle", &found)
	if len(found.Lines) != 2 {
		t.Errorf("%d lines were kept of two: %+v", len(found.Lines), found.Lines)
	}
}

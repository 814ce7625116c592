package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const events = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB/one"}
{"Action":"output","Package":"p","Test":"TestB/two","Output":"    b_test.go:3: wrong\n"}
{"Action":"fail","Package":"p","Test":"TestB/two"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:9: no server here\n"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Test":"TestD","Output":"    c_test.go:9: verify: takes an hour\n"}
{"Action":"skip","Package":"p","Test":"TestD"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}
{"Action":"skip","Package":"q"}
{"ImportPath":"r","Action":"build-output","Output":"r.go:1: bad\n"}
{"Action":"output","Package":"r","Output":"FAIL\tr [build failed]\n"}
{"Action":"fail","Package":"r"}
`

func follow(t *testing.T, text string) (*goRun, string) {
	t.Helper()
	r := &goRun{output: map[string][]string{}, results: map[string]string{}, failed: map[string]bool{}}
	var shown strings.Builder
	if err := r.read(strings.NewReader(text), &shown); err != nil {
		t.Fatal(err)
	}
	r.count()
	return r, shown.String()
}

func TestGoEvents(t *testing.T) {
	r, shown := follow(t, events)
	if r.Passed != 2 || r.Failed != 2 || len(r.Skipped) != 2 {
		t.Errorf("%d passed, %d failed, skipped %v", r.Passed, r.Failed, r.Skipped)
	}
	if got := strings.Join(r.Failures, "|"); got != "p.TestB/two|r" {
		t.Errorf("failures %s", got)
	}
	if got := strings.Join(r.Closing, "|"); got != "FAIL\tp\t0.1s|FAIL\tr [build failed]" {
		t.Errorf("closing lines %q", got)
	}
	for _, want := range []string{"wrong", "r.go:1: bad", "FAIL\tp\t0.1s"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	if strings.Contains(shown, "noise") {
		t.Error("what a passing test said is shown")
	}
}

func TestSkipsCanBeForbidden(t *testing.T) {
	r, _ := follow(t, events)
	r.forbidSkips()
	if r.Failed != 3 || len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0], "verify: takes an hour") {
		t.Errorf("%d failed, skipped %v", r.Failed, r.Skipped)
	}
}

func TestWebReports(t *testing.T) {
	dir := t.TempDir()
	write := func(name, body string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s, err := readVitest(write("v.json", `{"testResults":[
		{"name":"a.test.ts","status":"failed","assertionResults":[{"fullName":"x","status":"passed"},{"fullName":"y","status":"failed"},{"fullName":"z","status":"pending"}]},
		{"name":"broken.test.ts","status":"failed","assertionResults":[]}]}`))
	if err != nil || s.Passed != 1 || s.Failed != 2 || len(s.Skipped) != 1 {
		t.Errorf("vitest: %+v, %v", s, err)
	}
	s, err = readTests(write("e.json", `{"tests":[{"name":"a","status":"passed"},{"name":"b","status":"skipped","reason":"no browser"}]}`), "browser tests")
	if err != nil || s.Passed != 1 || s.Failed != 0 || s.Skipped[0] != "b: no browser" {
		t.Errorf("e2e: %+v, %v", s, err)
	}
	if _, err := readTests(filepath.Join(dir, "missing"), "browser tests"); err == nil {
		t.Error("a missing report passed")
	}
}

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// event is one line of go test -json.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// goRun follows one run of go test.
type goRun struct {
	summary
	output  map[string][]string // of tests that have not ended, by package and test
	results map[string]string   // by package and test
	failed  map[string]bool     // packages with a failed test
}

func runGo(args []string) (summary, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return summary{}, err
	}
	if err := cmd.Start(); err != nil {
		return summary{}, fmt.Errorf("go is needed: %w", err)
	}
	r := &goRun{
		summary: summary{Suite: "go test"},
		output:  map[string][]string{}, results: map[string]string{}, failed: map[string]bool{},
	}
	readErr := r.read(pipe, os.Stdout)
	err = cmd.Wait()
	r.count()
	if err != nil && r.Failed == 0 { // a failure that no test owns
		r.Failed++
		r.Failures = append(r.Failures, "go test: "+err.Error())
	}
	return r.summary, readErr
}

// read takes the events and prints what go test prints without -v.
func (r *goRun) read(from io.Reader, to io.Writer) error {
	lines := bufio.NewReaderSize(from, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(to, line) // not an event: the go command itself speaks
			} else {
				r.take(e, to)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *goRun) take(e event, to io.Writer) {
	key := e.Package + " " + e.Test
	switch {
	case e.Action == "build-output":
		fmt.Fprint(to, e.Output)
	case e.Action == "output" && e.Test == "":
		r.packageLine(e, to)
	case e.Action == "output":
		r.output[key] = append(r.output[key], e.Output)
	case e.Test == "" && e.Action == "fail":
		if !r.failed[e.Package] { // it did not build, or died
			r.Failed++
			r.Failures = append(r.Failures, e.Package)
		}
	case e.Test != "" && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip"):
		r.end(e, key, to)
	}
}

// end prints what a failed test said and forgets the rest.
func (r *goRun) end(e event, key string, to io.Writer) {
	r.results[key] = e.Action
	switch e.Action {
	case "fail":
		r.failed[e.Package] = true
		fmt.Fprint(to, strings.Join(r.output[key], ""))
	case "skip":
		r.Skipped = append(r.Skipped, e.Package+"."+e.Test+": "+reason(r.output[key]))
	}
	delete(r.output, key)
}

// packageLine prints the closing line of a package and keeps it for the end.
func (r *goRun) packageLine(e event, to io.Writer) {
	if e.Output == "PASS\n" || e.Output == "FAIL\n" {
		return
	}
	fmt.Fprint(to, e.Output)
	word, _, _ := strings.Cut(e.Output, "\t")
	if slices.Contains([]string{"ok  ", "FAIL", "---"}, word) {
		r.Closing = append(r.Closing, strings.TrimRight(e.Output, "\n"))
	}
}

// count counts each test that has no subtests of its own: a table of ten cases
// is ten.
func (r *goRun) count() {
	parents := map[string]bool{}
	for key := range r.results {
		for i := strings.LastIndexByte(key, '/'); i > strings.IndexByte(key, ' '); i = strings.LastIndexByte(key[:i], '/') {
			parents[key[:i]] = true
		}
	}
	for key, result := range r.results {
		switch {
		case parents[key] && (result != "fail" || r.childFailed(key)):
		case result == "pass":
			r.Passed++
		case result == "fail":
			r.Failed++
			r.Failures = append(r.Failures, strings.Replace(key, " ", ".", 1))
		}
	}
	slices.Sort(r.Failures)
}

func (r *goRun) childFailed(parent string) bool {
	for key, result := range r.results {
		if result == "fail" && strings.HasPrefix(key, parent+"/") {
			return true
		}
	}
	return false
}

// reason finds a skip's message among a test's output: file_test.go:12: why.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		if _, why, ok := strings.Cut(line, ".go:"); ok {
			_, why, _ = strings.Cut(why, ": ")
			return strings.TrimSpace(why)
		}
	}
	return "no reason given"
}

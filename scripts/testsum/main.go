// Command testsum runs go test, reads the results of the web tests, and counts
// them all: what `make test` prints at its end is what really ran.
//
//	testsum go -out FILE -- [go test flags] packages run, show, count
//	testsum vitest -out FILE -in REPORT              count a Vitest JSON report
//	testsum e2e -out FILE -in REPORT                 count a JSON report of the browser tests
//	testsum python -out FILE -in REPORT              count a JSON report of the Python client's tests
//	testsum fail -out FILE NAME                      count one failure of a step that has no report
//	testsum total FILE...                            closing lines and "N passed, N failed"
//
// With LEEWAY_REQUIRE=1 a skipped test is a failed one, unless its message
// begins with "verify:", which names a long suite that `make verify` runs.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

// summary is what one suite did.
type summary struct {
	Suite    string   `json:"suite"`
	Passed   int      `json:"passed"`
	Failed   int      `json:"failed"`
	Skipped  []string `json:"skipped"`  // name and reason
	Failures []string `json:"failures"` // names
	Closing  []string `json:"closing"`  // the tool's own closing lines
}

func main() {
	err := run(os.Args[1:])
	if err != nil && !errors.Is(err, errFailed) {
		fmt.Fprintln(os.Stderr, "testsum:", err)
	}
	if err != nil {
		os.Exit(1)
	}
}

// errFailed ends the program without another word: the count is the last line.
var errFailed = errors.New("tests failed")

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: testsum go|vitest|e2e|python|fail|total …")
	}
	if args[0] == "total" {
		return total(args[1:])
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	out := flags.String("out", "", "where the summary goes")
	in := flags.String("in", "", "the report to count")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	var s summary
	var err error
	switch args[0] {
	case "go":
		s, err = runGo(flags.Args())
	case "vitest":
		s, err = readVitest(*in)
	case "e2e":
		s, err = readTests(*in, "browser tests")
	case "python":
		s, err = readTests(*in, "Python client")
	case "fail":
		s = summary{Suite: "steps", Failed: 1, Failures: []string{strings.Join(flags.Args(), " ")}}
	default:
		err = fmt.Errorf("unknown command %q", args[0])
	}
	if err != nil {
		return err
	}
	if os.Getenv("LEEWAY_REQUIRE") == "1" {
		s.forbidSkips()
	}
	if err := s.write(*out); err != nil {
		return err
	}
	if s.Failed > 0 && args[0] != "fail" {
		return errFailed
	}
	return nil
}

// write keeps the summary for total.
func (s summary) write(path string) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o644)
}

// total prints all suites, the closing lines of go test, and the count. It
// fails when a test failed, or when nothing ran.
func total(paths []string) error {
	var all summary
	var closing []string
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var s summary
		if err := json.Unmarshal(body, &s); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		all.Passed += s.Passed
		all.Failed += s.Failed
		all.Skipped = append(all.Skipped, s.Skipped...)
		all.Failures = append(all.Failures, s.Failures...)
		closing = append(closing, s.Closing...)
	}
	all.printSkips()
	for _, name := range all.Failures {
		fmt.Println("FAILED  " + name)
	}
	for _, line := range closing {
		fmt.Println(line)
	}
	fmt.Printf("%d passed, %d failed\n", all.Passed, all.Failed)
	if all.Failed > 0 || all.Passed == 0 {
		return errFailed
	}
	return nil
}

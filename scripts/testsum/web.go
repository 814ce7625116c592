package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// assertion is one test in a Vitest JSON report.
type assertion struct {
	FullName string `json:"fullName"`
	Status   string `json:"status"` // passed, failed, pending, skipped, todo
}

func readVitest(path string) (summary, error) {
	var report struct {
		TestResults []struct {
			Name             string      `json:"name"`
			Status           string      `json:"status"`
			AssertionResults []assertion `json:"assertionResults"`
		} `json:"testResults"`
	}
	s := summary{Suite: "ui unit tests"}
	if err := readReport(path, &report); err != nil {
		return s, err
	}
	for _, file := range report.TestResults {
		if file.Status == "failed" && len(file.AssertionResults) == 0 { // it did not load
			s.fail(file.Name)
		}
		for _, a := range file.AssertionResults {
			s.add(a.FullName, a.Status, "")
		}
	}
	return s, nil
}

// readTests counts a report {"tests":[{"name","status","reason"}]} with the
// status passed, failed or skipped, as the browser tests and those of the Python
// client write it.
func readTests(path, suite string) (summary, error) {
	var report struct {
		Tests []struct {
			Name   string `json:"name"`
			Status string `json:"status"`
			Reason string `json:"reason"`
		} `json:"tests"`
	}
	s := summary{Suite: suite}
	if err := readReport(path, &report); err != nil {
		return s, err
	}
	for _, t := range report.Tests {
		s.add(t.Name, t.Status, t.Reason)
	}
	return s, nil
}

func readReport(path string, into any) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the tests left no report: %w", err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (s *summary) add(name, status, reason string) {
	switch status {
	case "passed":
		s.Passed++
	case "failed":
		s.fail(name)
	default:
		s.Skipped = append(s.Skipped, name+": "+reason)
	}
}

func (s *summary) fail(name string) {
	s.Failed++
	s.Failures = append(s.Failures, s.Suite+": "+name)
}

// forbidSkips turns skipped tests into failed ones.
func (s *summary) forbidSkips() {
	kept := s.Skipped[:0]
	for _, skip := range s.Skipped {
		if isLong(skip) {
			kept = append(kept, skip)
			continue
		}
		s.fail("skipped, which LEEWAY_REQUIRE=1 forbids: " + skip)
	}
	s.Skipped = kept
}

// isLong reports whether a skipped test belongs to make verify.
func isLong(skip string) bool { return strings.Contains(skip, ": verify:") }

// printSkips is loud, so that nobody takes a skipped test for a passed one.
func (s summary) printSkips() {
	long := 0
	for _, skip := range s.Skipped {
		if isLong(skip) {
			long++
			continue
		}
		fmt.Println("******** SKIPPED " + skip)
	}
	if skipped := len(s.Skipped) - long; skipped > 0 {
		fmt.Printf("******** %d tests were SKIPPED; LEEWAY_REQUIRE=1 makes this a failure\n", skipped)
	}
	if long > 0 {
		fmt.Printf("%d long tests are left to make verify\n", long)
	}
}

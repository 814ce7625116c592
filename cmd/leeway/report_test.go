package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two files of which one column of two drifts.
func reportFiles(t *testing.T) (ref, cur string) {
	t.Helper()
	dir := t.TempDir()
	for i, name := range []string{"ref.csv", "cur.csv"} {
		var b strings.Builder
		b.WriteString("age,kind\n")
		for row := range 500 {
			fmt.Fprintf(&b, "%d,k%d\n", row%40+i*30, row%3)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "ref.csv"), filepath.Join(dir, "cur.csv")
}

func TestReportSaysByItsExitCode(t *testing.T) {
	ref, cur := reportFiles(t)
	files := []string{"report", "--reference", ref, "--current", cur}
	for _, c := range []struct {
		args []string
		want error
		says string
	}{
		{nil, nil, "1 of 2 features drifted"},
		{[]string{"--fail-on", "drifted_features>1"}, nil, ""},
		{[]string{"--fail-on", "drifted_features>0"}, errFound, "FAILED drifted_features>0: it is 1"},
		{[]string{"--fail-on", "drifted_features>1", "--fail-on", "feature:age.psi>0.2"}, errFound, "FAILED feature:age.psi>0.2"},
		{[]string{"--fail-on", "accuracy<0.9"}, errFound, "FAILED accuracy<0.9: no_labels"},
		{[]string{"--fail-on", "nope>1"}, errUsage, `there is no number "nope"`},
		{[]string{"--method", "nope"}, errUsage, "nope"},
		{[]string{"--map", "prediction=missing"}, errUsage, `there is no column "missing"`},
		{[]string{"--lang", "de"}, errUsage, "neither en nor zh"},
		{[]string{"--preset", "evidently", "--also", "all", "--fail-on", "data_drift>=0.5"}, errFound, "FAILED"},
	} {
		_, said, err := leeway(t, append(files, c.args...)...)
		if !errors.Is(err, c.want) || !strings.Contains(said, c.says) {
			t.Errorf("%v: %v\n%s", c.args, err, said)
		}
	}
	if _, _, err := leeway(t, "report", "--reference", ref); !errors.Is(err, errUsage) {
		t.Errorf("without a current file: %v", err)
	}
	if _, said, err := leeway(t, "report", "--reference", ref, "--current", filepath.Join(t.TempDir(), "none")); !errors.Is(err, errUsage) || !strings.Contains(said, "none") {
		t.Errorf("a file that is not there: %v %s", err, said)
	}
}

func TestReportWritesBothForms(t *testing.T) {
	ref, cur := reportFiles(t)
	dir := t.TempDir()
	page, data := filepath.Join(dir, "r.html"), filepath.Join(dir, "r.json")
	if _, said, err := leeway(t, "report", "--reference", ref, "--current", cur, "--html", page, "--json", data, "--lang", "zh", "--title", "七月"); err != nil {
		t.Fatal(err, said)
	}
	text, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(text), "<h1>七月</h1>") {
		t.Errorf("the page lacks its title: %v", err)
	}
	body, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Format  string
		Version int
		Summary struct {
			Drifted int `json:"drifted_features"`
		}
	}
	if err := json.Unmarshal(body, &r); err != nil || r.Format != "leeway-report" || r.Version != 1 || r.Summary.Drifted != 1 {
		t.Errorf("%+v %v", r, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%d files are left: %v", len(left), err)
	}
	out, _, err := leeway(t, "report", "--reference", ref, "--current", cur, "--json", "-")
	if err != nil || !json.Valid([]byte(out)) {
		t.Errorf("standard output: %v", err)
	}
}

package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

const example = "../../examples/leeway.yml"

func mustParse(t *testing.T, body string) *Config {
	t.Helper()
	c, errs := Parse(filepath.Join(t.TempDir(), "leeway.yml"), []byte(body))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return c
}

func TestExampleEqualsTheDefaults(t *testing.T) {
	c, errs := Load(example)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	empty, errs := Parse(example, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	reloadable, restart := Diff(empty, c)
	if len(reloadable)+len(restart) > 0 {
		t.Errorf("the example differs from the defaults in %v %v", reloadable, restart)
	}
}

// The commented lines of the example must be valid too.
func TestExampleUncommented(t *testing.T) {
	body, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	// Prose is "# text"; an example is "#  key:", below a key with an empty value.
	text := regexp.MustCompile(`(?m)^( *\w+):(?: \[\]| \{\})(.*\n#  )`).ReplaceAllString(string(body), "$1:$2")
	text = regexp.MustCompile(`(?m)^#(  )`).ReplaceAllString(text, " $1")
	dir := t.TempDir()
	for name, content := range map[string]string{"secrets/hook.url": "https://hooks.example.com/x", "secrets/smtp.password": "pw\n", "leeway.yml": text} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, errs := Load(filepath.Join(dir, "leeway.yml")); len(errs) != 1 || !strings.Contains(errs[0].Message, "give one of the two") {
		t.Fatalf("%v\n%s", errs, text)
	}
	text, raw, _ := strings.Cut(text, "alertmanager:\n")
	if c := mustParse(t, "alertmanager:\n"+raw); !strings.Contains(string(c.Alertmanager.Text), "receivers:") {
		t.Errorf("the Alertmanager example was not read: %q", c.Alertmanager.Text)
	}
	if err := os.WriteFile(filepath.Join(dir, "leeway.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, errs := Load(filepath.Join(dir, "leeway.yml"))
	if len(errs) > 0 {
		t.Fatalf("%v\n%s", errs, text)
	}
	if len(c.Models) != 1 || len(c.Rules) != 1 || len(c.RuleFiles) != 1 || len(c.Alerting.Channels) != 2 {
		t.Errorf("not all examples were read: %+v", c)
	}
	if got := c.Alerting.Channels[1].Password.Reveal(); got != "pw" {
		t.Errorf("password is %q", got)
	}
	if got := c.Alerting.Channels[0].URL.Reveal(); got != "https://hooks.example.com/x" {
		t.Errorf("url is %q", got)
	}
}

// Every key of the tree stands in the example, so that it stays complete.
func TestExampleNamesEveryKey(t *testing.T) {
	body, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		known := fieldsOf(typ)
		for _, name := range known.names {
			if name == "password" { // its file is shown instead
				continue
			}
			if !regexp.MustCompile(`(?m)[\s{(#]` + name + `:`).MatchString("\n" + text) {
				t.Errorf("the example does not show %s%s", path, name)
			}
			walk(typ.Field(known.byName[name].index).Type, path+name+".")
		}
	}
	walk(reflect.TypeFor[Config](), "")
}

func TestLoadWithoutAFileGivesDefaults(t *testing.T) {
	c, errs := Load("")
	if len(errs) > 0 || c.Listen != "127.0.0.1:7420" || c.Data != "leeway-data" {
		t.Fatalf("%+v, %v", c, errs)
	}
	for _, body := range []string{"", "# only a comment\n", "---\n", "\ufeff# with a mark\n", "queue:\njoin:\n"} {
		got := mustParse(t, body)
		if got.Queue != c.Queue || got.Join != c.Join {
			t.Errorf("%q is not the defaults", body)
		}
	}
}

func TestValues(t *testing.T) {
	c := mustParse(t, `
listen: "[::1]:80"
data: store
access: {open: true, allowed_hosts: [a.example]}
queue: {retention: 1h30m, max_bytes: 1.5 GiB, partitions: 4}
ingest: {rate_limit: 2.5e3, max_rows: 10_000}
models:
  "a.b":
    positive_class: 1
    threshold: 0.25
    features: &f
      1.10: {kind: numeric}
  other: {features: *f}
rules:
  - {name: x, metric: accuracy, operator: lt, warning: 1, match: {host: 7}}
  - {name: y, metric: accuracy, operator: lt, critical: .5, enabled: false, labels: {on: yes}}
`)
	if c.Queue.Retention != 90*time.Minute || c.Queue.MaxBytes != 3<<29 || c.Queue.Partitions != 4 {
		t.Errorf("queue %+v", c.Queue)
	}
	if c.Access.Open != "true" || c.Ingest.RateLimit != 2500 || c.Ingest.MaxRows != 10000 || c.Listen != "[::1]:80" {
		t.Errorf("%+v %+v", c.Access, c.Ingest)
	}
	if m := c.Models["a.b"]; m.PositiveClass != "1" || m.Threshold == nil || *m.Threshold != 0.25 || m.Features["1.10"].Kind != "numeric" {
		t.Errorf("model %+v", m)
	}
	if c.Models["other"].Features["1.10"].Kind != "numeric" {
		t.Error("the alias was not followed")
	}
	if !c.Rules[0].Enabled || c.Rules[1].Enabled || *c.Rules[0].Warning != 1 || c.Rules[0].Match["host"] != "7" || c.Rules[1].Labels["on"] != "yes" {
		t.Errorf("rules %+v", c.Rules)
	}
	if !filepath.IsAbs(c.Data) || filepath.Base(c.Data) != "store" {
		t.Errorf("data %q is not relative to the file", c.Data)
	}
}

// Every problem, each at its place, in the order of the lines.
func TestAllProblemsAtOnce(t *testing.T) {
	body := "listen: nowhere\n" + // 1
		"quene:\n  x: 1\n" + // 2
		"queue:\n  retention: 5 days\n  partitons: 2\n  partitions: two\n" + // 4
		"ingest: [1]\n" + // 8
		"time_zone: 火星 # a\n" + // 9
		"rules:\n" + // 10
		"  - name: a\n    metric: accuracy\n    operator: less\n    warning: 1\n" + // 11
		"  - name: a\n    metric: x\n    operator: lt\n" + // 15
		"log: {level: loud, level: info}\n" + // 18
		"host:\n\n  interval: 1ms\n" + // 19
		"alerting:\n  channels:\n    - {name: h, type: webhook, url: ftp://x}\n" // 22
	_, errs := Parse("etc/leeway.yml", []byte(body))
	want := []string{
		`etc/leeway.yml:1:9: listen: "nowhere" is not an address such as 127.0.0.1:7420`,
		`etc/leeway.yml:2:1: unknown key "quene"; did you mean "queue"?`,
		`etc/leeway.yml:5:14: queue.retention: "5 days" is not a duration such as`,
		`etc/leeway.yml:6:3: queue: unknown key "partitons"; did you mean "partitions"?`,
		`etc/leeway.yml:7:15: queue.partitions: "two" is not a whole number`,
		`etc/leeway.yml:8:9: ingest: this must be a section with keys below it, not a list`,
		`etc/leeway.yml:9:12: time_zone: "火星" is not a time zone`,
		`etc/leeway.yml:13:15: rules[0].operator: "less" is not one of gt, ge, lt, le, eq, ne`,
		`etc/leeway.yml:15:5: rules[1]: a rule has a limit`,
		`etc/leeway.yml:15:11: rules[1].name: rule 1 has the name "a" already`,
		`etc/leeway.yml:16:13: rules[1].metric: "x" is not a metric of the catalogue`,
		`etc/leeway.yml:18:14: log.level: "loud" is not one of debug, info, warn, error`,
		`etc/leeway.yml:18:20: log: the key "level" stands here a second time; the first is in line 18`,
		`etc/leeway.yml:21:13: host.interval: 1ms is less than 1s`,
		`etc/leeway.yml:24:37: alerting.channels[0].url: a webhook has a url`,
	}
	if len(errs) != len(want) {
		t.Errorf("%d problems, want %d", len(errs), len(want))
	}
	for i := range min(len(errs), len(want)) {
		if got := errs[i].Error(); !strings.HasPrefix(got, want[i]) {
			t.Errorf("problem %d is\n%s\nwant\n%s", i, got, want[i])
		}
	}
	if strings.Contains(errs.Error(), "ftp://x") {
		t.Error("the output repeats a secret")
	}
}

func TestCaretPointsAtTheValue(t *testing.T) {
	for body, want := range map[string]string{
		"time_zone:   Mars":                 "    time_zone:   Mars\n                 ^",
		"models: {流失: {task: x}}\n":         "    models: {流失: {task: x}}\n                          ^",
		"log: {format: \"text\", level: 9}": "    log: {format: \"text\", level: 9}\n                                 ^",
	} {
		_, errs := Parse("f", []byte(body))
		if len(errs) != 1 || !strings.HasSuffix(errs[0].Error(), want) {
			t.Errorf("got\n%v\nwant\n%s", errs, want)
		}
	}
}

// The line that is shown may hold a secret, whatever is wrong with it.
func TestProblemsShowNoSecret(t *testing.T) {
	for _, body := range []string{
		"alerting: {channels: [{name: a, type: mail, password: hunter2, url: hunter2}]}",
		"x:\n  password: \"hunter2",
		"alertmanager:\n  smtp_auth_password: 'hunter2\n",
		"alertmanager: [{\"api_url\" : hunter2}]",
		"a: {slack_api_url: https://hooks/hunter2}",
		"{external_url: x, password: hunter2}",
		"a: {bearer_token: hunter2, routing_key: hunter2}",
		"tokne: 1\nalerting: {channels: [{url: [hunter2]}]}",
	} {
		if _, errs := Parse("f", []byte(body)); len(errs) == 0 || strings.Contains(errs.Error(), "hunter2") {
			t.Errorf("%s gives\n%v", body, errs)
		}
	}
	if _, errs := Parse("f", []byte("external_url: hello")); !strings.Contains(errs.Error(), "external_url: hello\n") {
		t.Errorf("too much is hidden: %v", errs)
	}
}

func TestSyntaxProblemsHaveAPlace(t *testing.T) {
	for body, want := range map[string]string{
		"listen: a\n\tdata: b":              "f:2:",
		"queue: {a: 1":                      "f:1:8: this is not YAML",
		"a: b: c":                           "f:1:",
		"x: \"abc":                          "f:1:4: this is not YAML",
		"a: 1\n---\nb: 2":                   "f:3:1: a second document",
		"- a":                               "f:1:1: this must be a section",
		"x: \xff":                           "f:1:1: this line is not UTF-8",
		strings.Repeat("[", 1000):           "f:1:101: this is nested too deeply",
		"a:\n" + strings.Repeat("- ", 1000): "f:2:",
		"listen: !!str x":                   "f:1:9: listen: tags such as !!str",
		"models: *x":                        "f:1:9: models: there is no anchor &x",
		"models: &x {a: {features: *x}}":    "f:1:",
		"1: 2":                              `f:1:1: unknown key "1"`,
		"{a: b}: c":                         "f:1:",
		"alertmanager: text":                "f:1:15: alertmanager: this must be a section",
		"{alertmanager: {route: {}}}":       "",
	} {
		_, errs := Parse("f", []byte(body))
		if want == "" {
			continue
		}
		if len(errs) == 0 || !strings.HasPrefix(errs[0].Error(), want) {
			t.Errorf("%.40q gives\n%v\nwant %s", body, errs, want)
		}
	}
}

func TestAliasesCannotBlowUp(t *testing.T) {
	var b strings.Builder
	b.WriteString("models:\n  a0: &a0 {features: &f {")
	for i := range 900 {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("f" + FormatSize(int64(i)) + ": {kind: numeric}")
	}
	b.WriteString("}}\n")
	for i := range 2000 {
		b.WriteString("  m" + FormatSize(int64(i)) + ": *a0\n")
	}
	start := time.Now()
	_, errs := Parse("f", []byte(b.String()))
	if len(errs) == 0 || !strings.Contains(errs.Error(), "holds more than") {
		t.Errorf("no limit was met in %v", time.Since(start))
	}
}

func TestRawKeepsTextAndLines(t *testing.T) {
	c := mustParse(t, "listen: 127.0.0.1:1\n# before\nalertmanager: # here\n  route:\n    receiver: x\n\n  receivers: [{name: x}]\n# after\nlog:\n  level: warn\n")
	want := "\n\n              # here\n  route:\n    receiver: x\n\n  receivers: [{name: x}]\n# after\n"
	if got := string(c.Alertmanager.Text); got != want || c.Alertmanager.Line != 3 {
		t.Errorf("line %d, text %q, want %q", c.Alertmanager.Line, got, want)
	}
	c = mustParse(t, "alertmanager: {route: {receiver: x}}\n")
	if got := string(c.Alertmanager.Text); !strings.HasPrefix(got, "              {route: {receiver: x}}\n") {
		t.Errorf("text %q", got)
	}
	c = mustParse(t, "listen: 127.0.0.1:1\nscrape_configs:\n- job_name: a\n  scheme: http\nlog: {level: warn}\n")
	if got := string(c.ScrapeConfigs.Text); got != "\n               \n- job_name: a\n  scheme: http\n" {
		t.Errorf("scrape_configs is %q", got)
	}
	if _, errs := Parse("f", []byte("scrape_configs: {job_name: a}\n")); len(errs) != 1 || !strings.Contains(errs[0].Message, "must be a list") {
		t.Errorf("a section for a list: %v", errs)
	}
	if !mustParse(t, "alertmanager:\n").Alertmanager.IsZero() {
		t.Error("an empty section is not zero")
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ok", "https://x.example/secret\n")
	write("empty", "\n")
	write("long", strings.Repeat("x", maxSecret+1))
	for file, want := range map[string]string{
		"ok": "", "empty": "it is empty", "long": "it is longer than 64KiB", "missing": "no such file", ".": "not a regular file",
	} {
		body := "alerting:\n  channels:\n    - name: a\n      type: webhook\n      url_file: " + file + "\n"
		c, errs := Parse(filepath.Join(dir, "leeway.yml"), []byte(body))
		switch {
		case want == "" && (len(errs) > 0 || c.Alerting.Channels[0].URL.Reveal() != "https://x.example/secret"):
			t.Errorf("%s: %v", file, errs)
		case want != "" && (len(errs) == 0 || !strings.Contains(errs.Error(), want) || errs[len(errs)-1].Line != 5):
			t.Errorf("%s: %v, want %s in line 5", file, errs, want)
		}
	}
	_, errs := Parse(filepath.Join(dir, "leeway.yml"),
		[]byte("alerting: {channels: [{name: a, type: webhook, url: https://x.example/hunter2, url_file: ok}]}"))
	if len(errs) != 1 || !strings.Contains(errs[0].Message, "either url or url_file") {
		t.Error(errs)
	}
}

func TestProblemOfAnotherPackage(t *testing.T) {
	c := mustParse(t, "rules:\n  - name: a\n    metric: recall\n    operator: lt\n    warning: 1\n")
	for path, want := range map[string]string{
		"rules[0].metric":   ":3:13: rules[0].metric: no such metric",
		"rules[0].duration": ":2:5: rules[0].duration: no such metric",
		"queue.partitions":  "leeway.yml: queue.partitions: no such metric",
	} {
		if got := c.Problem(path, "no such metric").Error(); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := Default().Problem("listen", "x").Error(); got != "configuration: listen: x" {
		t.Error(got)
	}
}

func TestDiff(t *testing.T) {
	a := mustParse(t, "listen: 127.0.0.1:1\nlog: {level: info}\nmodels: {}\nalertmanager:\n  route: {}\n")
	b := mustParse(t, "listen: 127.0.0.1:2\nlog: {level: warn, format: json}\nrules: []\ningest: {max_rows: 5}\n\nalertmanager:\n  route: {}\n")
	b.Data, a.Data = "same", "same"
	reloadable, restart := Diff(a, b)
	if got, want := strings.Join(reloadable, " "), "log.level"; got != want {
		t.Errorf("reloadable %q, want %q", got, want)
	}
	if got, want := strings.Join(restart, " "), "listen ingest.max_rows log.format"; got != want {
		t.Errorf("restart %q, want %q", got, want)
	}
}

func TestDefaultIsValid(t *testing.T) {
	d := &decoder{source: &source{places: map[string]place{}}}
	Default().validate(d)
	if len(d.problems) > 0 {
		t.Error(d.problems)
	}
}

func TestLoadRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yml")
	if err := os.WriteFile(large, []byte(strings.Repeat("#", maxFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing.yml"), dir, large} {
		if c, errs := Load(path); len(errs) != 1 || c != nil || errs[0].File != path {
			t.Errorf("Load(%s) = %v, %v", path, c, errs)
		}
	}
}

package logs

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/leewayhq/leeway/internal/event"
)

func parse(t testing.TB, cfg ParseConfig, text string) (Line, bool) {
	t.Helper()
	p, err := NewParser(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var l Line
	ok := p.Parse(text, &l)
	return l, ok
}

const noon = int64(1_777_636_800_000) // 2026-05-01T12:00:00Z

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, format, text            string
		time                          int64
		level, service, message, attr string
	}{
		{"json", "", `{"ts":"2026-05-01T12:00:00Z","level":"WARN","msg":"hi","service":"api","n":1.50,"o":{"a": 1}}`, noon, "warning", "api", "hi", `{"n":1.50,"o":{"a":1}}`},
		{"json with numbers", "json", `{"time":1777636800,"level":50,"message":"x"}`, noon, "error", "", "x", ``},
		{"json of containers", "", `{"log":"text\n","stream":"stdout"}`, 0, "", "", "text\n", `{"stream":"stdout"}`},
		{"broken json", "json", `{"a":`, 0, "", "", `{"a":`, ``},
		{"logfmt", "", `ts=2026-05-01T12:00:00Z lvl=eror msg="a \"b\" c" id=007 dur=1.5 empty=`, noon, "error", "", `a "b" c`, `{"id":"007","dur":1.5,"empty":""}`},
		{"not logfmt", "", `a=1 and some words`, 0, "", "", `a=1 and some words`, ``},
		{"common", "", `10.0.0.1 - ada [01/May/2026:14:00:00 +0200] "GET /a?b=c HTTP/1.1" 404 12`, noon, "warning", "", `10.0.0.1 - ada [01/May/2026:14:00:00 +0200] "GET /a?b=c HTTP/1.1" 404 12`,
			`{"remote_addr":"10.0.0.1","user":"ada","method":"GET","path":"/a?b=c","protocol":"HTTP/1.1","status":404,"bytes":12}`},
		{"combined", "combined", `::1 - - [01/May/2026:12:00:00 +0000] "POST /p HTTP/2.0" 500 - "-" "curl \"8\"" 0.250`, noon, "error", "", `::1 - - [01/May/2026:12:00:00 +0000] "POST /p HTTP/2.0" 500 - "-" "curl \"8\"" 0.250`,
			`{"remote_addr":"::1","method":"POST","path":"/p","protocol":"HTTP/2.0","status":500,"request_time":0.250,"user_agent":"curl \\\"8\\\""}`},
		{"plain", "", `2026-05-01 12:00:00,000 - app - ERROR - it broke`, noon, "error", "", `2026-05-01 12:00:00,000 - app - ERROR - it broke`, ``},
		{"go", "", `2026/05/01 12:00:00 listening`, noon, "", "", `2026/05/01 12:00:00 listening`, ``},
		{"brackets", "", `[2026-05-01T12:00:00Z] [info] up`, noon, "info", "", `[2026-05-01T12:00:00Z] [info] up`, ``},
		{"no level in prose", "", `an error in the middle`, 0, "", "", `an error in the middle`, ``},
		{"none", "none", `{"level":"info"}`, 0, "", "", `{"level":"info"}`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, _ := parse(t, ParseConfig{Format: c.format}, c.text)
			if l.Time != c.time || Level(l.Level) != c.level || l.Service != c.service || l.Message != c.message || string(l.attrs()) != c.attr {
				t.Errorf("%d %q %q %q %s", l.Time, l.Level, l.Service, l.Message, l.attrs())
			}
		})
	}
}

func TestRegex(t *testing.T) {
	cfg := ParseConfig{Format: "regex", Pattern: `^(?P<time>\S+ \S+) (?P<level>\w+) took (?P<ms>\d+) for (?P<path>\S+)`, TimeLayout: "02.01.2006 15:04", Zone: time.FixedZone("", 7200)}
	l, ok := parse(t, cfg, "01.05.2026 14:00 INFO took 12 for /x")
	if !ok || l.Time != noon || l.Level != "INFO" || string(l.attrs()) != `{"ms":12,"path":"/x"}` {
		t.Errorf("%v %+v %s", ok, l, l.attrs())
	}
	if l, ok := parse(t, cfg, "something else"); ok || l.Message != "something else" {
		t.Errorf("%v %+v", ok, l)
	}
	for _, bad := range []ParseConfig{{Format: "regex"}, {Format: "xml"}, {Pattern: "(?P<a>.)"}, {Format: "regex", Pattern: "("}, {Format: "regex", Pattern: "a"}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func join(t *testing.T, cfg JoinConfig, text string) []string {
	t.Helper()
	j, err := NewJoiner(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if j.Begins([]byte(line)) {
			out = append(out, j.Take())
		}
		j.Add([]byte(line))
	}
	return append(out, j.Take())
}

func TestJoin(t *testing.T) {
	stack := JoinConfig{Stack: true}
	for name, c := range map[string]struct {
		cfg  JoinConfig
		text []string
	}{
		"nothing": {JoinConfig{}, []string{"a", " b", "c"}},
		"start":   {JoinConfig{Start: `^\d{4}-`}, []string{"2026-05-01 a\nb\n c", "2026-05-02 d"}},
		"java":    {stack, []string{"ERROR x", "java.lang.E: no\n\tat a.B(C.java:1)\n\t... 3 more\nCaused by: java.lang.F\n\tat d.E(F.java:2)", "INFO y"}},
		"python":  {stack, []string{"ERROR x\nTraceback (most recent call last):\n  File \"a\"\n    f()\nKeyError: 'k'", "INFO y"}},
		"go":      {stack, []string{"panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/a/main.go:3 +0x1\nexit status 2", "INFO y"}},
		"js":      {stack, []string{"TypeError: no\n    at f (a.js:1:2)\n    at g (a.js:3:4)", "next"}},
		"lines":   {JoinConfig{Start: "^x", MaxLines: 2}, []string{"x\na", "b\nc"}},
		"bytes":   {JoinConfig{Start: "^x", MaxBytes: 4}, []string{"x\nab", "cd"}},
	} {
		if got := join(t, c.cfg, strings.Join(c.text, "\n")); strings.Join(got, "|") != strings.Join(c.text, "|") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestUnbelievableTimes(t *testing.T) {
	var got *event.Batch
	s, err := NewSink(SinkConfig{Source: "test", Now: func() time.Time { return time.UnixMilli(noon) },
		Put: func(_ context.Context, b *event.Batch) error { got = b; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	lines := []Line{{Time: noon + 3600_000, Message: "a"}, {Time: 1, Message: "b"}, {Message: "c"}, {Time: noon - 5, Message: "d"}}
	if err := s.Put(t.Context(), lines, ""); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{noon, noon, noon, noon - 5} {
		if got.Time[i] != want {
			t.Errorf("line %d has time %d", i, got.Time[i])
		}
	}
	if a := string(got.Attrs.At(0)); a != `{"original_time":"2026-05-01T13:00:00Z"}` {
		t.Error(a)
	}
}

func TestFieldsAreBounded(t *testing.T) {
	var l Line
	for i := range 2 * MaxFields {
		l.Set(strings.Repeat("k", 1+i%200)+string(rune('a'+i%26)), strings.Repeat("\x01", 1000))
	}
	if a := l.attrs(); len(a) > MaxLine || !json.Valid(a) || !l.Cut {
		t.Errorf("%d bytes, cut %v", len(a), l.Cut)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `a=b c="d"`, `1 - - [01/May/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 1`, "2026-05-01 12:00:00 ERROR", "\xff", `{"level":1e999}`} {
		f.Add(s)
	}
	var parsers []*Parser
	for _, format := range []string{"auto", "json", "logfmt", "common", "combined"} {
		p, err := NewParser(ParseConfig{Format: format})
		if err != nil {
			f.Fatal(err)
		}
		parsers = append(parsers, p)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parsers {
			var l Line
			p.Parse(text, &l)
			if a := l.attrs(); len(a) > 0 && (!json.Valid(a) || len(a) > MaxLine || !utf8.Valid(a)) {
				t.Fatalf("%s: attributes %q of %q", p.cfg.Format, a, text)
			}
			if len(l.Message) > MaxLine || !utf8.ValidString(l.Message) {
				t.Fatalf("%s: message of %d bytes", p.cfg.Format, len(l.Message))
			}
		}
	})
}

func FuzzJoin(f *testing.F) {
	f.Add("a\n b\nTraceback (most recent call last):\nx: y\npanic: z\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		if got := strings.Join(join(t, JoinConfig{Stack: true}, text), "\n"); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

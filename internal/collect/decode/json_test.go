package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/leewayhq/leeway/internal/event"
)

const now = 1777640000000 // 2026-05-01T12:53:20Z

func predictions() *Options {
	return &Options{Kind: event.Predictions, Model: "m", Now: now, DefaultTime: 1777000000000}
}

// each is a table of bodies and what describe says of them; @ is the default
// time.
func each(t *testing.T, decode func([]byte, *Options) (*Result, error), o *Options, table map[string]string) {
	t.Helper()
	for body, want := range table {
		r, err := decode([]byte(body), o)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if err := whole(r); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		want = strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(want, "\t", "")), "@", "t=1777000000000")
		if got := strings.TrimSpace(describe(r)); got != want {
			t.Errorf("%s:\n got: %s\nwant: %s", body, got, want)
		}
	}
}

func TestJSONRows(t *testing.T) {
	each(t, JSON, predictions(), map[string]string{
		`{"id":"a","prediction":1}`:                                                    `#0 @ id=a pred="1" predvalue=1`,
		`[{"id":7,"prediction":"x"},{"id":"b","prediction":2.0}]`:                      "#0 @ id=7 pred=\"x\"\n#1 @ id=b pred=\"2\"",
		`{"id":12345678901234567890,"prediction":true}`:                                `#0 @ id=12345678901234567890 pred="true"`,
		`{"id":1.0,"prediction":-0.0}`:                                                 `#0 @ id=1 pred="0" predvalue=0`,
		` [ ] `:                                                                        ``,
		`{"time":"2026-05-01T12:00:00Z","score":0.5}`:                                  `#0 t=1777636800000 score=0.5`,
		`{"time":"2026-05-01T12:00:00.25+02:00","score":0}`:                            `#0 t=1777629600250 score=0`,
		`{"time":"2026-05-01 12:00:00","score":1}`:                                     `#0 t=1777636800000 score=1`,
		`{"time":"2026-05-01","score":1}`:                                              `#0 t=1777593600000 score=1`,
		`{"timestamp":1777636800,"score":1}`:                                           `#0 t=1777636800000 score=1`,
		`{"time":1777636800.125,"score":1}`:                                            `#0 t=1777636800125 score=1`,
		`{"time":1777636800125,"score":1}`:                                             `#0 t=1777636800125 score=1`,
		`{"features":{"a":1,"b":"x","c":true,"d":null,"e":-1.5e2}}`:                    `#0 @ n.a=1 n.e=-150 c.b="x" c.c="true"`,
		"{\n\"features\" : { \"a\" : 1 , \"b\" : \"x\\u00e9\\n\" } }":                  `#0 @ n.a=1 c.b="xé\n"`,
		`[{"features":{"a":1}},{"features":{"a":"x"}},{"features":{"a":null}}]`:        "#0 @ n.a=1\n#1 @ c.a=\"x\"\n#2 @",
		`[{"features":{"a":1,"b":2}},{"features":{"b":3,"a":4}},{"features":{"b":5}}]`: "#0 @ n.a=1 n.b=2\n#1 @ n.a=4 n.b=3\n#2 @ n.b=5",
		`{"score":{"cat":0.25,"dog":0.75},"prediction":"dog","label":"cat"}`:           `#0 @ pred="dog" label="cat" score.cat=0.25 score.dog=0.75`,
		`{"scores":{"cat":0.25},"version":2,"latency_ms":12.5,"error":"boom"}`:         `#0 @ version="2" score.cat=0.25 latency=12.5 err="boom"`,
		`{"error":false,"segments":{"country":"DE","tier":3,"x":null},"prediction":0}`: `#0 @ pred="0" predvalue=0 segment.country="DE" segment.tier="3"`,
		`{"prediction":1,"extra":{"a":[1,2,{"b":null}]},"more":2}`:                     "#0 @ pred=\"1\" predvalue=1\nwarning extra unknown_field x1\nwarning more unknown_field x1",
		`{"prediction":1,"id":"a","feature.x":3,"segment.s":"y","score.c":0.5}`:        `#0 @ id=a pred="1" predvalue=1 score.c=0.5 segment.s="y" n.x=3`,
		`[{"prediction":0.5},{"prediction":1}]`:                                        "#0 @ pred=\"0.5\" predvalue=0.5\n#1 @ pred=\"1\" predvalue=1",
		`[{"prediction":null,"label":1},{"prediction":1}]`:                             "#0 @ label=\"1\" labelvalue=1\n#1 @ pred=\"1\" predvalue=1",
		`{"id":"\ud83d\ude00\ud83d","error":"\"\\\/\b\f\r\t"}`:                         "#0 @ id=😀\ufffd err=\"\\\"\\\\/\\b\\f\\r\\t\"",
		"{\"id\":\"a\xffb\",\"score\":1}":                                              "#0 @ id=a\ufffdb score=1",
		`{"f\u0065atures":{"\u0061":1}}`:                                               `#0 @ n.a=1`,
		`[{"features":{"a":1e308,"b":123456789012345678901234567890}}]`:                `#0 @ n.a=1e+308 n.b=1.2345678901234568e+29`,
		`[{"prediction":"1"},{"prediction":1.0},{"prediction":"x"}]`:                   "#0 @ pred=\"1\"\n#1 @ pred=\"1\"\n#2 @ pred=\"x\"",
	})
}

func TestJSONRejections(t *testing.T) {
	long := strings.Repeat("x", 2000)
	each(t, JSON, predictions(), map[string]string{
		`[{"id":"a","score":1},{"id":"b","score":"1"},{"id":"c","score":0.5}]`:                                                "#0 @ id=a score=1\n#2 @ id=c score=0.5\nrejected 1 score type",
		`[{"score":1.5},{"score":-0.1},{"score":{"a":2}},{"score":true}]`:                                                     "rejected 0 score range\nrejected 1 score range\nrejected 2 score.a range\nrejected 3 score type",
		`[{"time":"yesterday","score":1},{"time":"2026-02-30","score":1},{"time":true,"score":1}]`:                            "rejected 0 time time\nrejected 1 time time\nrejected 2 time type",
		`[{"time":"2026-05-01T25:00:00Z","score":1},{"time":"2026-05-01T12:00:00.Z","score":1}]`:                              "rejected 0 time time\nrejected 1 time time",
		`[{"time":"2027-05-01","score":1},{"time":"2015-05-01","score":1}]`:                                                   "rejected 0 time time_future\nrejected 1 time time_past",
		`[{"id":"` + long + `","score":1},{"id":{},"score":1}]`:                                                               "rejected 0 id too_long\nrejected 1 id type",
		`[{"features":{"a":[1]}},{"features":{"a":"` + long + `"}},{"features":3},{"features":{"a":1e999}}]`:                  "rejected 0 features.a type\nrejected 1 features.a too_long\nrejected 2 features type\nrejected 3 features.a range",
		`[{"features":{"a":1,"a":2}},{"id":"a","id":"b","score":1},{"score":1,"scores":1}]`:                                   "rejected 0 a duplicate_key\nrejected 1 id duplicate_key\nrejected 2 scores duplicate_key",
		`[{},1,{"id":"a"},{"score":1},[]]`:                                                                                    "#3 @ score=1\nrejected 0  empty\nrejected 1  type\nrejected 2  empty\nrejected 4  type",
		`[{"latency_ms":-1},{"latency_ms":"5"},{"version":{},"score":1},{"segments":{"a":[]},"score":1}]`:                     "rejected 0 latency_ms range\nrejected 1 latency_ms type\nrejected 2 version type\nrejected 3 segments.a type",
		`[{"features":{"a":1}},{"features":{"a":2,"new":1},"score":7},{"features":{"a":"s"},"score":7},{"features":{"a":3}}]`: "#0 @ n.a=1\n#3 @ n.a=3\nrejected 1 score range\nrejected 2 score range",
		`[{"prediction":1},{"prediction":"x","score":9}]`:                                                                     "#0 @ pred=\"1\" predvalue=1\nrejected 1 score range",
		`[{"features":{"":1}},{"prediction":1e999}]`:                                                                          "rejected 0 features missing\nrejected 1 prediction range",
	})
}

func TestErrorTextIsCutNotLost(t *testing.T) {
	r, err := JSON([]byte(`{"error":"`+strings.Repeat("é", 1000)+`"}`), predictions())
	if err != nil || r.Accepted != 1 {
		t.Fatal(err, r)
	}
	if s, _ := r.Batch.Err.At(0); len(s) != 1024 || !utf8.ValidString(s) || r.Warnings[0].Code != CodeTruncated {
		t.Fatal(len(s), r.Warnings)
	}
}

func TestJSONLabels(t *testing.T) {
	o := predictions()
	o.Kind = event.Labels
	each(t, JSON, o, map[string]string{
		`[{"id":"a","label":1},{"id":"b","label":"x","time":1777636800}]`:           "#0 @ id=a label=\"1\"\n#1 t=1777636800000 id=b label=\"x\"",
		`[{"label":1},{"id":"b"},{"id":"c","label":null},{"id":"d","label":false}]`: "#3 @ id=d label=\"false\"\nrejected 0 id missing\nrejected 1 label missing\nrejected 2 label missing",
		`{"id":"a","label":1,"features":{"x":1},"score":2}`:                         "#0 @ id=a label=\"1\" labelvalue=1\nwarning features unknown_field x1\nwarning score unknown_field x1",
	})
}

func TestMappedJSONIsFlat(t *testing.T) {
	o := predictions()
	o.Map = map[string]string{"id": "uid", "prediction": "y", "segment.country": "land", "score.a": "pa"}
	each(t, NDJSON, o, map[string]string{
		`{"uid":"u","y":1,"land":"DE","pa":0.5,"id":9,"age":3,"time":1777636800}`: `#0 t=1777636800000 id=u pred="1" predvalue=1 score.a=0.5 segment.country="DE" n.age=3 n.id=9`,
		`{"uid":"u","features":{"a":1},"b":"x"}`:                                  `#0 @ id=u n.a=1 c.b="x"`,
		"{\"uid\":\"u\",\"b\":1,\"pa\":7}\n{\"uid\":\"v\",\"b\":1}\n":             "#1 @ id=v n.b=1\nrejected 0 score.a range\n",
	})
}

func TestNDJSONLines(t *testing.T) {
	each(t, NDJSON, predictions(), map[string]string{
		"{\"score\":1}\n{\"score\":0}\n":                         "#0 @ score=1\n#1 @ score=0",
		"\n \r\n{\"score\":1}\r\n\n{\"score\":0}":                "#0 @ score=1\n#1 @ score=0",
		"{\"score\":1}\n{\"score\":0,}\nnonsense\n{\"score\":0}": "#0 @ score=1\n#3 @ score=0\nrejected 1  syntax\nrejected 2  syntax",
		"{\"score\":\n1}\n{\"score\":0} {}\n{\"score\":0.5}":     "#3 @ score=0.5\nrejected 0  syntax\nrejected 1  type\nrejected 2  syntax",
		"": "",
	})
}

func TestSyntaxErrorsHavePositions(t *testing.T) {
	for body, want := range map[string][2]int{
		"":                              {1, 1},
		"[{\"id\":\"a\"},\n {\"id\":}]": {2, 8},
		"{\"a\" 1}":                     {1, 6},
		"[{\"a\":1}":                    {1, 9},
		"{\"a\":1} x":                   {1, 9},
		"{\"a\":\"x\ny\"}":              {1, 8},
		"{\"a\":\"\\q\"}":               {1, 8},
		"{\"a\":01}":                    {1, 6},
		"{\"a\":tru}":                   {1, 6},
		"{'a':1}":                       {1, 2},
		"{\"a\":1,}":                    {1, 8},
		"nonsense":                      {1, 1},
	} {
		var e *SyntaxError
		if _, err := JSON([]byte(body), predictions()); !errors.As(err, &e) || e.Line != want[0] || e.Column != want[1] {
			t.Errorf("%q: %v, wanted line %d column %d", body, err, want[0], want[1])
		}
	}
}

func TestJSONLimits(t *testing.T) {
	o := predictions()
	o.Limits = Limits{Rows: 2, Features: 2, BodyBytes: 1000, Name: 5}
	each(t, JSON, o, map[string]string{
		`[{"features":{"a":1,"b":2,"c":3}},{"features":{"d":1,"e":2}}]`: "#1 @ n.d=1 n.e=2\nrejected 0 features too_many",
		`[{"features":{"abcdef":1}}]`:                                   "rejected 0 features too_long",
	})
	for _, body := range []string{`[{"score":1},{"score":1},{"score":1}]`, strings.Repeat(" ", 1001)} {
		if _, err := JSON([]byte(body), o); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%.20s: %v", body, err)
		}
	}
	o.Limits = Limits{Cells: 100}
	wide := `[{"features":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}}` + strings.Repeat(`,{"score":1}`, 20) + `]`
	if _, err := JSON([]byte(wide), o); !errors.Is(err, ErrTooLarge) {
		t.Error("a wide row and many narrow ones were taken", err)
	}
	deep := `{"x":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `}`
	if _, err := JSON([]byte(deep), predictions()); err == nil || !strings.Contains(err.Error(), "nested") {
		t.Error(err)
	}
}

func TestNaiveTimesAreOfTheZone(t *testing.T) {
	o := predictions()
	o.Zone = time.FixedZone("", 2*3600)
	each(t, JSON, o, map[string]string{
		`{"time":"2026-05-01T12:00:00","score":1}`:  `#0 t=1777629600000 score=1`,
		`{"time":"2026-05-01T12:00:00Z","score":1}`: `#0 t=1777636800000 score=1`,
	})
}

func TestManyDistinctNumbersAreNoClasses(t *testing.T) {
	var b bytes.Buffer
	for i := range 1500 {
		fmt.Fprintf(&b, "{\"prediction\":%d.5}\n", i)
	}
	r, err := NDJSON(b.Bytes(), predictions())
	if err != nil || r.Batch.Pred.Present() || !r.Batch.PredValue.Present() {
		t.Fatal(err, r.Batch.Pred.Present())
	}
	b.WriteString(`{"prediction":"x"}`)
	r, err = NDJSON(b.Bytes(), predictions())
	if err != nil || r.Batch.PredValue.Present() {
		t.Fatal(err)
	}
	if v, _ := r.Batch.Pred.At(1400); v != "1400.5" {
		t.Fatal(v)
	}
}

func TestLogs(t *testing.T) {
	o := predictions()
	o.Kind, o.Model = event.Logs, ""
	each(t, NDJSON, o, map[string]string{
		`{"time":1777636800,"level":"WARN","msg":"hi","service":"api","model":"m","k":{"a":1},"n":2}`: `#0 t=1777636800000 c.level="warning" c.service="api" c.model="m" message="hi" attrs={"k":{"a":1},"n":2}`,
		`{"message":"x","level":50}`:           `#0 @ c.level="error" message="x"`,
		`{"message":{"a":1},"source":3}`:       `#0 @ attrs={"message":{"a":1},"source":3}`,
		`{"message":"x","msg":"y"}`:            `#0 @ message="x" attrs={"msg":"y"}`,
		"{}\nplain text\n{\"k\\u0065y\" : 1 }": "#2 @ attrs={\"k\\u0065y\":1}\nrejected 0  empty\nrejected 1  syntax",
	})
}

// plainRow is a row as encoding/json reads it.
func plainRow(line []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var m map[string]any
	return m, d.Decode(&m)
}

// FuzzNDJSON holds the hand-written parser against encoding/json: a row that it
// takes is valid there and has the same features.
func FuzzNDJSON(f *testing.F) {
	f.Add([]byte(`{"id":"a","features":{"x":1.5,"y":"z"},"prediction":1,"score":0.5}` + "\n" + `{"id":"b","features":{"x":2,"y":"\u00e9\\"},"prediction":1,"score":0.5}`))
	f.Add([]byte(`{"features":{"x":-0.1e-5,"a":true,"b":null,"longer name":12345678.12345678,"c":"a string that is long enough"}}`))
	f.Add([]byte(`{"id":"q","items":["a",7,"b"],"relevant":{"a":2,"c":0.5}}` + "\n" + `{"id":"r","items":[],"relevant":["a"]}`))
	f.Add(lines(3, 17))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := NDJSON(body, predictions())
		if err != nil {
			return
		}
		if err := whole(r); err != nil {
			t.Fatal(err)
		}
		var rows [][]byte
		for _, l := range bytes.Split(body, []byte("\n")) {
			if len(bytes.Trim(l, " \t\r")) > 0 {
				rows = append(rows, l)
			}
		}
		if len(rows) != r.Rows {
			t.Fatalf("%d rows of %d lines", r.Rows, len(rows))
		}
		for i := range r.Batch.Rows {
			line := rows[r.RowOf(i)]
			want, err := plainRow(line)
			if err != nil || !json.Valid(line) {
				t.Fatalf("%q was taken: %v", line, err)
			}
			compareFeatures(t, r.Batch, i, want)
		}
	})
}

func compareFeatures(t *testing.T, b *event.Batch, i int, row map[string]any) {
	features, _ := row["features"].(map[string]any)
	nums, cats := map[string]float64{}, map[string]string{}
	for j := range b.Nums {
		if !b.Nums[j].Null(i) {
			nums[b.Nums[j].Name] = b.Nums[j].Values[i]
		}
	}
	for j := range b.Cats {
		if v, ok := b.Cats[j].At(i); ok {
			cats[b.Cats[j].Name] = v
		}
	}
	for name, v := range features {
		switch v := v.(type) {
		case json.Number:
			want, _ := v.Float64()
			if got, ok := nums[name]; !ok || math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("feature %q: %v, wanted %v", name, got, want)
			}
		case string:
			if got, ok := cats[name]; !ok || got != v {
				t.Fatalf("feature %q: %q, wanted %q", name, got, v)
			}
		}
	}
	if id, ok := row["id"].(string); ok && string(b.ID.At(i)) != id {
		t.Fatalf("id %q, wanted %q", b.ID.At(i), id)
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`[{"id":"a","features":{"x":1.5,"y":"z"}},{"id":"b"}]`))
	f.Add([]byte(` {"scores":{"a":0.5},"segments":{"b":"c"},"time":"2026-05-01T12:00:00Z"} `))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, kind := range []event.Kind{event.Predictions, event.Labels, event.Logs} {
			o := predictions()
			o.Kind = kind
			r, err := JSON(body, o)
			if err != nil {
				if json.Valid(body) && !errors.As(err, new(*SyntaxError)) {
					t.Fatal(err)
				}
				continue
			}
			if !json.Valid(body) {
				t.Fatalf("%q was taken", body)
			}
			if err := whole(r); err != nil {
				t.Fatal(err)
			}
			for i := range r.Batch.Rows {
				if a := r.Batch.Attrs.At(i); len(a) > 0 && !json.Valid(a) {
					t.Fatalf("attributes %q", a)
				}
			}
		}
	})
}

package report

import (
	"encoding/xml"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page writes a report and checks what must hold of every page: it is well
// formed, fetches nothing, and lacks no text.
func pageOf(t testing.TB, r *Report, lang string) string {
	t.Helper()
	var out strings.Builder
	if err := r.WriteHTML(&out, lang); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if m := regexp.MustCompile(`(?i:https?://|url\(|@import|src=|srcset=|<iframe|<object)|NaN|%!`).FindString(text); m != "" {
		t.Errorf("%s: the page has %q", lang, m)
	}
	wellFormed(t, text)
	return text
}

// raw are elements whose text is not markup.
var raw = regexp.MustCompile(`(?s)<(script|style)>.*?</(script|style)>`)

// wellFormed holds every element to be closed by its own tag, and to carry no
// script of its own.
func wellFormed(t testing.TB, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(raw.ReplaceAllString(text, "")))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, token.Name.Local)
			for _, a := range token.Attr {
				if strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("<%s %s=%q>", token.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != token.Name.Local {
				t.Fatalf("</%s> closes %v", token.Name.Local, open)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if s := strings.TrimSpace(string(token)); strings.HasPrefix(s, "?") {
				t.Errorf("a text is missing: %s", s)
			}
		}
	}
}

func TestPageInBothLanguages(t *testing.T) {
	open(t, "california/labels.csv")
	o := california()
	o.Conditions = conditions(t, "drifted_features>0", "recall>0.9")
	r := makeReport(t, o)
	en, zh := pageOf(t, r, "en"), pageOf(t, r, "zh")
	for text, in := range map[string]string{
		"2 of 8 features drifted.": en, "Accuracy is 0.589, and was 0.670 in the reference.": en, "Fails when": en, `lang="en"`: en,
		"8 个特征中有 2 个发生漂移。": zh, "失败条件": zh, `lang="zh-CN"`: zh, "按月": zh,
	} {
		if !strings.Contains(in, text) {
			t.Errorf("%q is not on the page", text)
		}
	}
	// Text of the other language that stands in an element by itself.
	for _, w := range words {
		if len(w[0]) > 4 && strings.Contains(zh, ">"+w[0]+"<") {
			t.Errorf("%q stands on the Chinese page", w[0])
		}
	}
}

func TestEveryTextHasBothLanguages(t *testing.T) {
	verb := regexp.MustCompile(`%(\[\d\])?s`)
	for key, w := range words {
		if w[0] == "" || w[1] == "" || len(verb.FindAllString(w[0], -1)) != len(verb.FindAllString(w[1], -1)) {
			t.Errorf("%s: %q", key, w)
		}
	}
}

func TestHostileNamesAreText(t *testing.T) {
	dir := t.TempDir()
	evil := `</script><img src=x onerror=alert(1)>"'&`
	rows := [][]string{{evil, "kind"}}
	for i := range 100 {
		rows = append(rows, []string{string(rune('0' + i%10)), []string{"<b>bold</b>", "`$(x)`", "漢字"}[i%3]})
	}
	name := filepath.Join(dir, "<i>x<i>.csv")
	writeCSV(t, name, rows)
	r := makeReport(t, Options{Reference: name, Current: name, Title: "</title><script>alert(1)</script>"})
	var out strings.Builder
	if err := r.WriteHTML(&out, "en"); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, out.String())
	for _, s := range []string{"<img", "<script>alert", "<b>bold", "<i>x"} {
		if strings.Contains(out.String(), s) {
			t.Errorf("%s is not escaped", s)
		}
	}
	if !strings.Contains(out.String(), "漢字") {
		t.Error("a category is missing")
	}
}

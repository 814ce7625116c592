package archive

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/leewayhq/leeway/internal/event"
)

// texts is lines with these messages and attributes.
func texts(attrs string, messages ...string) *event.Batch {
	b := &event.Batch{Header: event.Header{Kind: event.Logs, Arrived: start}, Rows: len(messages)}
	for i, m := range messages {
		b.Time = append(b.Time, start+int64(i))
		b.Message.Append(m)
		b.Attrs.Append(attrs)
	}
	return b
}

func TestFilesOfVersion1AreRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/v1")); err != nil {
		t.Fatal(err)
	}
	a := openAt(t, vfs.Default, func(c *Config) { c.Dir = dir })
	for text, want := range map[string]int{"LINE 42 of grö": 1, "r-00042": 1, "of": 100, "zzz": 0} {
		p := find(t, a, Query{Text: text})
		if len(p.Lines) != want || len(p.Damaged) > 0 {
			t.Errorf("%q: %d lines, damaged %v", text, len(p.Lines), p.Damaged)
		}
	}
	if p := find(t, a, Query{Text: "zzz"}); p.Scanned != 0 {
		t.Errorf("%d lines were looked at", p.Scanned)
	}
}

// TestRareIDsAreNotLookedFor: in lines full of random ids each run of three is
// taken; a rare id must be told from them all the same.
func TestRareIDsAreNotLookedFor(t *testing.T) {
	a := openAt(t, vfs.NewMem(), nil)
	r := rand.New(rand.NewPCG(1, 2))
	const groups = 8
	for g := range groups {
		lines := make([]string, groupLines)
		for i := range lines {
			lines[i] = fmt.Sprintf("request %016x took %d ms", r.Uint64(), r.IntN(1000))
		}
		if g == 3 {
			lines[77] += " Zanzibar-C0FFEE42"
		}
		add(t, a, 0, uint64(g+1), texts("", lines...))
		flush(t, a, 0)
	}
	for _, text := range []string{"zanzibar", "C0ffee42", "bar-c0"} {
		p := find(t, a, Query{Text: text})
		if len(p.Lines) != 1 || p.Scanned > 2*groupLines {
			t.Errorf("%q: %d lines of %d", text, len(p.Lines), p.Scanned)
		}
	}
	if p := find(t, a, Query{Text: "zan"}); len(p.Lines) != 1 {
		t.Errorf("%d lines", len(p.Lines))
	}
}

func TestGramsThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	cfg := func(c *Config) { c.Dir = dir }
	a := openAt(t, vfs.Default, cfg)
	add(t, a, 0, 1, batch(start, 0, 100))
	flush(t, a, 0)
	path := gramsPath(a.path(a.files[0]))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(good)
	for i := range flipped {
		flipped[i] = 0
	}
	for name, bytes := range map[string][]byte{"zeros": flipped, "short": good[:10], "long": append(slices.Clone(good), 1), "empty": {}, "missing": nil} {
		if err := os.WriteFile(path, bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		if bytes == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		b := openAt(t, vfs.Default, cfg)
		for range 2 {
			if p := find(t, b, Query{Text: "line 42 of"}); len(p.Lines) != 1 || len(p.Damaged) > 0 {
				t.Errorf("%s: %d lines, damaged %v", name, len(p.Lines), p.Damaged)
			}
		}
	}
}

func TestSearchByAttribute(t *testing.T) {
	a := openAt(t, vfs.NewMem(), nil)
	add(t, a, 0, 1, texts(`{"status":404,"path":"/a b","http":{"method":"GET","id":"x\"y"},"a.b":1,"none":null}`, "one"))
	add(t, a, 0, 2, texts(`{"status":4040,"path":"404"}`, "two"))
	add(t, a, 0, 3, texts("", "three"))
	for range 2 { // in memory, and in a file
		for _, c := range []struct {
			attrs map[string]string
			want  string
		}{
			{map[string]string{"status": "404"}, "one"}, {map[string]string{"path": "404"}, "two"}, {map[string]string{"path": "/a b"}, "one"},
			{map[string]string{"http.method": "GET"}, "one"}, {map[string]string{"http.method": "get"}, ""}, {map[string]string{"http.id": `x"y`}, "one"},
			{map[string]string{"a.b": "1"}, "one"}, {map[string]string{"none": "null"}, "one"}, {map[string]string{"status": "404", "path": "404"}, ""},
			{map[string]string{"missing": ""}, ""}, {nil, "three two one"},
		} {
			var got []string
			for _, l := range find(t, a, Query{Attrs: c.attrs}).Lines {
				got = append(got, l.Message)
			}
			slices.Sort(got)
			want := strings.Fields(c.want)
			if slices.Sort(want); !slices.Equal(got, want) {
				t.Errorf("%v: %v, want %v", c.attrs, got, want)
			}
		}
		flush(t, a, 0)
	}
}

func TestFollow(t *testing.T) {
	a := openAt(t, vfs.NewMem(), nil)
	add(t, a, 0, 1, texts("", "before"))
	f := a.Follow(Query{Text: "WANTED"})
	defer f.Close()
	add(t, a, 0, 2, texts("", "wanted 1", "other", "wanted 2"))
	a.Rewind(0)
	add(t, a, 0, 1, texts("", "before"))
	add(t, a, 0, 2, texts("", "wanted 1", "other", "wanted 2"))
	add(t, a, 0, 3, texts("", "wanted 3"))
	for i := range 3 {
		if l := <-f.C; l.Message != fmt.Sprintf("wanted %d", i+1) {
			t.Errorf("%q", l.Message)
		}
	}
	for i := range followRoom + 7 {
		add(t, a, 0, uint64(10+i), texts("", "wanted"))
	}
	if len(f.C) != followRoom || f.Missed() != 7 || f.Missed() != 0 {
		t.Errorf("%d wait", len(f.C))
	}
}

func TestKeptIsToldOnce(t *testing.T) {
	fs := vfs.NewMem()
	var kept []string
	told := func(c *Config) {
		c.Kept = func(lines []Line) {
			for _, l := range lines {
				kept = append(kept, l.Message)
			}
		}
	}
	a := openAt(t, fs, told)
	add(t, a, 0, 1, texts("", "a"))
	a.Rewind(0)
	add(t, a, 0, 1, texts("", "a", "b"))
	flush(t, a, 0)
	a = openAt(t, fs, told)
	add(t, a, 0, 1, texts("", "a", "b"))
	add(t, a, 0, 2, texts("", "c"))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(kept, []string{"a", "b", "c"}) {
		t.Error(kept)
	}
}

func TestContainsFolded(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	letters := "aAbB1"
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b)
	}
	for range 20_000 {
		text, word := random(r.IntN(20)), fold(random(1+r.IntN(4)))
		m := newMatcher(Query{Text: word})
		if got, want := m.holds([]byte(text)), strings.Contains(fold(text), word); got != want {
			t.Fatalf("%q in %q: %v", word, text, got)
		}
	}
}

// FuzzGrams: a text that holds a word is in no group that its sets exclude.
func FuzzGrams(f *testing.F) {
	f.Add("some text of a Größe", 3, 5)
	f.Fuzz(func(t *testing.T, text string, from, n int) {
		text = fold(text)
		for _, run := range []int{3, 5} {
			g := newGrams(run)
			g.add(text)
			packed := g.pack()
			if from < 0 || n < run || from > len(text) || n > len(text)-from {
				continue
			}
			may, err := place{0, len(packed), run}.mayHold(readerAt(packed), text[from:from+n])
			if err != nil || !may {
				t.Fatalf("%q of %q: %v %v", text[from:from+n], text, may, err)
			}
		}
	})
}

type readerAt []byte

func (r readerAt) ReadAt(b []byte, at int64) (int, error) {
	if at >= int64(len(r)) {
		return 0, io.EOF
	}
	return copy(b, r[at:]), nil
}

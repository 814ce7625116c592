package profile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

func TestRoundTrip(t *testing.T) {
	profiles := map[string]*Profile{"empty": {}, "empty parts": {Latency: &Latency{}, Scores: &ScoreSet{}, Values: &Numeric{}}}
	r := random(4)
	f := NewFolder(0)
	for range 20 {
		profiles["random"+string(rune('a'+len(profiles)))] = randomLeaf(r, f)
	}
	for _, rows := range []int{1, 10} {
		w := f.Open(false)
		f.Add(w, randomBatch(r, rows), nil)
		profiles[strings.Repeat("row ", rows)] = f.Close(w)
	}
	missing := f.Open(false)
	f.Add(missing, &event.Batch{Rows: 5, Nums: []event.Num{{Name: "gone"}}, Cats: []event.Dict{{Name: "gone too"}}}, nil)
	profiles["all missing"] = f.Close(missing)
	if x := profiles["all missing"].Features["gone"]; x.Missing() != 5 || x.Rows != 5 {
		t.Errorf("%d of %d rows are missing", x.Missing(), x.Rows)
	}
	for name, p := range profiles {
		b := p.AppendTo(nil)
		got, err := Decode(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(got.AppendTo([]byte("kept"))[4:], b) {
			t.Errorf("%s: the bytes change in a round trip", name)
		}
		if !reflect.DeepEqual(got.Features, p.Features) && name != "all missing" && len(p.Features) > 0 {
			t.Errorf("%s: the features change in a round trip", name)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := randomLeaf(random(2), NewFolder(0)).AppendTo(nil)
	for n := range good {
		if _, err := Decode(good[:n]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d of %d bytes: %v", n, len(good), err)
		}
	}
	if _, err := Decode(append([]byte{9}, good[1:]...)); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "version 9") {
		t.Errorf("version 9: %v", err)
	}
	if _, err := Decode(append(good, 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := Decode([]byte{1, hasClasses, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a list of 2^32: %v", err)
	}
}

// The fixture was written by version 1 and must stay readable.
func TestDecodeVersion1(t *testing.T) {
	path := filepath.Join("testdata", "profile.v1.hex")
	p := fixture()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) && os.Getenv("LEEWAY_WRITE_FIXTURES") != "" {
		text = []byte(hex.EncodeToString(p.AppendTo(nil)))
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bare(t, got), bare(t, p)) {
		t.Error("the fixture reads as another profile")
	}
}

func fixture() *Profile {
	r := random(42)
	f := NewFolder(0)
	p := &Profile{}
	for _, rows := range []int{20, 400} {
		w := f.Open(false)
		f.Add(w, randomBatch(r, rows), nil)
		for range rows / 4 {
			o := randomOutcome(r)
			w.Quality().Add(&o, 1)
			w.Quality().AddQuery(randomQuery(r), 1)
		}
		p.Merge(f.Close(w), WindowExact)
	}
	return p
}

func FuzzDecode(f *testing.F) {
	r := random(8)
	folder := NewFolder(0)
	for _, rows := range []int{1, 20, 300} {
		w := folder.Open(false)
		folder.Add(w, randomBatch(r, rows), nil)
		for range rows {
			o := randomOutcome(r)
			w.Quality().Add(&o, int64(1-2*r.IntN(2)))
			if r.IntN(20) == 0 {
				w.Quality().AddQuery(randomQuery(r), 1)
			}
		}
		f.Add(folder.Close(w).AppendTo(nil))
	}
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(tryBytes)
}

// tryBytes decodes b and, where that works, uses what came of it.
func tryBytes(t *testing.T, b []byte) {
	p, err := Decode(b)
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		return
	}
	again, err := Decode(p.AppendTo(nil))
	if err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	if !bytes.Equal(again.AppendTo(nil), p.AppendTo(nil)) {
		t.Fatal("the bytes change in a round trip")
	}
	readAll(p)
	twice := &Profile{}
	twice.Merge(p, WindowExact)
	twice.Merge(again, MergeExact)
	readAll(twice)
	if _, err := Decode(twice.AppendTo(nil)); err != nil {
		t.Fatalf("a merge cannot be read: %v", err)
	}
}

// A byte that is wrong here and there comes deeper than a fuzzer's first
// guesses.
func TestDecodeOfDamagedBytes(t *testing.T) {
	r := random(10)
	f := NewFolder(0)
	for _, rows := range []int{1, 5, 30, 300} {
		w := f.Open(false)
		f.Add(w, randomBatch(r, rows), nil)
		for range rows {
			o := randomOutcome(r)
			w.Quality().Add(&o, int64(1-2*r.IntN(2)))
			if r.IntN(20) == 0 {
				w.Quality().AddQuery(randomQuery(r), 1)
			}
		}
		good := f.Close(w).AppendTo(nil)
		for range 1000 {
			b := slices.Clone(good)
			for range 1 + r.IntN(3) {
				b[r.IntN(len(b))] = byte(r.IntN(256)) >> r.IntN(8)
			}
			tryBytes(t, b)
		}
	}
}

// readAll calls what a profile offers; nothing may panic.
func readAll(p *Profile) {
	eachNumeric(p, func(_ string, x *Numeric) {
		_, _, _, _, _ = x.Mean(), x.SD(1), x.Quantile(0.5), x.QuantileError(), x.CDF(1)
		x.MassOutside(-1, 1)
		x.Cells(func(float64, float64, int64) {})
		Pairs(x, x, func(float64, int64, int64) {})
	})
	if p.Latency != nil {
		p.Latency.Quantile(0.95)
	}
	if p.Scores != nil {
		_, _, _ = p.Scores.Mean(), p.Scores.Quantile(0.5), p.Scores.QuantileError()
	}
	if q := p.Quality; q != nil {
		ScorePairs(&q.Pos, &q.Neg, func(float64, int64, int64) {})
		_, _ = q.Brier.Float64(), q.LogLoss.Float64()
		if q.Regression != nil {
			_, _ = q.Regression.TotalSquares(), q.Regression.AbsPct.Float64()
			_, _ = q.Regression.Errors.Quantile(0.5), q.Regression.Errors.QuantileError()
		}
		if q.Classes != nil {
			for _, class := range q.Classes.Of {
				ScoreCells(&class.Pos, &class.Neg, func(lo, hi float64, _, _ int64) {
					if !(lo <= hi) {
						panic("a cell without an interval")
					}
				})
			}
		}
	}
	for _, f := range p.Features {
		f.Missing()
		if f.Cat != nil {
			f.Cat.Distinct()
		}
	}
}

func TestPeek(t *testing.T) {
	p := randomLeaf(random(3), NewFolder(0))
	p.Duplicates = 7
	b := p.AppendTo(nil)
	got, err := Peek(b)
	want := Profile{
		Predictions: p.Predictions, Errors: p.Errors, NoPrediction: p.NoPrediction, Duplicates: 7,
		FirstTime: p.FirstTime, LastTime: p.LastTime, Arrived: p.Arrived,
	}
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("%+v, want %+v (%v)", got, want, err)
	}
	for _, bad := range [][]byte{nil, {9}, b[:4]} {
		if _, err := Peek(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("% x: %v", bad, err)
		}
	}
}

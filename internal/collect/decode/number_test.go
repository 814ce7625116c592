package decode

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestNumberIsExactlyStrconvs(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	check := func(s string) {
		t.Helper()
		for _, padded := range []string{s, s + "," + strings.Repeat(" ", 40)} {
			got, end := number([]byte(padded), 0)
			want, _ := strconv.ParseFloat(s, 64)
			if end != len(s) || math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("%s: got %v to %d, wanted %v", padded, got, end, want)
			}
		}
	}
	for _, s := range []string{"0", "-0", "0.0", "-0.0", "1", "12345678", "123456789", "9007199254740993", "9007199254740993.0", "18446744073709551615", "1844674407370955161.5", "99999999999999999999", "0.1", "1e400", "-1e400", "1e-400", "5e-324", "1.7976931348623157e308", "0.30000000000000004", "0.5e1", "1E+2", "1e-2", "0e99", "1e22", "1e23", "9007199254740992e22", "0.0000000000000000000000001"} {
		check(s)
	}
	for range 300_000 {
		f := math.Float64frombits(r.Uint64())
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		check(strconv.FormatFloat(f, 'g', -1, 64))
		check(strconv.FormatFloat(r.NormFloat64()*math.Pow10(r.IntN(30)-15), "gfe"[r.IntN(3)], r.IntN(19), 64))
		check(strconv.FormatUint(r.Uint64()>>r.IntN(64), 10) + "." + strconv.FormatUint(r.Uint64()>>r.IntN(64), 10))
	}
}

func TestNumberRefusesWhatJSONDoes(t *testing.T) {
	for _, s := range []string{"", "-", "+1", ".5", "1.", "01", "-01", "1e", "1e+", "--1", "0x1", "00", "- 1", "1.e1"} {
		if v, end := number([]byte(s), 0); end == len(s) || s == "" && end >= 0 {
			t.Errorf("%q: %v to %d", s, v, end)
		}
		if v, end := number([]byte(s+","+strings.Repeat(" ", 40)), 0); end == len(s) {
			t.Errorf("%q with more after it: %v to %d", s, v, end)
		}
	}
}

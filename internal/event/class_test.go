package event

import "testing"

func TestSameClass(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"fraud", "fraud", true}, {"", "", true}, {"1", "true", true}, {"yes", "True", true}, {"0", "no", true},
		{"1", "0", false}, {"true", "no", false}, {"fraud", "1", false}, {"fraud", "ham", false}, {"", "0", false},
	} {
		if SameClass(c.a, c.b) != c.want || SameClass(c.b, c.a) != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, !c.want)
		}
	}
}

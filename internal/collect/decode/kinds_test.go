package decode

import (
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// A feature that is known to hold strings is one of strings in every body, and
// stays so in a frame.
func TestTextFeatures(t *testing.T) {
	o := &Options{Kind: event.Predictions, Model: "m", Text: map[string]bool{"zip": true, "none": true}}
	res, err := CSV([]byte("id,zip,none,n,empty\n1,007,,1,\n2,,,2,\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Frame(res.Batch.AppendTo(nil), &Options{Kind: event.Predictions, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*event.Batch{"CSV": res.Batch, "frame": again.Batch} {
		if len(b.Cats) != 2 || b.Cats[0].Name != "none" || b.Cats[1].Name != "zip" || len(b.Nums) != 2 {
			t.Fatalf("%s: %+v %+v", name, b.Cats, b.Nums)
		}
		if v, ok := b.Cats[1].At(0); v != "007" || !ok {
			t.Errorf("%s: zip is %q", name, v)
		}
		if _, ok := b.Cats[0].At(0); ok || len(b.Cats[0].Codes) != 2 {
			t.Errorf("%s: %+v", name, b.Cats[0])
		}
	}
}

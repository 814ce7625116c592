package profile

import (
	"fmt"
	"math"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// TestSizeOfQuality holds what labels add to a window of 1,000 rows and to an
// hour of 60,000: with 20 features a window is to stay below 32 KiB, and a day
// of hours below 3 MiB.
func TestSizeOfQuality(t *testing.T) {
	for _, c := range []struct {
		name         string
		classes      int
		window, hour int
	}{{"regression", 0, 11 << 9, 25 << 9}, {"3 classes", 3, 3 << 10, 10 << 10}, {"10 classes", 10, 8 << 10, 28 << 10}} {
		for rows, limit := range map[int]int{256: c.window, 1000: c.window, 60_000: c.hour} {
			r := random(uint64(rows))
			names := make([]string, c.classes)
			for i := range names {
				names[i] = fmt.Sprint("class ", i)
			}
			q := &Quality{}
			for range rows {
				o := Outcome{Task: event.Regression, LabelValue: 10 * r.NormFloat64()}
				o.PredValue = o.LabelValue + r.NormFloat64()
				if c.classes > 0 {
					o = Outcome{Task: event.Multiclass, Label: names[r.IntN(c.classes)], ScoredClasses: names}
					o.Pred, o.ClassScores = o.Label, make([]float64, c.classes)
					sum := 0.0
					for i := range names {
						o.ClassScores[i] = math.Exp(2 * r.NormFloat64())
						sum += o.ClassScores[i]
					}
					for i := range names {
						o.ClassScores[i] /= sum
					}
				}
				q.Add(&o, 1)
			}
			all := &Quality{}
			all.Merge(q, WindowExact)
			if n := len(qualityBytes(all)); n > limit {
				t.Errorf("%s: %d labels take %d bytes, above %d", c.name, rows, n, limit)
			} else if testing.Verbose() {
				t.Logf("%s: %d labels take %d bytes", c.name, rows, n)
			}
		}
	}
}

package detector

import "context"

// Change is one drift in a stream that is at hand as a whole.
type Change struct {
	At   int // index of the value at which the detector fired
	From int // index at which the new level begins, by least squares

	Before, After     float64 // means from the last beginning to From, and from there to At
	NBefore, NAfter   int
	WarnedAt, Skipped int // index of the first warning before it, -1 for none; values passed over
}

// lookAround is how many values are taken between two looks at the context.
const lookAround = 1024

// Scan runs a detector over a stream and says where it changed. Warned tells
// that a warning stands at the end.
func Scan(ctx context.Context, d *Detector, xs []float64) (changes []Change, warned bool, err error) {
	kept := make([]int, 0, len(xs)) // indices of the values since the last beginning
	warning, skipped := -1, 0
	for i, x := range xs {
		if i%lookAround == 0 && ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		if !d.row.Kind.allows(x) {
			skipped++
			d.Update(x)
			continue
		}
		kept = append(kept, i)
		switch state := d.Update(x); {
		case state == Drift:
			c := split(xs, kept)
			c.At, c.WarnedAt, c.Skipped = i, warning, skipped
			changes = append(changes, c)
			kept, warning, skipped = kept[:0], -1, 0
		case state == Warning && warning < 0:
			warning = i
		case state == Stable:
			warning = -1
		}
	}
	return changes, warning >= 0, nil
}

// split finds the cut of some values into two whose means explain most.
func split(xs []float64, kept []int) Change {
	var total, left, best float64
	origin := xs[kept[0]] // taken away, so that no large level hides a small step
	for _, i := range kept {
		total += xs[i] - origin
	}
	n, at := float64(len(kept)), 1
	for k := 1; k < len(kept); k++ {
		left += xs[kept[k-1]] - origin
		a, b := float64(k), n-float64(k)
		d := left/a - (total-left)/b
		if gain := a * b * d * d; gain > best {
			best, at = gain, k
		}
	}
	if len(kept) == 1 {
		at = 0
	}
	c := Change{From: kept[at], NBefore: at, NAfter: len(kept) - at}
	c.Before, c.After = meanOf(xs, kept[:at]), meanOf(xs, kept[at:])
	return c
}

func meanOf(xs []float64, at []int) float64 {
	var m mean
	for _, i := range at {
		m.add(xs[i])
	}
	return m.value
}

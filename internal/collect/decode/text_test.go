package decode

import (
	"fmt"
	"math"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
)

// describe writes a batch so that equal rows read equal whatever format they
// came in: one line a row, columns in a fixed order, nulls left out.
func describe(r *Result) string {
	var s strings.Builder
	b := r.Batch
	for i := range b.Rows {
		fmt.Fprintf(&s, "#%d t=%d", r.RowOf(i), b.Time[i])
		if id := b.ID.At(i); len(id) > 0 {
			fmt.Fprintf(&s, " id=%s", id)
		}
		dict := func(name string, d *event.Dict) {
			if v, ok := d.At(i); ok {
				fmt.Fprintf(&s, " %s=%q", name, v)
			}
		}
		num := func(name string, n *event.Num) {
			if !n.Null(i) {
				fmt.Fprintf(&s, " %s=%v", name, n.Values[i])
			}
		}
		dict("version", &b.Version)
		dict("pred", &b.Pred)
		num("predvalue", &b.PredValue)
		dict("label", &b.Label)
		num("labelvalue", &b.LabelValue)
		num("score", &b.Score)
		for j := range b.Scores {
			num("score."+b.Scores[j].Name, &b.Scores[j])
		}
		list := func(name string, l *event.List) {
			if items, gains, ok := l.At(i); ok {
				fmt.Fprintf(&s, " %s=%s", name, describeList(items, gains))
			}
		}
		list("items", &b.Items)
		list("relevant", &b.Relevant)
		num("latency", &b.Latency)
		dict("err", &b.Err)
		for j := range b.Segments {
			dict("segment."+b.Segments[j].Name, &b.Segments[j])
		}
		for j := range b.Nums {
			num("n."+b.Nums[j].Name, &b.Nums[j])
		}
		for j := range b.Cats {
			dict("c."+b.Cats[j].Name, &b.Cats[j])
		}
		if m := b.Message.At(i); len(m) > 0 {
			fmt.Fprintf(&s, " message=%q", m)
		}
		if a := b.Attrs.At(i); len(a) > 0 {
			fmt.Fprintf(&s, " attrs=%s", a)
		}
		s.WriteByte('\n')
	}
	for _, x := range r.Rejected {
		fmt.Fprintf(&s, "rejected %d %s %s\n", x.Row, x.Field, x.Code)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&s, "warning %s %s x%d\n", w.Field, w.Code, w.Count)
	}
	return s.String()
}

// whole checks what must hold of any result.
// describeList names the items that the tests use, by name where they have no
// order of their own.
func describeList(items []uint64, gains []float64) string {
	var words []string
	for i, item := range items {
		word := fmt.Sprintf("%x", item)
		for _, id := range []string{"a", "b", "c", "7", "18446744073709551615"} {
			if event.HashItem([]byte(id)) == item {
				word = id
			}
		}
		if gains != nil {
			word += fmt.Sprintf(":%v", gains[i])
		}
		words = append(words, word)
	}
	return "[" + strings.Join(words, " ") + "]"
}

func whole(r *Result) error {
	b := r.Batch
	if b.Rows != r.Accepted || r.Accepted+r.RejectedCount != r.Rows || len(b.Time) != b.Rows {
		return fmt.Errorf("%d rows, %d accepted, %d rejected, %d in the batch, %d times", r.Rows, r.Accepted, r.RejectedCount, b.Rows, len(b.Time))
	}
	if r.RowIndex != nil && len(r.RowIndex) != b.Rows {
		return fmt.Errorf("row index of %d for %d rows", len(r.RowIndex), b.Rows)
	}
	again, err := event.Decode(b.AppendTo(nil)) // checks every length and code
	if err != nil {
		return err
	}
	if describe(&Result{Batch: again}) != describe(&Result{Batch: b}) {
		return fmt.Errorf("another batch after a round trip")
	}
	return finite(b)
}

func finite(b *event.Batch) error {
	for _, n := range append([]event.Num{b.Score, b.Latency, b.PredValue, b.LabelValue}, b.Scores...) {
		for i, v := range n.Values {
			if !n.Null(i) && (math.IsNaN(v) || math.IsInf(v, 0)) {
				return fmt.Errorf("row %d: %v", i, v)
			}
		}
	}
	return nil
}

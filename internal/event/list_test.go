package event

import (
	"reflect"
	"testing"
)

// TestLists builds a column row by row, with rows taken back, and reads it.
func TestLists(t *testing.T) {
	var l List
	l.Put(2, []uint64{7, 8}, nil)
	l.Put(3, nil, nil)
	l.Put(4, []uint64{9}, nil)
	l.Truncate(4)
	l.Put(5, []uint64{1, 2}, []float64{3, 0.5})
	got := l.Column(7)
	taken := got.Take([]int32{6, 5, 2})
	for _, row := range []struct {
		l     *List
		at    int
		items []uint64
		gains []float64
		ok    bool
	}{
		{&got, 0, nil, nil, false},
		{&got, 2, []uint64{7, 8}, []float64{1, 1}, true},
		{&got, 3, []uint64{}, []float64{}, true},
		{&got, 4, nil, nil, false},
		{&got, 5, []uint64{1, 2}, []float64{3, 0.5}, true},
		{&got, 6, nil, nil, false},
		{&taken, 0, nil, nil, false},
		{&taken, 1, []uint64{1, 2}, []float64{3, 0.5}, true},
		{&taken, 2, []uint64{7, 8}, []float64{1, 1}, true},
	} {
		items, gains, ok := row.l.At(row.at)
		if !reflect.DeepEqual(items, row.items) || !reflect.DeepEqual(gains, row.gains) || ok != row.ok {
			t.Errorf("row %d: %v, %v, %v, want %v, %v, %v", row.at, items, gains, ok, row.items, row.gains, row.ok)
		}
	}
	var none List
	none.Put(3, []uint64{1}, nil)
	none.Truncate(3)
	if c := none.Column(9); c.Present() {
		t.Errorf("a column without a list is there: %+v", c)
	}
}

func TestABadListIsMalformed(t *testing.T) {
	good := func() *Batch {
		b := &Batch{Header: Header{Kind: Labels}, Rows: 2, Time: []int64{1, 2}}
		b.Relevant.Put(0, []uint64{1, 2}, nil)
		b.Relevant.Put(1, []uint64{3}, nil)
		return b
	}
	for what, breaks := range map[string]func(*List){
		"goes back":      func(l *List) { l.Offsets[1] = 9 },
		"begins later":   func(l *List) { l.Offsets[0] = 1 },
		"too few items":  func(l *List) { l.Items = l.Items[:2] },
		"too many items": func(l *List) { l.Items = append(l.Items, 1) },
		"few gains":      func(l *List) { l.Gains = []float64{1} },
		"a short bitmap": func(l *List) { l.Valid = make([]byte, 2) },
		"too few rows":   func(l *List) { l.Offsets = l.Offsets[:2] },
	} {
		b := good()
		if _, err := Decode(b.AppendTo(nil)); err != nil {
			t.Fatal(err)
		}
		breaks(&b.Relevant)
		if _, err := Decode(b.AppendTo(nil)); err == nil {
			t.Errorf("a list that %s was read", what)
		}
	}
}

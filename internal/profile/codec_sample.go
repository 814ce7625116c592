package profile

import (
	"maps"
	"math"
	"slices"
)

const (
	sampleVersion    = 1
	maxSampleColumns = 4096
)

// AppendSample appends the bytes of a sample, as docs/formats/profile.md
// describes them.
func AppendSample(dst []byte, s *Sample) []byte {
	w := writer{dst}
	w.byte(sampleVersion)
	w.varint(s.Of)
	w.uvarint(uint64(len(s.Hashes)))
	for _, h := range s.Hashes {
		w.word(h)
	}
	w.floats(s.Predicted)
	w.uvarint(uint64(len(s.Nums)))
	for _, c := range s.Nums {
		w.string(c.Name)
		w.floats(c.Values)
	}
	w.uvarint(uint64(len(s.Cats)))
	for _, c := range s.Cats {
		w.string(c.Name)
		w.strings(c.Values)
	}
	return w.b
}

// floats writes every number; NaN has one form, so that equal samples are equal
// bytes.
func (w *writer) floats(values []float64) {
	for _, v := range values {
		if v != v {
			v = math.NaN()
		}
		w.float(v)
	}
}

// strings writes the different strings, ascending, then each row's place.
func (w *writer) strings(values []string) {
	at := map[string]int{}
	for _, v := range values {
		at[v] = 0
	}
	names := slices.Sorted(maps.Keys(at))
	w.uvarint(uint64(len(names)))
	for i, v := range names {
		w.string(v)
		at[v] = i
	}
	for _, v := range values {
		w.uvarint(uint64(at[v]))
	}
}

// DecodeSample reads what AppendSample wrote.
func DecodeSample(b []byte) (*Sample, error) {
	r := &reader{b: b}
	if v := r.byte(); r.err == nil && v != sampleVersion {
		r.fail("version %d of a sample is not known", v)
	}
	s := &Sample{Of: r.count()}
	rows := int(r.limited(SampleRows))
	s.Hashes = r.hashes(rows)
	s.Predicted = r.floats(rows)
	last := ""
	for i := range r.limited(maxSampleColumns) {
		name := r.nextName(i == 0, last)
		s.Nums = append(s.Nums, SampleNumbers{name, r.floats(rows)})
		last = name
		if r.err != nil {
			break
		}
	}
	for i := range r.limited(maxSampleColumns) {
		name := r.nextName(i == 0, last)
		s.Cats = append(s.Cats, SampleStrings{name, r.strings(rows)})
		last = name
		if r.err != nil {
			break
		}
	}
	if r.err == nil && r.left() > 0 {
		r.fail("%d bytes after the end", r.left())
	}
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

func (r *reader) nextName(first bool, last string) string {
	name := r.string()
	if !first && name <= last {
		r.fail("columns out of order")
	}
	return name
}

func (r *reader) hashes(n int) []uint64 {
	if r.left() < 8*n {
		r.fail("cut short")
		return nil
	}
	out := make([]uint64, n)
	for i := range out {
		out[i] = r.word()
		if i > 0 && out[i] <= out[i-1] {
			r.fail("rows out of order")
			return nil
		}
	}
	return out
}

func (r *reader) floats(n int) []float64 {
	if r.left() < 8*n {
		r.fail("cut short")
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = r.float()
	}
	return out
}

func (r *reader) strings(n int) []string {
	distinct := int(r.limited(uint64(n)))
	if r.left() < distinct {
		r.fail("cut short")
		return nil
	}
	names := make([]string, distinct)
	for i := range names {
		names[i] = r.string()
		if i > 0 && names[i] <= names[i-1] {
			r.fail("strings out of order")
		}
	}
	if r.left() < n {
		r.fail("cut short")
		return nil
	}
	out := make([]string, n)
	for i := range out {
		if at := r.uvarint(); at < uint64(distinct) {
			out[i] = names[at]
		} else {
			r.fail("string %d of %d", at, distinct)
			return nil
		}
	}
	return out
}

package process

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// hourly are n rows in one hour, from the k-th on.
func hourly(k, n int) *event.Batch {
	b := rows(k, k+n)
	for i := range b.Time {
		b.Time[i] = start + int64(k+i)%1000
	}
	return b
}

func (s *site) sample(set profiles.Set) *profile.Sample {
	s.t.Helper()
	s.wait()
	got, err := s.store.Sample(context.Background(), profiles.Query{Set: set, Model: "m", To: 2 * start})
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// The sample is the rows of the least hash of all that counted, whatever the
// partitions, batches and restarts; rows that came twice are in it once.
func TestSampleIsDeterministic(t *testing.T) {
	const n = 9000
	var want []byte
	for _, parts := range []int{1, 3} {
		for _, chunk := range []int{n, 1000} {
			s := newSite(t, parts)
			for from := 0; from < n; from += chunk {
				s.put(hourly(from, chunk))
				if from/chunk%4 == 2 {
					s.close()
					s.open()
					s.put(hourly(from, chunk)) // duplicates
				}
			}
			got := s.sample(profiles.ByPrediction)
			if got.Of != n || got.Rows() != profile.SampleRows {
				t.Fatalf("%d rows of %d", got.Rows(), got.Of)
			}
			encoded := profile.AppendSample(nil, got)
			if want == nil {
				want = encoded
				checkLeast(t, got, n)
			}
			if !bytes.Equal(want, encoded) {
				t.Fatalf("%d partitions, batches of %d: another sample", parts, chunk)
			}
		}
	}
}

func checkLeast(t *testing.T, got *profile.Sample, n int) {
	t.Helper()
	var all []uint64
	b := hourly(0, n)
	for r := range n {
		all = append(all, event.HashID(b.Seed(), b.ID.At(r)).Lo)
	}
	slices.Sort(all)
	if !slices.Equal(got.Hashes, all[:profile.SampleRows]) {
		t.Fatal("these are not the least")
	}
}

func TestReferencesAndRowsWithoutIDsAreSampled(t *testing.T) {
	s := newSite(t, 2)
	b := hourly(0, 50)
	b.Kind = event.Reference
	s.put(b)
	nameless := hourly(0, 70)
	nameless.ID = event.Text{}
	s.put(nameless)
	if got := s.sample(profiles.ByReference); got.Rows() != 50 || got.Of != 50 {
		t.Errorf("%d of %d reference rows", got.Rows(), got.Of)
	}
	if got := s.sample(profiles.ByPrediction); got.Rows() != 70 || got.Of != 70 {
		t.Errorf("%d of %d rows without ids", got.Rows(), got.Of)
	}
}

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// labelled folds a batch with a label for each row.
func labelled(f *profile.Folder, b *event.Batch) *profile.Profile {
	w := f.Open(false)
	f.Add(w, b, nil)
	for i := range b.Rows {
		w.Quality().Add(&profile.Outcome{
			Task: event.Binary, Score: b.Score.Values[i], PredPositive: b.Pred.Codes[i] == 1, LabelPositive: i%3 == 0,
		}, 1)
	}
	return f.Close(w)
}

// sizes measures what windows take on disk.
func sizes(r *report) error {
	f := profile.NewFolder(0)
	for _, rows := range []int{1, 100, 1000, 10_000} {
		n := len(labelled(f, template(twenty(rows), 1)).AppendTo(nil))
		l := r.value(fmt.Sprintf("window of 20 features, %d rows, with labels", rows), bytesText(float64(n)))
		if rows == 1000 {
			l.goal("32 KiB", n <= 32<<10)
		}
	}
	return modelDay(r)
}

// modelDay writes a day of 1,000 rows a minute, rolls it up and weighs it.
func modelDay(r *report) error {
	dir, err := os.MkdirTemp("", "leeway-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := profiles.Open(profiles.Config{Dir: dir})
	if err != nil {
		return err
	}
	minutes := r.scale(1440)
	const start = int64(1_700_006_400_000)
	f := profile.NewFolder(0)
	var step profiles.Step
	for m := range minutes {
		step.Deltas = append(step.Deltas, profiles.Delta{
			Key:     profiles.Key{Set: profiles.ByPrediction, Model: "m", Start: start + int64(m)*60_000},
			Profile: labelled(f, template(twenty(1000), uint64(m))),
		})
		if len(step.Deltas) == 60 {
			if err := store.Commit(&step); err != nil {
				return err
			}
			step.Deltas = nil
		}
	}
	if err := store.Commit(&step); err != nil {
		return err
	}
	minuteBytes, _, err := weigh(store)
	if err != nil {
		return err
	}
	moved := 0
	c, err := once(minutes, func() (err error) {
		moved, err = store.Rollup(profiles.ByPrediction, 1<<60, 1<<20)
		return err
	})
	if err != nil {
		return err
	}
	hourBytes, hours, err := weigh(store)
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	r.value(fmt.Sprintf("model-day, %d minutes of 1,000 rows, before rollup", minutes), bytesText(minuteBytes))
	r.value(fmt.Sprintf("model-day after rollup into %d hours", hours), bytesText(hourBytes)).goal("3 MiB", hourBytes <= 3<<20)
	r.cost(fmt.Sprintf("rollup of %d windows", moved), "window", c)
	return nil
}

// weigh adds up the bytes of all windows.
func weigh(s *profiles.Store) (total float64, n int, err error) {
	q := profiles.Query{Set: profiles.ByPrediction, Model: "m"}
	err = s.Scan(context.Background(), q, func(w *profiles.Window) error {
		total += float64(len(w.Bytes))
		n++
		return nil
	})
	return total, n, err
}

package dashboard

import (
	"context"
	"maps"
	"slices"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// maxChunks is how many parts a reference is cut into at most.
const maxChunks = 100

// chunkPeriods are the periods of parts, in milliseconds: hour, day, week, 30
// days. The shortest that makes at most maxChunks is taken.
var chunkPeriods = [...]int64{3_600_000, 86_400_000, 7 * 86_400_000, 30 * 86_400_000}

// usualDrift is what NannyML's preset compares with: limits from the
// reference's windows by period.
func (s *Server) usualDrift(ctx context.Context, name string, source model.Reference, ref *profile.Profile) (none measure.Usual, err error) {
	q := profiles.Query{Set: profiles.ByPrediction, Model: name, From: source.From, To: source.To}
	if source.Source == model.ReferenceImport {
		q = profiles.Query{Set: profiles.ByReference, Model: name, From: firstMS}
	}
	period := chunkPeriods[len(chunkPeriods)-1]
	for _, p := range chunkPeriods {
		if (ref.LastTime-ref.FirstTime)/p < maxChunks {
			period = p
			break
		}
	}
	parts := map[int64]*profiles.Adder{}
	err = s.cfg.Profiles.Scan(ctx, q, func(w *profiles.Window) error {
		p, err := profile.Decode(w.Bytes)
		if err != nil {
			return err
		}
		at := w.Start / period
		if parts[at] == nil {
			parts[at] = &profiles.Adder{}
		}
		parts[at].Add(p)
		return nil
	})
	if err != nil {
		return none, err
	}
	chunks := make([]*profile.Profile, 0, len(parts))
	for _, at := range slices.Sorted(maps.Keys(parts)) {
		chunks = append(chunks, parts[at].Total())
	}
	return measure.UsualDrift(chunks, ref, ""), nil
}

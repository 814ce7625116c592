package decode

import "github.com/leewayhq/leeway/internal/event"

// report gathers what the answer tells.
type report struct {
	rejected []Rejection
	count    int
	by       map[string]int
	index    []int32
	dropped  bool
	warnings []Warning
	warned   map[[2]string]int // index into warnings by code and field
}

func (r *report) reject(row int, field, code, reason string) {
	if r.by == nil {
		r.by = map[string]int{}
	}
	r.by[code]++
	if r.count++; r.count <= MaxListed {
		r.rejected = append(r.rejected, Rejection{Row: row, Field: clip(field), Code: code, Reason: reason})
	}
}

// clip keeps what a sender wrote from filling an answer.
func clip(s string) string {
	if len(s) <= 256 {
		return s
	}
	return string(truncate([]byte(s), 256)) + "…"
}

func (r *report) warn(field, code, reason string) {
	key := [2]string{code, field}
	i, ok := r.warned[key]
	if !ok {
		if len(r.warnings) >= MaxListed {
			key, field, reason = [2]string{code, ""}, "", "more fields"
			if i, ok = r.warned[key]; ok {
				r.warnings[i].Count++
				return
			}
		}
		if r.warned == nil {
			r.warned = map[[2]string]int{}
		}
		i = len(r.warnings)
		r.warned[key] = i
		r.warnings = append(r.warnings, Warning{Field: clip(field), Code: code, Reason: reason})
	}
	r.warnings[i].Count++
}

func (r *report) result(b *event.Batch, rows int) *Result {
	res := &Result{Batch: b, Rows: rows, Accepted: b.Rows, Rejected: r.rejected, RejectedCount: r.count, RejectedBy: r.by, Warnings: r.warnings}
	if r.count > 0 {
		res.RowIndex = r.index
	}
	return res
}

package model

import "github.com/leewayhq/leeway/internal/event"

// Infer brings a batch that no registry will see into the form that its task
// needs, by the rules of the registry: the task and the positive class are
// those of m where it has them, else learnt from the batch, and decisions are
// made of scores where no prediction stands. It returns what was learnt.
func Infer(m Model, b *event.Batch) Model {
	e := &entry{model: m}
	e.observeTask(b)
	e.complete(b)
	return e.model
}

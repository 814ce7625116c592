package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// steps are the stages that were started, to be stopped in reverse: what feeds
// a stage stops before it. Safe to stop twice.
type steps struct {
	log  *slog.Logger
	undo []step
}

type step struct {
	name string
	stop func(context.Context) error
}

// add remembers how a started stage is stopped.
func (s *steps) add(name string, stop func(context.Context) error) {
	s.undo = append(s.undo, step{name, stop})
}

// closer is add for stages that stop without a deadline of their own.
func (s *steps) closer(name string, stop func() error) {
	s.add(name, func(context.Context) error { return stop() })
}

// background starts a goroutine that ends with its context, and adds the step
// that ends it and waits.
func (s *steps) background(name string, run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	s.closer(name, func() error {
		cancel()
		<-done
		return nil
	})
}

// stop undoes every step, the last first. One that fails does not keep the
// others from being stopped.
func (s *steps) stop(ctx context.Context) error {
	var err error
	for i := len(s.undo) - 1; i >= 0; i-- {
		st := s.undo[i]
		start := time.Now()
		if e := st.stop(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("stopping %s: %w", st.name, e))
		}
		s.log.Debug("stopped", "stage", st.name, "took", time.Since(start))
	}
	s.undo = nil
	return err
}

package app

import (
	"context"
	"os"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/inference"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

// openInference starts what joins the requests and responses of inference
// loggers. They wait in a log of their own until they have passed the door.
func (a *App) openInference(context.Context) error {
	c := &a.cfg.Inference
	if !c.Enabled {
		return nil
	}
	dir := a.dir("inference")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	log, err := segment.Open(segment.Config{
		Dir: a.dir("inference/queue"), Partitions: 1, SegmentBytes: 16 << 20, TailBytes: 16 << 20,
		// What is joined is in the queue of the path, and is not read again.
		RetentionBytes: 1, MaxBytes: c.MaxQueueBytes, Logger: a.log,
	})
	if err != nil {
		return err
	}
	a.steps.closer("inference log", log.Close)
	in := &a.cfg.Ingest
	a.inference, err = inference.New(inference.Config{
		Log: log, Dir: dir, Put: a.door.Put, Room: a.door.Room, Wait: c.Wait, MaxWaiting: c.MaxWaitingBytes,
		Bodies: collect.BodyLimits{Bytes: in.MaxBodyBytes}, Namespaces: c.Namespaces, Models: a.inferenceModels(),
		Limits: inference.Limits{Width: in.MaxFeatures}, Rows: decode.Limits{Features: in.MaxFeatures},
		FutureLimit: in.FutureLimit, Logger: a.log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.steps.background("inference", a.inference.Run)
	return nil
}

func (a *App) inferenceModels() map[string]inference.Mapping {
	models := map[string]inference.Mapping{}
	for name := range a.cfg.Inference.Services {
		s := a.cfg.Inference.Services[name]
		models[name] = inference.Mapping{
			Model: s.Model, ID: s.ID, Version: s.Version, Prediction: s.Prediction, Score: s.Score,
			Features: s.Inputs, Classes: s.Classes, Segments: s.Segments,
		}
	}
	return models
}

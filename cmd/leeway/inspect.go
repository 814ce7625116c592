package main

import (
	"context"
	"path/filepath"

	"github.com/leewayhq/leeway/internal/queue/segment"
)

func inspect(_ context.Context, std stdio, args []string) error {
	var f serverFlags
	var opts segment.DumpOptions
	fs := flags(std, "inspect", "[--data DIR] queue\n\nWorks beside a running server.")
	fs.StringVar(&f.data, "data", "", "data `folder` (default ./leeway-data)")
	fs.StringVar(&f.config, "config", "", "configuration `file` (optional)")
	fs.BoolVar(&opts.NoRecords, "summary", false, "segments only, not every record")
	if err := parse(fs, std, args, 1); err != nil {
		return err
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	if fs.Arg(0) != "queue" {
		fs.Usage()
		return errUsage
	}
	return segment.Dump(std.out, filepath.Join(cfg.Data, "queue"), opts)
}

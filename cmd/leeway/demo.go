package main

import (
	"context"
	"fmt"

	"github.com/leewayhq/leeway/internal/demo"
)

func runDemo(ctx context.Context, std stdio, args []string) error {
	f := serverFlags{}
	fs := flags(std, "demo", "[--listen ADDR] [--data DIR] [--config FILE]")
	fs.StringVar(&f.listen, "listen", "", "`address` to listen on (default 127.0.0.1:7420)")
	fs.StringVar(&f.data, "data", "leeway-demo", "data `folder` of the demo")
	fs.StringVar(&f.config, "config", "", "configuration `file` (optional)")
	if err := parse(fs, std, args, 0); err != nil {
		return err
	}
	opts, err := f.options(std.err)
	if err != nil {
		return err
	}
	opts.Demo = true
	return runServer(ctx, std, opts, func(ctx context.Context, url string) error {
		fmt.Fprint(std.out, "\nThis is a demo: three models that do not exist, a day of history, and live traffic.\nIn a minute the data of the first begin to drift; its alerts arrive at "+url+"/inbox\n")
		return demo.Run(ctx, demo.Options{BaseURL: url, Logger: opts.Logger})
	})
}

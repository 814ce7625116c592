package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/leewayhq/leeway/internal/app"
	"github.com/leewayhq/leeway/internal/config"
)

// serverFlags are those that serve and demo share.
type serverFlags struct {
	listen, data, config string
	acceptLoss           bool
}

// load reads the configuration and lays the flags over it.
func (f *serverFlags) load() (*config.Config, error) {
	cfg, problems := config.Load(f.config)
	if len(problems) > 0 {
		return nil, problems
	}
	if f.listen != "" {
		cfg.Listen = f.listen
	}
	if f.data != "" {
		cfg.Data = f.data
	}
	return cfg, nil
}

func serve(ctx context.Context, std stdio, args []string) error {
	var f serverFlags
	fs := flags(std, "serve", "[--listen ADDR] [--data DIR] [--config FILE] [--accept-loss]")
	fs.StringVar(&f.listen, "listen", "", "`address` to listen on (default 127.0.0.1:7420)")
	fs.StringVar(&f.data, "data", "", "data `folder` (default ./leeway-data)")
	fs.StringVar(&f.config, "config", "", "configuration `file` (optional)")
	fs.BoolVar(&f.acceptLoss, "accept-loss", false, "go on where the queue has lost records that were processed; see docs/operate/troubleshooting.md")
	if err := parse(fs, std, args, 0); err != nil {
		return err
	}
	opts, err := f.options(std.err)
	if err != nil {
		return err
	}
	return runServer(ctx, std, opts, nil)
}

func (f *serverFlags) options(logTo io.Writer) (app.Options, error) {
	cfg, err := f.load()
	if err != nil {
		return app.Options{}, err
	}
	level := new(slog.LevelVar)
	var fixed []string
	if f.listen != "" {
		fixed = append(fixed, "listen")
	}
	if f.data != "" {
		fixed = append(fixed, "data")
	}
	return app.Options{
		Config: cfg, ConfigFile: f.config, Fixed: fixed, AcceptLoss: f.acceptLoss, Version: version, Build: build(),
		Logger: newLogger(logTo, cfg.Log, level), LogLevel: level,
	}, nil
}

func newLogger(w io.Writer, cfg config.Log, level *slog.LevelVar) *slog.Logger {
	_ = level.UnmarshalText([]byte(cfg.Level)) // the configuration was validated
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// runServer serves until the context ends or a database breaks; beside, if
// given, runs at the same time, and its failure ends the server too.
func runServer(ctx context.Context, std stdio, opts app.Options, beside func(ctx context.Context, url string) error) error {
	return untilBroken(func(fatal func(error)) error {
		opts.Fatal = fatal
		return serveUntil(ctx, std, opts, beside)
	})
}

// untilBroken runs what may never come back once it has called fatal, since a
// broken database keeps its locks. What is left of it ends with the process.
func untilBroken(run func(fatal func(error)) error) error {
	broken, ended := make(chan error, 1), make(chan error, 1)
	fatal := func(err error) {
		select {
		case broken <- err:
		default: // the first is said
		}
		select {}
	}
	go func() { ended <- run(fatal) }()
	select {
	case err := <-ended:
		return err
	case err := <-broken:
		return err
	}
}

func serveUntil(ctx context.Context, std stdio, opts app.Options, beside func(ctx context.Context, url string) error) error {
	a, err := app.Open(ctx, opts)
	if err != nil {
		return err
	}
	asked := ctx // ends when somebody asks the server to stop
	ctx, cancel := context.WithCancelCause(asked)
	defer cancel(nil)
	reloadOnHangup(ctx, a, opts.Logger)
	fmt.Fprintf(std.out, "Leeway %s\n  dashboard  %s\n  data       %s\n  stop       Ctrl+C\n", version, a.URL(), opts.Config.Data)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if beside != nil {
			if err := beside(ctx, a.URL()); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		}
	}()
	err = a.Serve(ctx)
	if err == nil && asked.Err() == nil {
		err = context.Cause(ctx)
	}
	cancel(nil)
	<-ended
	if closeErr := a.Close(); err == nil {
		err = closeErr
	}
	return err
}

func reloadOnHangup(ctx context.Context, a *app.App, log *slog.Logger) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hangup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				if err := a.Reload(); err != nil {
					log.Error("reload refused, nothing was changed", "err", err)
				}
			}
		}
	}()
}

func check(_ context.Context, std stdio, args []string) error {
	var name string
	fs := flags(std, "check", "[FILE]")
	fs.StringVar(&name, "config", "", "configuration `file`, as for serve (default leeway.yml)")
	if err := parseSome(fs, args); err != nil {
		return err
	}
	if fs.NArg() > 1 || (fs.NArg() == 1 && name != "") {
		fmt.Fprintln(std.err, "leeway check: one file at a time")
		fs.Usage()
		return errUsage
	}
	if fs.NArg() == 1 {
		name = fs.Arg(0)
	}
	if name == "" {
		name = "leeway.yml"
	}
	cfg, problems := config.Load(name)
	if len(problems) == 0 {
		problems = app.Check(cfg)
	}
	if len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintln(std.err, p.Error())
		}
		return fmt.Errorf("%d problems in %s", len(problems), name)
	}
	_, err := fmt.Fprintf(std.out, "%s is fine\n", name)
	return err
}

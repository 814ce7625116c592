// Command leeway is the whole of Leeway: the server and the tools around it.
// This package has flags, signals and exit codes; everything else is below
// internal.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// version is set by the linker.
var version = "dev"

// build names the sources exactly, so that an open page notices a new server.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	id := version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.time" || s.Key == "vcs.modified" {
			id += " " + s.Value
		}
	}
	return id
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// command is one of the words after leeway.
type command struct {
	name, short string
	run         func(ctx context.Context, std stdio, args []string) error
}

type stdio struct {
	out, err io.Writer
}

func commands() []command {
	return []command{
		{"serve", "run the server", serve},
		{"agent", "measure this machine for a server elsewhere", runAgent},
		{"demo", "run a server and a drifting model service beside it", runDemo},
		{"proxy", "stand before a model server and record what goes by", runProxy},
		{"import", "send a file of predictions, labels or reference rows", importFile},
		{"report", "compare two files, without a server", makeReport},
		{"reference", "choose what drift is measured against", reference},
		{"check", "check a configuration without starting", check},
		{"token", "create, list and revoke access tokens", token},
		{"repair", "give up what is damaged, so that the rest goes on", repair},
		{"inspect", "look into a data folder", inspect},
		{"version", "print the version", printVersion},
	}
}

// errUsage ends with exit code 2; what is wrong has been said.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, stdio{os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		os.Exit(exitOK)
	case errors.Is(err, errUsage):
		os.Exit(exitUsage)
	case errors.Is(err, errFound):
		os.Exit(exitFailed)
	default:
		fmt.Fprintln(os.Stderr, "leeway:", err)
		os.Exit(exitFailed)
	}
}

func dispatch(ctx context.Context, std stdio, args []string) error {
	if len(args) == 0 {
		usage(std.err)
		return errUsage
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, std, args[1:])
		}
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(std.out)
		return nil
	}
	fmt.Fprintf(std.err, "leeway: there is no command %q\n\n", args[0])
	usage(std.err)
	return errUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Leeway watches AI models in production.\n\nUsage: leeway COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.short)
	}
	fmt.Fprint(w, "\nleeway COMMAND -h tells a command's flags.\n")
}

// flags makes a flag set that reports to std.err and says how it is used.
func flags(std stdio, name, args string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(std.err)
	fs.Usage = func() {
		fmt.Fprintf(std.err, "Usage: leeway %s %s\n\n", name, args)
		fs.PrintDefaults()
	}
	return fs
}

// parse reads the flags; leftover words are an error unless allowed.
func parse(fs *flag.FlagSet, std stdio, args []string, words int) error {
	if err := parseSome(fs, args); err != nil {
		return err
	}
	if fs.NArg() != words {
		fmt.Fprintf(std.err, "leeway %s: %d words after the flags, %d expected\n", fs.Name(), fs.NArg(), words)
		fs.Usage()
		return errUsage
	}
	return nil
}

// parseSome reads the flags and leaves the words to the caller.
func parseSome(fs *flag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return errUsage // the flag set has said why
	}
	return err
}

func printVersion(_ context.Context, std stdio, _ []string) error {
	_, err := fmt.Fprintf(std.out, "leeway %s\n", build())
	return err
}

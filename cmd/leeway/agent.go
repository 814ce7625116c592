package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/app"
	"github.com/leewayhq/leeway/internal/config"
)

const agentUsage = `--server URL [flags]

Measures this machine for a Leeway server: CPU, memory, disks, network,
containers, GPUs. What the server cannot take waits on the disk.
docs/operate/agent.md.`

func runAgent(ctx context.Context, std stdio, args []string) error {
	o := app.AgentOptions{}
	var file, token, size string
	fs := flags(std, "agent", agentUsage)
	fs.StringVar(&o.Server, "server", "http://127.0.0.1:7420", "`URL` of the server")
	fs.StringVar(&token, "token", "", "access `token` with the role ingest; better in the environment (LEEWAY_TOKEN) or a file")
	fs.StringVar(&o.TokenFile, "token-file", "", "`file` with the token; a new one is taken up")
	fs.StringVar(&o.CAFile, "ca-file", "", "`file` with the certificates that the server's is checked by (default the system's)")
	fs.StringVar(&o.Host, "host", "", "`name` of this machine in the series (default its own)")
	fs.StringVar(&o.Dir, "data", "leeway-agent", "`folder` in which samples wait")
	fs.StringVar(&size, "max-size", "512MiB", "`size` of what may wait; beyond it the oldest is given up")
	fs.StringVar(&file, "config", "", "configuration `file`, of which host, gpu and log are read (optional)")
	if err := parse(fs, std, args, 0); err != nil {
		return err
	}
	cfg, problems := config.Load(file)
	if len(problems) > 0 {
		return problems
	}
	var err error
	if o.MaxBytes, err = config.ParseSize(size); err != nil {
		return fmt.Errorf("--max-size: %w", err)
	}
	if !cfg.Host.Enabled && !cfg.GPU.Enabled {
		return errors.New("host and gpu are both off in the configuration: there is nothing to measure")
	}
	if token == "" && o.TokenFile == "" {
		token = os.Getenv("LEEWAY_TOKEN")
	}
	o.Config, o.Token = cfg, access.Secret(token)
	o.Logger = newLogger(std.err, cfg.Log, new(slog.LevelVar))
	if (token != "" || o.TokenFile != "") && inClear(o.Server) {
		o.Logger.Warn("the token is sent in clear text; give the server a certificate (tls) and an https URL", "server", o.Server)
	}
	fmt.Fprintf(std.out, "Leeway agent %s\n  server  %s\n  buffer  %s\n  stop    Ctrl+C\n", version, o.Server, o.Dir)
	return app.RunAgent(ctx, o)
}

// inClear tells whether a network can read what is sent.
func inClear(server string) bool {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

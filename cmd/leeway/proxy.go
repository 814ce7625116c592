package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/leewayhq/leeway/client"
	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/inference/proxy"
)

// proxyFlags are what the command line says.
type proxyFlags struct {
	proxy.Config
	listen, metrics               string
	target, targetCA              string
	server, token, tokenFile      string
	certFile, keyFile             string
	paths, inputs, classes, slice string
}

const proxyUsage = `--target URL --model NAME [flags]

Stands before an HTTP model server, passes everything on and tells Leeway of the
requests and responses that went by. docs/operate/inference.md.`

func runProxy(ctx context.Context, std stdio, args []string) error {
	var f proxyFlags
	fs := flags(std, "proxy", proxyUsage)
	fs.StringVar(&f.listen, "listen", "127.0.0.1:7421", "`address` to listen on")
	fs.StringVar(&f.metrics, "metrics", "", "`address` of the proxy's own metrics; empty: none")
	fs.StringVar(&f.target, "target", "", "`URL` of the model server")
	fs.StringVar(&f.targetCA, "target-ca", "", "`file` with the certificates that the target's is checked by")
	fs.BoolVar(&f.KeepHost, "keep-host", false, "send the caller's Host header on")
	fs.StringVar(&f.server, "server", "http://127.0.0.1:7420", "`URL` of Leeway")
	fs.StringVar(&f.token, "token", "", "access `token` with the role ingest")
	fs.StringVar(&f.tokenFile, "token-file", "", "`file` with the token")
	fs.StringVar(&f.certFile, "cert", "", "`file` with the certificate, to serve HTTPS")
	fs.StringVar(&f.keyFile, "key", "", "`file` with its key")
	fs.StringVar(&f.Model, "model", "", "`name` of the model; empty: that of the path, /v1/models/NAME:predict")
	fs.StringVar(&f.paths, "paths", "", "`patterns` of what is recorded, with commas: /v1/models/*; empty: every POST")
	fs.StringVar(&f.Mapping.ID, "id", "", "`column` with the id of a row; else X-Request-Id")
	fs.StringVar(&f.Mapping.Version, "version", "", "`column` with the version")
	fs.StringVar(&f.Mapping.Prediction, "prediction", "", "`column` or output with the prediction")
	fs.StringVar(&f.Mapping.Score, "score", "", "`column` with the probability of the positive class")
	fs.StringVar(&f.inputs, "inputs", "", "`names` of what has none, with commas; or the columns that are features")
	fs.StringVar(&f.classes, "classes", "", "`names` of the classes, in the order of the probabilities, with commas")
	fs.StringVar(&f.slice, "segments", "", "`columns` to cut by, with commas")
	fs.Int64Var(&f.MaxBody, "max-body", 0, "`bytes` of one body that are looked at (default 4 MiB); all of it is passed on")
	if err := parse(fs, std, args, 0); err != nil {
		return err
	}
	return f.run(ctx, slog.New(slog.NewTextHandler(std.err, nil)))
}

func (f *proxyFlags) run(ctx context.Context, log *slog.Logger) error {
	if err := f.complete(log); err != nil {
		return err
	}
	reg := prometheus.NewRegistry()
	f.Registerer = reg
	f.Client = client.New(f.server, client.Options{Token: f.token, Logger: log})
	p, err := proxy.New(f.Config)
	if err != nil {
		return errors.Join(err, f.Client.Close(ctx))
	}
	tlsConfig, err := access.ServerTLS(f.certFile, f.keyFile, log)
	if err != nil {
		return err
	}
	// No timeout of whole requests: a stream may last.
	server := &http.Server{Addr: f.listen, Handler: p, TLSConfig: tlsConfig, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	err = serveBoth(ctx, server, &http.Server{
		Addr: f.metrics, Handler: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), ReadHeaderTimeout: 10 * time.Second,
	}, log)
	p.Close()
	last, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	if e := f.Client.Close(last); e != nil {
		log.Warn("what was not sent when the proxy ended is lost", "predictions", f.Client.Stats().Failed)
	}
	return err
}

// complete reads what the flags only name.
func (f *proxyFlags) complete(log *slog.Logger) (err error) {
	f.Logger = log
	if f.Target, err = url.Parse(f.target); err != nil {
		return fmt.Errorf("--target: %w", err)
	}
	list := func(s string) []string { return strings.FieldsFunc(s, func(c rune) bool { return c == ',' }) }
	f.Paths, f.Mapping.Features, f.Mapping.Classes, f.Mapping.Segments = list(f.paths), list(f.inputs), list(f.classes), list(f.slice)
	if f.tokenFile != "" {
		text, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return err
		}
		f.token = strings.TrimSpace(string(text))
	}
	if f.targetCA == "" {
		return nil
	}
	text, err := os.ReadFile(f.targetCA)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return fmt.Errorf("--target-ca: %s holds no certificate", f.targetCA)
	}
	transport := proxy.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	f.Transport = transport
	return nil
}

// serveBoth serves until the context ends or one of the two fails.
func serveBoth(ctx context.Context, main, metrics *http.Server, log *slog.Logger) error {
	l, err := net.Listen("tcp", main.Addr)
	if err != nil {
		return err
	}
	log.Info("proxy", "listen", l.Addr().String())
	failed := make(chan error, 2)
	go func() {
		if main.TLSConfig != nil {
			failed <- main.ServeTLS(l, "", "")
			return
		}
		failed <- main.Serve(l)
	}()
	if metrics.Addr != "" {
		go func() { failed <- metrics.ListenAndServe() }()
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	last, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	if main.Shutdown(last) != nil {
		_ = main.Close() // streams that go on are cut
	}
	_ = metrics.Close()
	return err
}

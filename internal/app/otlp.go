package app

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/otlp"
)

// openOTLP makes the receiver of OpenTelemetry's protocol, and its listener for
// gRPC where one is asked for.
func (a *App) openOTLP(context.Context) (err error) {
	c := &a.cfg.OTLP
	if !c.Enabled {
		return nil
	}
	prices := map[string]otlp.Price{}
	for name, p := range c.Prices {
		prices[name] = otlp.Price{Input: p.Input, Output: p.Output, CachedInput: p.CachedInput}
	}
	a.otlp, err = otlp.New(otlp.Config{
		Put: a.door.Put, Bodies: collect.BodyLimits{Bytes: max(a.cfg.Ingest.MaxBodyBytes, c.GRPCMessageBytes)}, Samples: a.sampleLimits(),
		ModelAttributes: c.ModelAttributes, Services: c.Services, IDs: c.IDs, Prices: prices, Future: a.cfg.Ingest.FutureLimit,
		ResourceLabels: c.ResourceLabels, NativeHistograms: c.NativeHistograms, DeltaSeries: c.DeltaSeries,
		Logger: a.log, Registerer: a.reg,
	})
	if err != nil || c.GRPCListen == "" {
		return err
	}
	return a.listenOTLP()
}

// requestTimeGRPC is what calls under way may take at a stop.
const requestTimeGRPC = 2 * time.Second

func (a *App) listenOTLP() error {
	c := &a.cfg.OTLP
	if err := a.guard.Check(c.GRPCListen); err != nil {
		return err
	}
	tlsConfig, err := access.ServerTLS(a.cfg.TLS.CertFile, a.cfg.TLS.KeyFile, a.log)
	if err != nil {
		return err
	}
	if a.otlpListener, err = net.Listen("tcp", c.GRPCListen); err != nil {
		return err
	}
	server := a.otlp.NewServer(otlp.GRPCConfig{
		Allow: a.mayExport, TLS: tlsConfig, MessageBytes: int(c.GRPCMessageBytes), Connections: c.GRPCConnections,
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(a.otlpListener); err != nil {
			a.log.Error("OTLP over gRPC has ended", "err", err)
		}
	}()
	a.steps.add("otlp", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, requestTimeGRPC)
		defer cancel()
		err := server.Close(ctx)
		<-ended
		return err
	})
	a.log.Info("OTLP over gRPC is listening", "address", a.otlpListener.Addr().String(), "tls", tlsConfig != nil)
	return nil
}

// mayExport asks the guard. That everybody on this machine may come in is said
// of the address of the web server; another one of gRPC's needs a token.
func (a *App) mayExport(r *http.Request) error {
	here := access.IsLoopback(a.cfg.OTLP.GRPCListen) || a.cfg.Access.InsecureOpen
	if !here && r.Header.Get("Authorization") == "" {
		return access.Problem{Status: http.StatusUnauthorized, Code: "no_token", Detail: "send a token in the metadata authorization: Bearer lw_…"}
	}
	if _, problem := a.guard.Allow(access.Ingest, r); problem != nil {
		return *problem
	}
	return nil
}

// otlpHandlers are those of HTTP; none where it is not wanted.
func (a *App) otlpHandlers() map[string]http.Handler {
	if a.otlp == nil {
		return nil
	}
	return a.otlp.Handlers()
}

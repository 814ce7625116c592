package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	amemail "github.com/prometheus/alertmanager/notify/email"
	"github.com/prometheus/alertmanager/template"
	commoncfg "github.com/prometheus/common/config"
)

// email sends by Alertmanager's e-mail integration, which dials by itself:
// so the server's name is resolved here, each address is shown to the guard,
// and the integration gets the address to dial and the name to check the
// certificate against. What was checked is what is dialled.
type email struct {
	conf  *config.EmailConfig
	tmpl  *template.Template
	log   *slog.Logger
	guard func(network, address string, c syscall.RawConn) error
}

// Notify implements Alertmanager's Notifier.
func (e *email) Notify(ctx context.Context, alerts ...*alert.Alert) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	addrs, err := e.resolve(ctx)
	if err != nil {
		return true, err
	}
	var errs []error
	again := false
	for _, a := range addrs {
		if e.guard != nil {
			if err := e.guard("tcp", net.JoinHostPort(a.String(), e.conf.Smarthost.Port), nil); err != nil {
				errs = append(errs, fmt.Errorf("mail server %s: %w", e.conf.Smarthost.Host, err))
				continue
			}
		}
		retry, err := e.send(ctx, a, alerts)
		if err == nil || !notReached(err) {
			return retry, err
		}
		again = true
		errs = append(errs, err)
	}
	return again, errors.Join(errs...)
}

// notReached says whether the connection itself failed, so that the server's
// next address can be tried without the risk to send twice.
func notReached(err error) bool { return strings.HasPrefix(err.Error(), "establish ") }

func (e *email) resolve(ctx context.Context) ([]netip.Addr, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.conf.Smarthost.Host)
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}

type sent struct {
	retry bool
	err   error
}

// send returns when the context ends, even where the integration, which
// ignores it after dialling, is still at work; the server's own time-outs end
// that.
func (e *email) send(ctx context.Context, to netip.Addr, alerts []*alert.Alert) (bool, error) {
	conf := *e.conf
	conf.Headers = maps.Clone(e.conf.Headers) // New writes to it
	if conf.Headers == nil {
		conf.Headers = map[string]string{}
	}
	conf.TLSConfig = &commoncfg.TLSConfig{}
	if e.conf.TLSConfig != nil {
		*conf.TLSConfig = *e.conf.TLSConfig
	}
	if conf.TLSConfig.ServerName == "" {
		conf.TLSConfig.ServerName = e.conf.Smarthost.Host
	}
	conf.Smarthost.Host = to.String()
	done := make(chan sent, 1)
	go func() {
		retry, err := amemail.New(&conf, e.tmpl, e.log).Notify(ctx, alerts...)
		done <- sent{retry, err}
	}()
	select {
	case r := <-done:
		return r.retry, r.err
	case <-ctx.Done():
		return true, fmt.Errorf("mail server: %w", ctx.Err())
	}
}

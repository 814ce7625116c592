package access

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Outgoing opens the connections whose addresses came from a user or a
// configuration: webhooks, probes, SMTP. It refuses loopback, link-local,
// cloud metadata, unspecified and multicast addresses, so that nobody can use
// Leeway to reach what only this machine can reach. Private networks are
// allowed: that is where models live.
//
// The check is made on the resolved address at connect time, so neither a
// name that resolves to 127.0.0.1 nor a redirect gets past it. Proxies from
// the environment are not used: the address behind a proxy cannot be seen.
type Outgoing struct {
	allow   []netip.Prefix
	hosts   map[string]bool // lower case, with or without a port
	refused prometheus.Counter
}

// blocked are the networks that are neither public nor a private network with
// models in it, each with its reason.
var blocked = [...]struct {
	net    netip.Prefix
	reason string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("100.100.100.200/32"), "cloud metadata"},
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud metadata"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "cloud metadata"},
	{netip.MustParsePrefix("fd20:ce::254/128"), "cloud metadata"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast"},
}

// IPv4 addresses hide in these IPv6 networks, at the given byte.
var embedding = [...]struct {
	net netip.Prefix
	at  int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
	{netip.MustParsePrefix("::/96"), 12},
}

// NewOutgoing makes a guard with exceptions: addresses ("127.0.0.1"), networks
// ("10.1.0.0/16") or host names ("hooks.internal", "localhost:9000"). reg may
// be nil.
func NewOutgoing(allow []string, reg prometheus.Registerer) (*Outgoing, error) {
	o := &Outgoing{
		hosts: map[string]bool{},
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_access_outgoing_refused_total",
			Help: "Outgoing connections refused because of their address.",
		}),
	}
	for _, a := range allow {
		if err := o.add(a); err != nil {
			return nil, err
		}
	}
	if reg != nil {
		if err := reg.Register(o.refused); err != nil {
			return nil, fmt.Errorf("outgoing guard: %w", err)
		}
	}
	return o, nil
}

func (o *Outgoing) add(exception string) error {
	if p, err := netip.ParsePrefix(exception); err == nil {
		o.allow = append(o.allow, p.Masked())
		return nil
	}
	if addr, err := netip.ParseAddr(exception); err == nil {
		addr = addr.Unmap()
		o.allow = append(o.allow, netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	if exception == "" || strings.ContainsAny(exception, "/ *@") {
		return fmt.Errorf("outgoing guard: %q is neither an address, a network such as 10.0.0.0/8, nor a host name", exception)
	}
	o.hosts[strings.ToLower(exception)] = true
	return nil
}

// BlockedError says which address was refused, and why.
type BlockedError struct {
	Address netip.Addr
	Reason  string
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("connections to %s are not allowed (%s); add it to access.outgoing_allow if it is meant", e.Address, e.Reason)
}

// Control is for net.Dialer: it refuses addresses just before the connection.
func (o *Outgoing) Control(network, address string, _ syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") && !strings.HasPrefix(network, "udp") {
		return fmt.Errorf("connections by %q are not allowed", network)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q cannot be checked: %w", address, err)
	}
	if err := o.CheckAddr(target.Addr()); err != nil {
		o.refused.Inc()
		return err
	}
	return nil
}

// CheckAddr reports why an address is refused, as a *BlockedError.
func (o *Outgoing) CheckAddr(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	for _, p := range o.allow {
		if p.Contains(addr) {
			return nil
		}
	}
	for _, b := range blocked {
		if b.net.Contains(addr) {
			return &BlockedError{Address: addr, Reason: b.reason}
		}
	}
	for _, e := range embedding {
		if e.net.Contains(addr) {
			raw := addr.As16()
			return o.CheckAddr(netip.AddrFrom4([4]byte(raw[e.at : e.at+4])))
		}
	}
	return nil
}

// DialContext connects under the guard. Host names of the allow-list pass,
// wherever they resolve to.
func (o *Outgoing) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: o.Control}
	host, _, err := net.SplitHostPort(address)
	if err == nil && (o.hosts[strings.ToLower(host)] || o.hosts[strings.ToLower(address)]) {
		d.Control = nil
	}
	return d.DialContext(ctx, network, address)
}

// Transport gives an http.Transport that connects under the guard, with
// bounded connections and times. The caller owns it.
func (o *Outgoing) Transport() *http.Transport {
	return &http.Transport{
		DialContext:            o.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    4,
		MaxConnsPerHost:        32,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

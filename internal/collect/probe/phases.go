package probe

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"
)

// phases takes the times of one check. Hooks may come from goroutines of
// connections that lost a race, and after the check: they are ignored then.
type phases struct {
	mu      sync.Mutex
	over    bool
	begun   map[string]time.Time
	seconds map[string]float64
	expiry  int64
}

// trace watches what happens under the context that it returns.
func trace(ctx context.Context) (context.Context, *phases) {
	p := &phases{begun: map[string]time.Time{}, seconds: map[string]float64{}}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { p.begin("resolve") },
		DNSDone:           func(httptrace.DNSDoneInfo) { p.end("resolve") },
		ConnectStart:      func(string, string) { p.begin("connect") },
		ConnectDone:       func(string, string, error) { p.end("connect") },
		TLSHandshakeStart: func() { p.begin("tls") },
		TLSHandshakeDone: func(s tls.ConnectionState, _ error) {
			p.end("tls")
			p.certificates(s)
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { p.begin("processing") },
		GotFirstResponseByte: func() { p.end("processing"); p.begin("transfer") },
	}), p
}

// begin starts a phase; of several tries to connect the first counts.
func (p *phases) begin(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, running := p.begun[name]; !running && !p.over {
		p.begun[name] = time.Now()
	}
}

// end adds a phase's time to what it took on the way here, such as redirects.
func (p *phases) end(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close(name)
}

func (p *phases) close(name string) {
	if begun, running := p.begun[name]; running && !p.over {
		p.seconds[name] += time.Since(begun).Seconds()
		delete(p.begun, name)
	}
}

func (p *phases) certificates(s tls.ConnectionState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := earliest(s.PeerCertificates); first != 0 && !p.over && (p.expiry == 0 || first < p.expiry) {
		p.expiry = first
	}
}

// into ends the watch. What was under way counts up to now.
func (p *phases) into(r *Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range p.begun {
		p.close(name)
	}
	p.over = true
	r.Phases, r.CertExpiry = p.seconds, p.expiry
}

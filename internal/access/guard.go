package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// CookieName is the session cookie of the UI.
const CookieName = "leeway_session"

// Caller is who makes a request.
type Caller struct {
	Role Role
	// TokenID and Name are empty for a caller that came by open access.
	TokenID string
	Name    string
	// Session is true when a cookie proved the token.
	Session bool
}

// Guard wraps handlers with the role that they need. It is safe for use by
// many requests at once.
type Guard struct {
	conf     Config
	tokens   *Store
	sessions *sessions
	failures *failures
	hosts    hosts
	origins  *http.CrossOriginProtection
	metrics  *metrics
	log      *slog.Logger
}

// GuardOptions are what a guard is made of. Registerer and Log may be nil.
type GuardOptions struct {
	Config     Config
	Tokens     *Store
	Dir        string // where sessions.json lives: the folder of the store
	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// NewGuard makes a guard over an open store.
func NewGuard(o GuardOptions) (*Guard, error) {
	conf := o.Config.WithDefaults()
	if problems := conf.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("access: %w", errors.Join(problems...))
	}
	live, err := openSessions(o.Dir, conf.SessionTTL)
	if err != nil {
		return nil, err
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Guard{
		conf: conf, tokens: o.Tokens, sessions: live, failures: newFailures(conf),
		hosts: newHosts(conf), origins: newOrigins(conf),
		metrics: newMetrics(o.Registerer), log: log,
	}, nil
}

// Check reports why a server must not listen on this address, and what to do
// about it: everybody on the network could read and change everything.
func (g *Guard) Check(listen string) error {
	switch {
	case IsLoopback(listen):
		return nil
	case !g.tokens.Empty():
		return nil
	case g.conf.InsecureOpen && g.conf.Open != OpenNever:
		return nil
	}
	return fmt.Errorf("listen address %s can be reached from other machines, and there is no token yet: "+
		"create one with `leeway token create NAME admin`, or listen on 127.0.0.1, "+
		"or accept that everybody may do everything with `access.insecure_open: true`", listen)
}

// Open reports whether a caller without a token is admin at this moment.
func (g *Guard) Open() bool {
	if g.conf.Open == OpenNever || !(g.conf.InsecureOpen || IsLoopback(g.conf.Listen)) {
		return false
	}
	return g.conf.Open == OpenAlways || g.tokens.Empty()
}

// Require lets a request through to next when its caller's role includes
// need; next finds the caller with [From].
func (g *Guard) Require(need Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, problem := g.Allow(need, r)
		if problem != nil {
			answerRefused(w, problem)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
	})
}

// Allow is Require for requests that are answered in another way. It counts
// what it refuses.
func (g *Guard) Allow(need Role, r *http.Request) (Caller, *Problem) {
	who, problem := g.identify(r)
	if problem == nil && !who.Role.Includes(need) {
		problem = &Problem{
			Status: http.StatusForbidden, Code: reasonRole,
			Detail: fmt.Sprintf("this needs the role %s; the token %q has the role %s", need, who.Name, who.Role),
			Params: map[string]any{"needed": need.String(), "role": who.Role.String()},
		}
	}
	if problem != nil {
		return Caller{}, g.refused(r, problem)
	}
	return who, nil
}

// RequireFunc is Require for a function.
func (g *Guard) RequireFunc(need Role, next http.HandlerFunc) http.Handler {
	return g.Require(need, next)
}

type callerKey struct{}

// From gives the caller that [Guard.Require] let through; the zero Caller,
// who may do nothing, elsewhere.
func From(ctx context.Context) Caller {
	who, _ := ctx.Value(callerKey{}).(Caller)
	return who
}

// identify finds who makes a request, by bearer token, cookie, or being here.
func (g *Guard) identify(r *http.Request) (Caller, *Problem) {
	if secret, ok := bearer(r); ok {
		t, ok := g.tokens.Find(secret)
		if !ok {
			return Caller{}, unauthorized(reasonBadToken, "the token is not known; it may have been revoked")
		}
		return Caller{Role: t.Role, TokenID: t.ID, Name: t.Name}, nil
	}
	who, known := g.bySession(r)
	if !known && !g.Open() {
		if _, err := r.Cookie(CookieName); err == nil {
			return Caller{}, unauthorized(reasonBadCookie, "the login has ended; log in again")
		}
		return Caller{}, unauthorized(reasonNoToken, "send a token in the header Authorization: Bearer lw_…, or log in")
	}
	if !known {
		if problem := g.checkOpen(r); problem != nil {
			return Caller{}, problem
		}
		return Caller{Role: Admin}, nil
	}
	if problem := g.checkChange(r); problem != nil {
		return Caller{}, problem
	}
	if isChange(r.Method) && !deliberate(r) {
		return Caller{}, &Problem{
			Status: http.StatusForbidden, Code: reasonHeader,
			Detail: "a change by cookie needs the header X-Leeway: 1 or a JSON content type",
		}
	}
	return who, nil
}

func bearer(r *http.Request) (string, bool) {
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(secret), ok && strings.EqualFold(scheme, "Bearer")
}

func (g *Guard) bySession(r *http.Request) (Caller, bool) {
	c, err := r.Cookie(CookieName)
	if err != nil {
		return Caller{}, false
	}
	id, ok := g.sessions.tokenID(c.Value)
	if !ok {
		return Caller{}, false
	}
	t, ok := g.tokens.byID(id)
	return Caller{Role: t.Role, TokenID: t.ID, Name: t.Name, Session: true}, ok
}

// checkOpen makes sure that a request without a credential is from this
// machine and from no page but our own.
func (g *Guard) checkOpen(r *http.Request) *Problem {
	if !g.conf.InsecureOpen && forwarded(r) {
		return unauthorized(reasonProxied,
			"the request came through a proxy, so it may be from anywhere: create a token, or set access.insecure_open")
	}
	if !g.hosts.allow(r.Host) {
		return &Problem{
			Status: http.StatusForbidden, Code: reasonHost, Params: map[string]any{"host": r.Host},
			Detail: fmt.Sprintf("the Host header %q does not name this machine; add it to access.allowed_hosts, or use a token", r.Host),
		}
	}
	return g.checkChange(r)
}

func (g *Guard) checkChange(r *http.Request) *Problem {
	if err := g.origins.Check(r); err != nil {
		return &Problem{
			Status: http.StatusForbidden, Code: reasonOrigin, Params: map[string]any{"origin": r.Header.Get("Origin")},
			Detail: fmt.Sprintf("a page of %q may not make changes here; add it to access.allowed_origins, or use a token", r.Header.Get("Origin")),
		}
	}
	return nil
}

func unauthorized(code, detail string) *Problem {
	return &Problem{Status: http.StatusUnauthorized, Code: code, Detail: detail}
}

// refused counts, and gives the answer. Wrong tokens beyond the limit get 429;
// ended cookies do not, since a forgotten browser tab asks for much at once.
func (g *Guard) refused(r *http.Request, p *Problem) *Problem {
	g.metrics.refused.WithLabelValues(p.Code).Inc()
	if p.Code == reasonBadToken {
		if wait := g.failures.add(r.RemoteAddr); wait > 0 {
			g.metrics.refused.WithLabelValues(reasonTooMany).Inc()
			p = &Problem{
				Status: http.StatusTooManyRequests, Code: reasonTooMany, RetryAfter: wait,
				Detail: "too many wrong tokens from this address",
			}
		}
	}
	return p
}

func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, p *Problem) {
	answerRefused(w, g.refused(r, p))
}

func answerRefused(w http.ResponseWriter, p *Problem) {
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="leeway"`)
	}
	WriteProblem(w, *p)
}

package dashboard

import (
	"net/http"

	"github.com/leewayhq/leeway/internal/access"
)

type bootstrapAnswer struct {
	Version       string          `json:"version"`
	Build         string          `json:"build"`
	Auth          string          `json:"auth"`
	Authenticated bool            `json:"authenticated"`
	Role          string          `json:"role"`
	Demo          bool            `json:"demo"`
	Features      map[string]bool `json:"features"`
	Locales       []string        `json:"locales"`
	Zone          string          `json:"zone"`
	Now           int64           `json:"now"`
}

// bootstrap answers everybody, so that the page knows whether to show the
// login. A request that the guard refuses for another reason than a missing
// token is refused here too.
func (s *Server) bootstrap(w http.ResponseWriter, r *http.Request) {
	probe := &probe{header: http.Header{}}
	var who access.Caller
	s.cfg.Guard.RequireFunc(access.None, func(_ http.ResponseWriter, r *http.Request) {
		who, probe.passed = access.From(r.Context()), true
	}).ServeHTTP(probe, r)
	if !probe.passed && probe.status != http.StatusUnauthorized {
		probe.replay(w)
		return
	}
	s.write(w, r, bootstrapAnswer{
		Version: s.cfg.Version, Build: s.cfg.Build, Auth: authMode(&s.cfg),
		Authenticated: probe.passed, Role: who.Role.String(), Demo: s.cfg.Demo,
		Features: s.cfg.features(), Locales: []string{"en", "zh"}, Zone: s.cfg.Zone.String(),
		Now: s.cfg.Now().UnixMilli(),
	})
}

// probe keeps a refusal of the guard.
type probe struct {
	header http.Header
	status int
	body   []byte
	passed bool
}

func (p *probe) Header() http.Header    { return p.header }
func (p *probe) WriteHeader(status int) { p.status = status }
func (p *probe) Write(b []byte) (int, error) {
	p.body = append(p.body, b...)
	return len(b), nil
}

func (p *probe) replay(w http.ResponseWriter) {
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body) // the client went away; nothing to do
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if err := s.cfg.Ready(); err != nil {
		writePlain(w, http.StatusServiceUnavailable, err.Error()+"\n")
		return
	}
	writePlain(w, http.StatusOK, "ready\n")
}

func (s *Server) reload(r *http.Request) (any, error) {
	if s.cfg.Reload == nil {
		return nil, notEnabled("reload")
	}
	if err := s.cfg.Reload(); err != nil {
		return nil, access.Problem{Status: http.StatusUnprocessableEntity, Code: "config_invalid", Detail: err.Error()}
	}
	s.cfg.Logger.Info("configuration reloaded", "by", access.From(r.Context()).Name)
	return map[string]any{"reloaded": true}, nil
}

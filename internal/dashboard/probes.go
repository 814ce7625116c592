package dashboard

import (
	"net/http"

	probes "github.com/leewayhq/leeway/internal/collect/probe"
)

// getProbes lists what each probe found last.
func (s *Server) getProbes(*http.Request) (any, error) {
	if s.cfg.Probes == nil {
		return nil, notEnabled("the list of probes")
	}
	list := s.cfg.Probes()
	if list == nil {
		list = []probes.State{}
	}
	return map[string]any{"probes": list}, nil
}

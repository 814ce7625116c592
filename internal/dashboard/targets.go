package dashboard

import "net/http"

// Target is something that is scraped.
type Target struct {
	Job        string            `json:"job"`
	URL        string            `json:"url"`
	Labels     map[string]string `json:"labels"`
	Health     string            `json:"health"` // up, down or unknown
	Error      string            `json:"error"`  // of the last scrape
	LastScrape *int64            `json:"last_scrape"`
	TookMS     float64           `json:"took_ms"`
	Interval   string            `json:"interval"`
}

func (s *Server) getTargets(*http.Request) (any, error) {
	if s.cfg.Targets == nil {
		return nil, notEnabled("the list of targets")
	}
	list, dropped := s.cfg.Targets()
	if list == nil {
		list = []Target{}
	}
	if dropped == nil {
		dropped = map[string]int{}
	}
	return map[string]any{"targets": list, "dropped": dropped}, nil
}

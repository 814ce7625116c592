package access

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what was refused, and why. Every reason is one of the
// constants below, so the label is bounded.
type metrics struct {
	refused  *prometheus.CounterVec
	sessions prometheus.Counter
}

// The reasons for which a request is refused; also the problem's code.
const (
	reasonNoToken   = "token_missing"
	reasonBadToken  = "token_invalid"
	reasonBadCookie = "session_invalid"
	reasonRole      = "role_insufficient"
	reasonHost      = "host_not_allowed"
	reasonOrigin    = "origin_not_allowed"
	reasonHeader    = "header_missing"
	reasonProxied   = "proxied_without_token"
	reasonTooMany   = "too_many_failures"
)

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_access_refused_total",
			Help: "HTTP requests refused before their handler, by reason.",
		}, []string{"reason"}),
		sessions: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_access_sessions_created_total",
			Help: "Logins that were given a session cookie.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.refused, m.sessions)
	}
	return m
}

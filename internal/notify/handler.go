package notify

import (
	"net/http"

	"github.com/prometheus/alertmanager/api"
	"github.com/prometheus/common/route"
)

// newHandler serves API v2 and the two paths by which tools ask whether an
// Alertmanager is there. No CORS headers are sent: other sites may not read it.
func newHandler(a *api.API, prefix string) http.Handler {
	router := route.New()
	fine := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	if prefix == "/" {
		router.Get("/-/healthy", fine)
		router.Get("/-/ready", fine)
	} else {
		router.Get(prefix+"/-/healthy", fine)
		router.Get(prefix+"/-/ready", fine)
	}
	return http.MaxBytesHandler(a.Register(router, prefix), maxBodyBytes)
}

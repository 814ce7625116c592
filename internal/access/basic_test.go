package access

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestBasicTokenCarriesAToken(t *testing.T) {
	var got string
	h := BasicToken(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") }))
	r := httptest.NewRequest("POST", "http://x/", nil)
	r.SetBasicAuth("leeway", "lw_secret")
	if h.ServeHTTP(nil, r); got != "Bearer lw_secret" {
		t.Errorf("%q", got)
	}
	r.Header.Set("Authorization", "Bearer lw_other")
	if h.ServeHTTP(nil, r); got != "Bearer lw_other" {
		t.Errorf("%q", got)
	}
}

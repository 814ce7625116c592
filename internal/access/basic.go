package access

import "net/http"

// BasicToken lets a token come as the password of basic authentication, which
// is what a client sends whose URL is http://leeway:TOKEN@host/path and that
// knows no other way, such as the loggers of KServe and Seldon. It stands before
// the guard. Nothing here asks a browser for a password, so none sends one by
// itself.
func BasicToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, token, ok := r.BasicAuth(); ok {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+token)
		}
		next.ServeHTTP(w, r)
	})
}

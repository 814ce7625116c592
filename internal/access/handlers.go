package access

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// maxBody bounds the bodies of these handlers; they carry two short strings.
const maxBody = 4 << 10

// Routes registers the login and the tokens: /api/v1/session and
// /api/v1/tokens. The paths are below the prefix that the server strips.
func (g *Guard) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/session", g.whoAmI)
	mux.HandleFunc("POST /api/v1/session", g.login)
	mux.HandleFunc("DELETE /api/v1/session", g.logout)
	mux.Handle("GET /api/v1/tokens", g.RequireFunc(Admin, g.listTokens))
	mux.Handle("POST /api/v1/tokens", g.RequireFunc(Admin, g.createToken))
	mux.Handle("DELETE /api/v1/tokens/{id}", g.RequireFunc(Admin, g.revokeToken))
}

// sessionAnswer tells the UI whether to show the login, and what to hide.
type sessionAnswer struct {
	Authenticated bool      `json:"authenticated"`
	Open          bool      `json:"open"`
	Name          string    `json:"name,omitempty"`
	Role          Role      `json:"role"`
	Expires       time.Time `json:"expires,omitzero"`
}

func (g *Guard) whoAmI(w http.ResponseWriter, r *http.Request) {
	who, problem := g.identify(r)
	if problem != nil && (problem.Status != http.StatusUnauthorized || problem.Code == reasonBadToken) {
		g.refuse(w, r, problem) // else the answer is that nobody is logged in
		return
	}
	writeJSON(w, http.StatusOK, sessionAnswer{
		Authenticated: problem == nil, Open: g.Open(), Name: who.Name, Role: who.Role,
	})
}

func (g *Guard) login(w http.ResponseWriter, r *http.Request) {
	if problem := g.checkChange(r); problem != nil {
		g.refuse(w, r, problem)
		return
	}
	var body struct {
		Token string `json:"token"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	t, ok := g.tokens.Find(body.Token)
	if !ok {
		g.refuse(w, r, unauthorized(reasonBadToken, "the token is not known; it may have been revoked"))
		return
	}
	cookie, expires, err := g.sessions.create(t.ID)
	if err != nil {
		g.fail(w, "keep the login", err)
		return
	}
	g.metrics.sessions.Inc()
	http.SetCookie(w, g.cookie(r, cookie, int(g.conf.SessionTTL/time.Second)))
	writeJSON(w, http.StatusOK, sessionAnswer{
		Authenticated: true, Open: g.Open(), Name: t.Name, Role: t.Role, Expires: expires,
	})
}

func (g *Guard) logout(w http.ResponseWriter, r *http.Request) {
	if problem := g.checkChange(r); problem != nil {
		g.refuse(w, r, problem)
		return
	}
	if c, err := r.Cookie(CookieName); err == nil {
		if err := g.sessions.end(c.Value); err != nil {
			g.fail(w, "end the login", err)
			return
		}
	}
	http.SetCookie(w, g.cookie(r, "", -1))
	w.WriteHeader(http.StatusNoContent)
}

// cookie is readable by no script and sent by no other site's request but a
// plain link, which changes nothing.
func (g *Guard) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Value: value, MaxAge: maxAge, Path: g.conf.PathPrefix + "/",
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: g.conf.SecureCookie || r.TLS != nil,
	}
}

func (g *Guard) listTokens(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"tokens": g.tokens.List()})
}

func (g *Guard) createToken(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name string `json:"name"`
		Role string `json:"role"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	role, err := ParseRole(body.Role)
	if err != nil {
		WriteProblem(w, Problem{Status: http.StatusBadRequest, Code: "role_unknown", Detail: err.Error()})
		return
	}
	secret, t, err := g.tokens.Create(body.Name, role)
	switch {
	case errors.Is(err, ErrName):
		WriteProblem(w, Problem{Status: http.StatusBadRequest, Code: "name_invalid", Detail: ErrName.Error()})
		return
	case errors.Is(err, ErrExists), errors.Is(err, ErrFull):
		WriteProblem(w, Problem{Status: http.StatusConflict, Code: "token_conflict", Detail: err.Error()})
		return
	case err != nil:
		g.fail(w, "create the token", err)
		return
	}
	g.log.Info("token created", "id", t.ID, "name", t.Name, "role", t.Role, "by", From(r.Context()).Name)
	writeJSON(w, http.StatusCreated, struct {
		Token
		Secret string `json:"secret"`
	}{t, secret})
}

func (g *Guard) revokeToken(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	err := g.tokens.Revoke(id)
	if errors.Is(err, ErrNotFound) {
		WriteProblem(w, Problem{Status: http.StatusNotFound, Code: "token_not_found", Detail: "no token has this id"})
		return
	}
	if err != nil {
		g.fail(w, "revoke the token", err)
		return
	}
	g.log.Info("token revoked", "id", id, "by", From(r.Context()).Name)
	w.WriteHeader(http.StatusNoContent)
}

func (g *Guard) fail(w http.ResponseWriter, doing string, err error) {
	g.log.Error("access: could not "+doing, "err", err)
	WriteProblem(w, Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "could not " + doing + "; the log says why"})
}

// readJSON decodes a small JSON body strictly, or answers why not.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	if !isJSON(r) {
		WriteProblem(w, Problem{
			Status: http.StatusUnsupportedMediaType, Code: "content_type", Detail: "the content type must be application/json",
		})
		return false
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, extra := d.Token(); !errors.Is(extra, io.EOF) {
			err = errors.New("something follows the JSON object")
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		WriteProblem(w, Problem{Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Detail: "the body is longer than 4 KiB"})
		return false
	}
	if err != nil {
		WriteProblem(w, Problem{Status: http.StatusBadRequest, Code: "body_invalid", Detail: "the body is not the JSON that this needs: " + err.Error()})
		return false
	}
	return true
}

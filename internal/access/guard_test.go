package access

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// house is a guard with one handler a role, behind a real listener.
type house struct {
	t     *testing.T
	guard *Guard
	store *Store
	dir   string
	url   string
	reg   *prometheus.Registry
}

func newHouse(t *testing.T, c Config) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), reg: prometheus.NewRegistry()}
	h.store = openStore(t, h.dir)
	guard, err := NewGuard(GuardOptions{Config: c, Tokens: h.store, Dir: h.dir, Registerer: h.reg})
	if err != nil {
		t.Fatal(err)
	}
	h.guard = guard
	mux := http.NewServeMux()
	guard.Routes(mux)
	for r := Ingest; r <= Admin; r++ {
		mux.Handle("/"+r.String(), guard.RequireFunc(r, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, From(r.Context()).Name)
		}))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// do sends one request; headers come as "Name: value", Host among them.
func (h *house) do(method, path, body string, headers ...string) *http.Response {
	h.t.Helper()
	r, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		h.t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(string(text)))
	return resp
}

func (h *house) want(status int, code string, resp *http.Response) {
	h.t.Helper()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != status || (code != "" && !strings.Contains(string(body), `"code":"`+code+`"`)) {
		h.t.Errorf("got %d %s, want %d %s", resp.StatusCode, body, status, code)
	}
}

func TestTokensOpenWhatTheirRoleIncludes(t *testing.T) {
	h := newHouse(t, Config{})
	secrets := map[Role]string{}
	for r := Ingest; r <= Admin; r++ {
		secrets[r], _ = create(t, h.store, r.String(), r)
	}
	for who, secret := range secrets {
		for need := Ingest; need <= Admin; need++ {
			resp := h.do("GET", "/"+need.String(), "", "Authorization: Bearer "+secret)
			status, code := 200, ""
			if !who.Includes(need) {
				status, code = 403, "role_insufficient"
			}
			h.want(status, code, resp)
		}
	}
}

func TestOpenOnLoopbackOnlyUntilATokenExists(t *testing.T) {
	h := newHouse(t, Config{})
	h.want(200, "", h.do("POST", "/admin", ""))
	secret, token := create(t, h.store, "first", Read)
	resp := h.do("POST", "/admin", "")
	h.want(401, "token_missing", resp)
	if resp.Header.Get("WWW-Authenticate") == "" {
		t.Error("a 401 without WWW-Authenticate")
	}
	h.want(401, "token_invalid", h.do("GET", "/read", "", "Authorization: Bearer lw_wrong"))
	h.want(200, "", h.do("GET", "/read", "", "Authorization: bearer "+secret))
	if err := h.store.Revoke(token.ID); err != nil {
		t.Fatal(err)
	}
	h.want(401, "token_invalid", h.do("GET", "/read", "", "Authorization: Bearer "+secret))
}

func TestOpenModes(t *testing.T) {
	cases := []struct {
		conf   Config
		tokens bool
		open   bool
		start  bool // may listen
	}{
		{Config{Listen: "127.0.0.1:1"}, false, true, true},
		{Config{Listen: "localhost:1"}, false, true, true},
		{Config{Listen: "[::1]:1"}, false, true, true},
		{Config{Listen: "127.0.0.1:1"}, true, false, true},
		{Config{Listen: "127.0.0.1:1", Open: OpenAlways}, true, true, true},
		{Config{Listen: "127.0.0.1:1", Open: OpenNever}, false, false, true},
		{Config{Listen: ":1"}, false, false, false},
		{Config{Listen: "0.0.0.0:1", Open: OpenAlways}, false, false, false},
		{Config{Listen: "10.0.0.1:1"}, true, false, true},
		{Config{Listen: ":1", InsecureOpen: true}, false, true, true},
		{Config{Listen: ":1", InsecureOpen: true}, true, false, true},
		{Config{Listen: ":1", InsecureOpen: true, Open: OpenNever}, false, false, false},
	}
	for _, c := range cases {
		h := newHouse(t, c.conf)
		if c.tokens {
			create(t, h.store, "x", Read)
		}
		err := h.guard.Check(h.guard.conf.Listen)
		if h.guard.Open() != c.open || (err == nil) != c.start {
			t.Errorf("%+v, tokens %v: open %v, check %v; want %v, %v", c.conf, c.tokens, h.guard.Open(), err, c.open, c.start)
		}
		if err != nil && !strings.Contains(err.Error(), "leeway token create") {
			t.Errorf("the error does not say what to do: %v", err)
		}
	}
}

func TestOpenChecksHost(t *testing.T) {
	h := newHouse(t, Config{AllowedHosts: []string{"Monitor.example.com", "*.corp.example"}})
	for _, good := range []string{
		"localhost", "LOCALHOST:7420", "127.0.0.1:9", "127.1.2.3", "[::1]:7420", "app.localhost:1", "localhost.",
		"monitor.example.com", "monitor.example.com:8443", "a.corp.example",
	} {
		h.want(200, "", h.do("GET", "/read", "", "Host: "+good))
	}
	for _, bad := range []string{
		"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "corp.example", ".corp.example", "xmonitor.example.com",
	} {
		h.want(403, "host_not_allowed", h.do("GET", "/read", "", "Host: "+bad))
	}
	insecure := newHouse(t, Config{Listen: ":1", InsecureOpen: true})
	insecure.want(200, "", insecure.do("GET", "/read", "", "Host: 10.0.0.1:7420"))
	insecure.want(403, "host_not_allowed", insecure.do("GET", "/read", "", "Host: evil.example"))
}

func TestOpenChecksOriginOfChanges(t *testing.T) {
	h := newHouse(t, Config{AllowedOrigins: []string{"https://grafana.example"}})
	own := "Origin: " + h.url
	h.want(200, "", h.do("POST", "/edit", "", own))
	h.want(200, "", h.do("POST", "/edit", "", "Origin: https://grafana.example"))
	h.want(200, "", h.do("GET", "/read", "", "Origin: https://evil.example"))
	for _, bad := range []string{"https://evil.example", "null", "http://localhost:1"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			h.want(403, "origin_not_allowed", h.do(method, "/edit", "", "Origin: "+bad))
		}
	}
	h.want(403, "origin_not_allowed", h.do("POST", "/edit", "", "Sec-Fetch-Site: cross-site"))
	secret, _ := create(t, h.store, "x", Edit)
	h.want(200, "", h.do("POST", "/edit", "", "Origin: https://evil.example", "Authorization: Bearer "+secret))
}

func TestOpenRefusesProxiedRequests(t *testing.T) {
	h := newHouse(t, Config{})
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"} {
		h.want(401, "proxied_without_token", h.do("GET", "/read", "", name+": 203.0.113.9"))
	}
}

func login(h *house, secret string) (cookie string, resp *http.Response) {
	resp = h.do("POST", "/api/v1/session", `{"token":"`+secret+`"}`, "Content-Type: application/json")
	for _, c := range resp.Cookies() {
		if c.Name == CookieName {
			return "Cookie: " + CookieName + "=" + c.Value, resp
		}
	}
	h.t.Fatalf("no cookie: %d", resp.StatusCode)
	return "", nil
}

func TestSession(t *testing.T) {
	h := newHouse(t, Config{PathPrefix: "/monitor"})
	secret, token := create(t, h.store, "ann", Edit)
	cookie, resp := login(h, secret)
	if c := resp.Cookies()[0]; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/monitor/" || c.MaxAge <= 0 {
		t.Errorf("cookie %+v", c)
	}
	h.want(200, "", h.do("GET", "/read", "", cookie))
	h.want(403, "header_missing", h.do("POST", "/edit", "", cookie))
	h.want(403, "header_missing", h.do("POST", "/edit", "a=1", cookie, "Content-Type: text/plain"))
	h.want(200, "", h.do("POST", "/edit", "", cookie, "X-Leeway: 1"))
	h.want(200, "", h.do("POST", "/edit", "{}", cookie, "Content-Type: application/json; charset=utf-8"))
	h.want(403, "origin_not_allowed", h.do("POST", "/edit", "", cookie, "X-Leeway: 1", "Origin: https://evil.example"))

	again, err := NewGuard(GuardOptions{Tokens: h.store, Dir: h.dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := again.sessions.tokenID(strings.TrimPrefix(cookie, "Cookie: "+CookieName+"=")); !ok {
		t.Error("the login did not survive a restart")
	}
	h.want(204, "", h.do("DELETE", "/api/v1/session", "", cookie))
	h.want(401, "session_invalid", h.do("GET", "/read", "", cookie))

	cookie, _ = login(h, secret)
	if err := h.store.Revoke(token.ID); err != nil {
		t.Fatal(err)
	}
	create(t, h.store, "other", Read)
	h.want(401, "session_invalid", h.do("GET", "/read", "", cookie))
}

func TestSessionExpires(t *testing.T) {
	h := newHouse(t, Config{SessionTTL: time.Hour})
	secret, _ := create(t, h.store, "ann", Read)
	cookie, _ := login(h, secret)
	h.want(200, "", h.do("GET", "/read", "", cookie))
	h.guard.sessions.now = func() time.Time { return time.Now().Add(time.Hour) }
	h.want(401, "session_invalid", h.do("GET", "/read", "", cookie))
}

func TestSessionsAreBounded(t *testing.T) {
	h := newHouse(t, Config{})
	s := h.guard.sessions
	now := time.Now()
	for i := range maxSessions {
		one := session{Hash: hashOf(string(rune(i))), TokenID: "x", Expires: now.Add(time.Hour + time.Duration(i)*time.Second)}
		s.live[one.Hash] = one
	}
	cookie, _, err := s.create("y")
	if err != nil || len(s.live) != maxSessions {
		t.Fatalf("%d sessions, %v", len(s.live), err)
	}
	if _, ok := s.tokenID(cookie); !ok {
		t.Error("the new login was dropped")
	}
	if _, ok := s.live[hashOf(string(rune(0)))]; ok {
		t.Error("the oldest login was kept")
	}
}

func TestLoginRefuses(t *testing.T) {
	h := newHouse(t, Config{})
	create(t, h.store, "ann", Read)
	const json = "Content-Type: application/json"
	h.want(401, "token_invalid", h.do("POST", "/api/v1/session", `{"token":"lw_x"}`, json))
	h.want(415, "content_type", h.do("POST", "/api/v1/session", `{"token":"lw_x"}`))
	h.want(400, "body_invalid", h.do("POST", "/api/v1/session", `{"tok":"lw_x"}`, json))
	h.want(400, "body_invalid", h.do("POST", "/api/v1/session", `{"token":"x"} 1`, json))
	h.want(413, "body_too_large", h.do("POST", "/api/v1/session", `{"token":"`+strings.Repeat("x", maxBody)+`"}`, json))
	h.want(403, "origin_not_allowed", h.do("POST", "/api/v1/session", `{"token":"lw_x"}`, json, "Origin: https://evil.example"))
}

func TestWhoAmI(t *testing.T) {
	h := newHouse(t, Config{})
	body := func(resp *http.Response) string { b, _ := io.ReadAll(resp.Body); return strings.TrimSpace(string(b)) }
	if got := body(h.do("GET", "/api/v1/session", "")); got != `{"authenticated":true,"open":true,"role":"admin"}` {
		t.Error(got)
	}
	secret, _ := create(t, h.store, "ann", Read)
	if got := body(h.do("GET", "/api/v1/session", "")); got != `{"authenticated":false,"open":false,"role":"none"}` {
		t.Error(got)
	}
	cookie, _ := login(h, secret)
	if got := body(h.do("GET", "/api/v1/session", "", cookie)); got != `{"authenticated":true,"open":false,"name":"ann","role":"read"}` {
		t.Error(got)
	}
	h.want(401, "token_invalid", h.do("GET", "/api/v1/session", "", "Authorization: Bearer lw_x"))
}

func TestTokensOverHTTP(t *testing.T) {
	h := newHouse(t, Config{})
	admin, _ := create(t, h.store, "root", Admin)
	edit, _ := create(t, h.store, "ed", Edit)
	auth, json := "Authorization: Bearer "+admin, "Content-Type: application/json"
	h.want(403, "role_insufficient", h.do("GET", "/api/v1/tokens", "", "Authorization: Bearer "+edit))
	resp := h.do("POST", "/api/v1/tokens", `{"name":"svc","role":"ingest"}`, auth, json)
	body, _ := io.ReadAll(resp.Body)
	_, rest, ok := strings.Cut(string(body), `"secret":"`)
	if resp.StatusCode != 201 || !ok {
		t.Fatalf("create: %d %s", resp.StatusCode, body)
	}
	secret, _, _ := strings.Cut(rest, `"`)
	h.want(200, "", h.do("GET", "/ingest", "", "Authorization: Bearer "+secret))
	h.want(409, "token_conflict", h.do("POST", "/api/v1/tokens", `{"name":"svc","role":"ingest"}`, auth, json))
	h.want(400, "role_unknown", h.do("POST", "/api/v1/tokens", `{"name":"s","role":"root"}`, auth, json))
	h.want(400, "name_invalid", h.do("POST", "/api/v1/tokens", `{"name":"","role":"read"}`, auth, json))

	list, _ := io.ReadAll(h.do("GET", "/api/v1/tokens", "", auth).Body)
	if strings.Contains(string(list), "hash") || strings.Contains(string(list), secret) || !strings.Contains(string(list), `"svc"`) {
		t.Errorf("list: %s", list)
	}
	found, _ := h.store.Find(secret)
	h.want(204, "", h.do("DELETE", "/api/v1/tokens/"+found.ID, "", auth))
	h.want(404, "token_not_found", h.do("DELETE", "/api/v1/tokens/"+found.ID, "", auth))
	h.want(401, "token_invalid", h.do("GET", "/ingest", "", "Authorization: Bearer "+secret))
}

func TestFailuresAreLimitedAndCounted(t *testing.T) {
	h := newHouse(t, Config{FailuresBurst: 3, FailuresEvery: time.Hour})
	secret, _ := create(t, h.store, "ann", Read)
	for range 3 {
		h.want(401, "token_invalid", h.do("GET", "/read", "", "Authorization: Bearer lw_x"))
	}
	resp := h.do("GET", "/read", "", "Authorization: Bearer lw_x")
	h.want(429, "too_many_failures", resp)
	if resp.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	h.want(200, "", h.do("GET", "/read", "", "Authorization: Bearer "+secret))
	for reason, want := range map[string]float64{"token_invalid": 4, "too_many_failures": 1} {
		if got := testutil.ToFloat64(h.guard.metrics.refused.WithLabelValues(reason)); got != want {
			t.Errorf("refused{%s} = %v, want %v", reason, got, want)
		}
	}
}

func TestFailuresTableIsBounded(t *testing.T) {
	f := newFailures(Config{}.WithDefaults())
	now := time.Now()
	f.now = func() time.Time { return now }
	for i := range maxFailing + 100 {
		f.add(fmt.Sprintf("10.%d.%d.%d:1", i>>16&255, i>>8&255, i&255))
	}
	if len(f.at) > maxFailing+1 {
		t.Fatalf("%d addresses are kept", len(f.at))
	}
	now = now.Add(time.Hour)
	f.add("203.0.113.1:1")
	if len(f.at) > 2 {
		t.Errorf("%d addresses are kept after all recovered", len(f.at))
	}
	if sourceOf("[2001:db8::1]:1") != sourceOf("[2001:db8::2]:1") || sourceOf("10.0.0.1:1") == sourceOf("10.0.0.2:1") {
		t.Error("addresses are grouped wrongly")
	}
}

func TestConfigValidateReportsAll(t *testing.T) {
	c := Config{Listen: "nowhere", Open: "maybe", AllowedHosts: []string{"http://x"}, AllowedOrigins: []string{"x", "null"}, SessionTTL: -1}
	if got := len(c.Validate()); got != 6 {
		t.Errorf("%d problems, want 6: %v", got, c.Validate())
	}
}

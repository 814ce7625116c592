package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// once runs one round of a probe, without its schedule.
func once(t *testing.T, s Spec) *Result {
	t.Helper()
	p, _ := newProber(t, nil)
	s.Name = "x"
	c, problems := newChecker(s.withDefaults(), &p.cfg)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r := &running{prober: p, spec: s.withDefaults(), check: c}
	return r.run(t.Context())
}

func want(t *testing.T, r *Result, code, reason string) {
	t.Helper()
	if r.Code != code || !strings.Contains(r.Reason, reason) || r.Success != (code == "" || code == codeWrong) {
		t.Errorf("%+v, want %q with %q", r, code, reason)
	}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

const short = 150 * time.Millisecond // of checks that are meant to hang

func TestHTTP(t *testing.T) {
	release := make(chan struct{})
	var other atomic.Int32
	elsewhere := serve(t, func(w http.ResponseWriter, _ *http.Request) { other.Add(1) })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			w.Write([]byte(`{"status":"healthy"}`))
		case "/head":
			if r.Method != "HEAD" || r.Host != "virtual.example" {
				w.WriteHeader(400)
			}
		case "/down":
			http.Error(w, "database is gone", http.StatusServiceUnavailable)
		case "/here":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/there":
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		case "/huge":
			for block := strings.Repeat("x", 64<<10); ; {
				if _, err := w.Write([]byte(block)); err != nil {
					return
				}
			}
		case "/slow":
			w.Write([]byte("begin"))
			w.(http.Flusher).Flush()
			fallthrough
		case "/hang":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		case "/cut":
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
			c.Close()
		}
	})
	defer close(release)
	for _, c := range []struct {
		path, code, reason string
		change             func(*Spec)
	}{
		{"/ok?key=abcdef", "", "", nil},
		{"/ok", "", "", func(s *Spec) { s.Expect.Body = `"healthy"`; s.Expect.Status = []int{200, 204} }},
		{"/ok", codeBody, `does not match "sick"`, func(s *Spec) { s.Expect.Body = `"sick"` }},
		{"/ok", codeBody, "matches healthy", func(s *Spec) { s.Expect.NotBody = `healthy` }},
		{"/ok", "", "", func(s *Spec) { s.Expect.Equals, s.Expect.Path = "healthy", "$.status" }},
		{"/ok", codeWrong, `"healthy", expected is "sick"`, func(s *Spec) { s.Expect.Equals, s.Expect.Path = "sick", "$.status" }},
		{"/ok", codeStatus, "expected is [404]", func(s *Spec) { s.Expect.Status = []int{404} }},
		{"/head", "", "", func(s *Spec) { s.Method = "HEAD"; s.Headers = []Header{{"Host", "virtual.example"}} }},
		{"/down", codeStatus, "503: database is gone", nil},
		{"/here", "", "", nil},
		{"/loop", codeRedirect, "more than 5", nil},
		{"/there", codeRedirect, "another server", func(s *Spec) { s.Headers = []Header{{"X-Api-Key", "very secret"}} }},
		{"/huge", "", "", nil},
		{"/huge", codeBody, "longer than 1048576", func(s *Spec) { s.Expect.Body = "y" }},
		{"/slow", codeTimeout, "not done within 150ms", func(s *Spec) { s.Timeout = short }},
		{"/hang", codeTimeout, "not done within", func(s *Spec) { s.Timeout = short }},
		{"/cut", codeProtocol, "unexpected EOF", nil},
	} {
		s := Spec{Kind: HTTP, Target: url + c.path}
		if c.change != nil {
			c.change(&s)
		}
		r := once(t, s)
		want(t, r, c.code, c.reason)
		if r.Phases["connect"] <= 0 || r.Seconds < r.Phases["connect"] {
			t.Errorf("%s: phases %v of %v s", c.path, r.Phases, r.Seconds)
		}
		if c.code == "" && (r.Phases["processing"] <= 0 || r.Status != 200) {
			t.Errorf("%s: phases %v, status %d", c.path, r.Phases, r.Status)
		}
	}
	if n := other.Load(); n != 0 {
		t.Errorf("another server was asked %d times", n)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	l.Close()
	want(t, once(t, Spec{Kind: HTTP, Target: "http://" + gone + "/?token=abc"}), codeConnect, "refused")
	want(t, once(t, Spec{Kind: TCP, Target: gone}), codeConnect, "refused")
	want(t, once(t, Spec{Kind: GRPC, Target: "grpc://" + gone}), codeConnect, "refused")
	for _, s := range []Spec{{Kind: HTTP, Target: "http://127.0.0.2:1"}, {Kind: TLS, Target: "169.254.169.254:443"}, {Kind: GRPC, Target: "grpc://127.0.0.2:1"}} {
		want(t, once(t, s), codeBlocked, "access.outgoing_allow")
	}
	if code, _ := classify(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}}); code != codeDNS {
		t.Error(code)
	}
}

// TestSockets knows a listener whose backlog answers for it, and one that says
// something else than TLS.
func TestSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String() // nobody accepts: connections stand half open
	want(t, once(t, Spec{Kind: TCP, Target: addr}), "", "")
	for _, s := range []Spec{{Kind: TLS, Target: addr}, {Kind: HTTP, Target: "http://" + addr}, {Kind: HTTP, Target: "https://" + addr}, {Kind: GRPC, Target: "grpc://" + addr}, {Kind: GRPC, Target: "grpcs://" + addr}} {
		s.Timeout = short
		want(t, once(t, s), codeTimeout, "not done")
	}
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	want(t, once(t, Spec{Kind: TLS, Target: strings.TrimPrefix(plain, "http://")}), codeTLS, "")
}

// certificate writes one that is its own authority.
func certificate(t *testing.T, name string, until time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-90 * 24 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func secure(t *testing.T, c tls.Certificate) string {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

func TestCertificates(t *testing.T) {
	soon := time.Now().Add(72 * time.Hour).Truncate(time.Second)
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	good, ca := certificate(t, "127.0.0.1", soon)
	expired, oldCA := certificate(t, "127.0.0.1", past)
	other, otherCA := certificate(t, "models.example.com", soon)
	for _, c := range []struct {
		name         string
		cert         tls.Certificate
		ca           string
		code, reason string
		expiry       time.Time
		change       func(*Spec)
	}{
		{"good", good, ca, "", "", soon, nil},
		{"of nobody known", good, "", codeTLS, "unknown authority", soon, nil},
		{"of somebody else", good, otherCA, codeTLS, "unknown authority", soon, nil},
		{"expired", expired, oldCA, codeTLS, "expired", past, nil},
		{"of another name", other, otherCA, codeTLS, "127.0.0.1", soon, nil},
		{"the name is given", other, otherCA, "", "", soon, func(s *Spec) { s.ServerName = "models.example.com" }},
		{"any will do", expired, "", "", "", past, func(s *Spec) { s.Insecure = true }},
	} {
		addr := secure(t, c.cert)
		for _, s := range []Spec{{Kind: TLS, Target: addr}, {Kind: HTTP, Target: "https://" + addr}} {
			s.CAFile = c.ca
			if c.change != nil {
				c.change(&s)
			}
			r := once(t, s)
			want(t, r, c.code, c.reason)
			if r.CertExpiry != c.expiry.UnixMilli() || r.Phases["tls"] <= 0 {
				t.Errorf("%s, %s: ends at %d, want %d; phases %v", c.name, s.Kind, r.CertExpiry, c.expiry.UnixMilli(), r.Phases)
			}
		}
	}
}

// TestSecretsStayOut has a server that sends back what it got.
func TestSecretsStayOut(t *testing.T) {
	const key = "sk-very-secret-4711"
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			t.Errorf("the header is %q", r.Header.Get("Authorization"))
		}
		http.Error(w, "bad token "+key+" in "+r.Header.Get("Authorization"), http.StatusUnauthorized)
	})
	p, _ := newProber(t, nil)
	set(t, p, []Spec{{Name: "x", Kind: HTTP, Target: url + "/?sig=" + key, Headers: []Header{{"Authorization", "Bearer " + key}}}})
	waitFor(t, func() bool { return p.States()[0].Last != nil })
	text, err := json.Marshal(p.States())
	if err != nil || strings.Contains(string(text), key) || !strings.Contains(string(text), "redacted") {
		t.Errorf("%s %v", text, err)
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not come in 10 s")
		case <-tick.C:
		}
	}
}

package notify

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailServer is a real SMTP server that wants STARTTLS and a password.
type mailServer struct {
	addr, ca string
	mu       sync.Mutex
	got      []string
	to       []string
}

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	m := &mailServer{ca: filepath.Join(t.TempDir(), "ca.pem")}
	cert := certificate(t, m.ca)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	m.addr = "localhost:" + port
	s := smtp.NewServer(m)
	s.Domain, s.TLSConfig = "localhost", &tls.Config{Certificates: []tls.Certificate{cert}}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return m
}

func certificate(t *testing.T, file string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// NewSession implements smtp.Backend.
func (m *mailServer) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{m: m, c: c}, nil }

type session struct {
	m      *mailServer
	c      *smtp.Conn
	authed bool
	to     []string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "leeway" || password != "mail-password-1" {
			return smtp.ErrAuthFailed
		}
		s.authed = true
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if _, ok := s.c.TLSConnectionState(); !ok || !s.authed {
		return errors.New("not without TLS and a password")
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.got, s.m.to = append(s.m.got, string(b)), s.to
	return err
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (m *mailServer) settings() Settings {
	return Settings{Routing: fast(), Channels: []Channel{{Name: "mail", Email: &Email{
		To: []string{"ana@example.com", "bo@example.com"}, From: "leeway@example.com", Server: m.addr,
		Username: "leeway", Password: "mail-password-1", CAFile: m.ca,
	}}}}
}

func TestEmailOverSTARTTLS(t *testing.T) {
	m := newMailServer(t)
	var asked []string
	n := open(t, func(c *Config) {
		c.Settings = m.settings()
		c.Guard = func(network, address string, _ syscall.RawConn) error {
			asked = append(asked, network+" "+address)
			return nil
		}
	})
	put(t, n, firing("accuracy_low", "critical", "fraud"))
	eventually(t, "the mail arrives", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.got) == 1
	})
	msg, err := mail.ReadMessage(strings.NewReader(m.got[0]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || subject != "🚨 fraud: Accuracy is low (0.87, below 0.9)" {
		t.Errorf("subject %q %v", subject, err)
	}
	if len(m.to) != 2 || !strings.Contains(m.got[0], "Content-Type: text/html") || !strings.Contains(m.got[0], "Content-Type: text/plain") {
		t.Errorf("to %v:\n%s", m.to, m.got[0])
	}
	if len(asked) == 0 || !strings.HasPrefix(asked[0], "tcp 127.0.0.1:") && !strings.HasPrefix(asked[0], "tcp [::1]:") {
		t.Errorf("the guard was asked for %v", asked)
	}
}

func TestEmailThatTheGuardForbids(t *testing.T) {
	m := newMailServer(t)
	n := open(t, func(c *Config) {
		c.Settings = m.settings()
		c.Guard = func(_, address string, _ syscall.RawConn) error { return fmt.Errorf("%s is forbidden", address) }
	})
	err := n.Test(context.Background(), "mail")
	if err == nil || !strings.Contains(err.Error(), "is forbidden") || len(m.got) != 0 {
		t.Errorf("%v", err)
	}
}

func TestEmailErrorsHideThePassword(t *testing.T) {
	m := newMailServer(t)
	s := m.settings()
	s.Channels[0].Email.Password = "wrong-password-2"
	n := open(t, func(c *Config) { c.Settings = s })
	err := n.Test(context.Background(), "mail")
	if err == nil || strings.Contains(err.Error(), "wrong-password-2") {
		t.Errorf("%v", err)
	}
	if got := getAPI(t, n, "/status"); strings.Contains(got, "wrong-password-2") {
		t.Errorf("the API shows the password: %s", got)
	}
}

func TestEmailRefusesAServerWithoutTLS(t *testing.T) {
	m := newMailServer(t)
	s := m.settings()
	s.Channels[0].Email.CAFile = ""
	n := open(t, func(c *Config) { c.Settings = s })
	if err := n.Test(context.Background(), "mail"); err == nil {
		t.Error("a certificate that nobody vouches for was taken")
	}
}

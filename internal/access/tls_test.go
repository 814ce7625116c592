package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func writePair(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, _ := x509.MarshalECPrivateKey(key)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "EC PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestServerTLSServes(t *testing.T) {
	certFile, keyFile := writePair(t, t.TempDir(), "localhost")
	conf, err := ServerTLS(certFile, keyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go server.Serve(tls.NewListener(ln, conf))
	defer server.Close()
	pool := x509.NewCertPool()
	body, _ := os.ReadFile(certFile)
	pool.AppendCertsFromPEM(body)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestServerTLSTakesUpARenewedPair(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, "old")
	now := time.Now()
	k := &keyPair{certFile: certFile, keyFile: keyFile, now: func() time.Time { return now }}
	if err := k.load(); err != nil {
		t.Fatal(err)
	}
	old := k.current()
	writePair(t, dir, "new")
	later := now.Add(time.Hour)
	for _, f := range []string{certFile, keyFile} {
		if err := os.Chtimes(f, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if k.current() != old {
		t.Error("the files were looked at again at once")
	}
	now = now.Add(time.Minute)
	leaf, err := x509.ParseCertificate(k.current().Certificate[0])
	if err != nil || leaf.Subject.CommonName != "new" {
		t.Errorf("still %v, %v", leaf.Subject, err)
	}
}

func TestServerTLSRefuses(t *testing.T) {
	if conf, err := ServerTLS("", "", nil); conf != nil || err != nil {
		t.Errorf("no files: %v, %v", conf, err)
	}
	if _, err := ServerTLS("cert.pem", "", nil); err == nil {
		t.Error("a certificate without a key passed")
	}
	if _, err := ServerTLS("missing.pem", "missing.pem", nil); err == nil {
		t.Error("missing files passed")
	}
}

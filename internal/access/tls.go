package access

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// ServerTLS gives the listener's TLS configuration for a pair of PEM files,
// or nil when both are empty. A renewed pair is taken up within a minute; a
// broken one is logged and the old one stays.
func ServerTLS(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	if certFile == "" && keyFile == "" {
		return nil, nil
	}
	if certFile == "" || keyFile == "" {
		return nil, fmt.Errorf("tls needs both cert_file and key_file")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	k := &keyPair{certFile: certFile, keyFile: keyFile, log: log, now: time.Now}
	if err := k.load(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.current(), nil },
	}, nil
}

// keyPair is a certificate that is looked at again once a minute, by the
// handshake that comes first after it.
type keyPair struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu     sync.Mutex
	cert   *tls.Certificate
	seen   [2]time.Time // modification times of both files
	looked time.Time
}

func (k *keyPair) load() error {
	seen := k.modTimes()
	cert, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return fmt.Errorf("load certificate: %w", err)
	}
	k.cert, k.seen, k.looked = &cert, seen, k.now()
	return nil
}

func (k *keyPair) current() *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now().Sub(k.looked) < time.Minute {
		return k.cert
	}
	k.looked = k.now()
	if k.modTimes() != k.seen {
		if err := k.load(); err != nil {
			k.log.Error("the renewed certificate cannot be used; the old one stays", "err", err)
		}
	}
	return k.cert
}

func (k *keyPair) modTimes() (times [2]time.Time) {
	for i, path := range [2]string{k.certFile, k.keyFile} {
		if info, err := os.Stat(path); err == nil {
			times[i] = info.ModTime()
		}
	}
	return times
}

package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/access"
)

// Result is what one check found.
type Result struct {
	Time    int64  `json:"time"` // unix ms, of its begin
	Success bool   `json:"success"`
	Correct *bool  `json:"correct"` // nil: nothing is expected, or no answer came
	Code    string `json:"code"`    // why not; empty is well
	Reason  string `json:"reason"`  // the same in a sentence, without secrets
	// Seconds is the whole check, Phases its parts: resolve, connect, tls,
	// processing (until the first byte of the answer) and transfer.
	Seconds    float64            `json:"seconds"`
	Phases     map[string]float64 `json:"phases"`
	Status     int                `json:"status"`      // of HTTP; 0 is none
	CertExpiry int64              `json:"cert_expiry"` // unix ms, the earliest of the chain; 0 is none
}

// State is a probe and what it found last.
type State struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Model    string  `json:"model"`
	Target   string  `json:"target"`
	Interval int64   `json:"interval_ms"`
	Timeout  int64   `json:"timeout_ms"`
	Next     int64   `json:"next"`     // unix ms
	Failures int     `json:"failures"` // in a row
	Wrong    int     `json:"wrong_answers"`
	Last     *Result `json:"last"` // nil before the first round
}

func (r *running) state() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return State{
		Name: r.spec.Name, Kind: r.spec.Kind, Model: r.spec.Model, Target: r.spec.label(),
		Interval: r.spec.Interval.Milliseconds(), Timeout: r.spec.Timeout.Milliseconds(),
		Next: r.next.UnixMilli(), Failures: r.failures, Wrong: r.wrong, Last: r.last,
	}
}

// Why a probe failed.
const (
	codeBlocked  = "blocked"  // by access.outgoing_allow
	codeDNS      = "dns"      // the name was not found
	codeConnect  = "connect"  // nobody answers there
	codeTLS      = "tls"      // the handshake or the certificate
	codeTimeout  = "timeout"  // not done in time
	codeProtocol = "protocol" // what came is not what the kind speaks
	codeStatus   = "status"   // a status that was not expected, or not serving
	codeRedirect = "redirect" // to somewhere else
	codeBody     = "body"     // the body is not as expected, or too large
	codeWrong    = "wrong"    // the answer is not as expected
)

// failure is a reason with its class.
type failure struct{ code, text string }

func (f *failure) Error() string { return f.text }

func failed(code, format string, args ...any) *failure {
	return &failure{code, fmt.Sprintf(format, args...)}
}

// wrongAnswer is an answer that came, and is not the expected one.
type wrongAnswer struct{ text string }

func (w *wrongAnswer) Error() string { return w.text }

func wrong(format string, args ...any) *wrongAnswer {
	return &wrongAnswer{fmt.Sprintf(format, args...)}
}

// judge completes a result with what a check returned.
func (r *Result) judge(err error, s *Spec) {
	var bad *wrongAnswer
	isWrong := errors.As(err, &bad)
	r.Success = err == nil || isWrong
	if r.Success && s.Expect.answers() {
		right := !isWrong
		r.Correct = &right
	}
	if err == nil {
		return
	}
	text := ""
	if r.Code, text = classify(err); r.Code == codeTimeout {
		text = fmt.Sprintf("not done within %s", s.Timeout)
		if len(r.Phases) == 0 {
			text += ": no connection"
		}
	}
	if r.CertExpiry == 0 {
		r.CertExpiry = expiryOf(err)
	}
	r.Reason = shown(text, s.Headers)
}

func classify(err error) (code, text string) {
	var f *failure
	var w *wrongAnswer
	var blocked *access.BlockedError
	var dns *net.DNSError
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &f):
		return f.code, f.text
	case errors.As(err, &w):
		return codeWrong, w.text
	case errors.As(err, &blocked):
		return codeBlocked, blocked.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return codeTimeout, ""
	case errors.As(err, &dns):
		return codeDNS, plain(err)
	case isTLS(err):
		return codeTLS, plain(err)
	case errors.As(err, &op) && op.Op == "dial":
		return codeConnect, plain(err)
	}
	return codeProtocol, plain(err)
}

func isTLS(err error) bool {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert) || strings.Contains(err.Error(), "tls: ")
}

// plain drops the URL, whose query may hold a secret.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

// shown cuts a reason to a length that a page can show and hides secrets: a
// server may send back what it was sent.
func shown(text string, headers []Header) string {
	for _, h := range headers {
		for _, secret := range append(strings.Fields(h.Value.Reveal()), h.Value.Reveal()) {
			if len(secret) >= 6 {
				text = strings.ReplaceAll(text, secret, "<redacted>")
			}
		}
	}
	return clip(text, 300)
}

func clip(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && text[cut]&0xC0 == 0x80 { // not inside a character
		cut--
	}
	return text[:cut] + "…"
}

// expiryOf finds the certificates that a failed handshake saw.
func expiryOf(err error) int64 {
	var verify *tls.CertificateVerificationError
	if errors.As(err, &verify) {
		return earliest(verify.UnverifiedCertificates)
	}
	return 0
}

// earliest is the first end of a chain in unix ms; 0 without certificates.
func earliest(chain []*x509.Certificate) int64 {
	var first time.Time
	for _, c := range chain {
		if first.IsZero() || c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	if first.IsZero() {
		return 0
	}
	return first.UnixMilli()
}

package syslog

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/logs"
	"github.com/leewayhq/leeway/internal/collect/logs/logtest"
	"github.com/leewayhq/leeway/internal/event"
)

func open(t *testing.T, change func(*Config), put func(context.Context, *event.Batch) error) *Server {
	t.Helper()
	cfg := Config{TCP: "127.0.0.1:0", Put: put}
	if change != nil {
		change(&cfg)
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeIt(t, s) })
	return s
}

func closeIt(t *testing.T, s *Server) {
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func dial(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestConformance(t *testing.T) {
	frame := map[string]func(string) string{
		"newline": func(m string) string { return m + "\n" },
		"octets":  func(m string) string { return fmt.Sprintf("%d %s", len(m), m) },
		"udp":     func(m string) string { return m },
	}
	for name, encode := range frame {
		t.Run(name, func(t *testing.T) {
			logtest.Run(t, func(t *testing.T) *logtest.Source {
				var c net.Conn
				return &logtest.Source{
					Start: func(put func(context.Context, *event.Batch) error) func() {
						s := open(t, func(c *Config) {
							if name == "udp" {
								c.TCP, c.UDP = "", "127.0.0.1:0"
							}
						}, put)
						c = dial(t, s.Addrs()[0])
						return func() { closeIt(t, s) }
					},
					Send: func(lines ...string) error {
						for _, line := range lines {
							m := "<14>1 2026-05-01T12:00:00Z h app 1 - - " + line
							if name == "udp" {
								m = m[:min(len(m), 60_000)]
							}
							if _, err := io.WriteString(c, encode(m)); err != nil {
								return err
							}
						}
						return nil
					},
				}
			})
		})
	}
}

var may = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestMessages(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`<165>1 2026-05-01T12:00:00.003Z host.example app 42 ID47 [ex@1 a="1" b="q\"\]\\"][y c=""] ` + "\ufeff" + `hello`,
			`1777636800003 notice app hello facility="local4" host="host.example" process="42" message_id="ID47" ex@1.a="1" ex@1.b="q\"]\\" y.c=""`},
		{`<34>1 - - - - - -`, `0 critical   facility="auth"`},
		{`<13>May  1 11:59:58 box sshd[77]: no entry`, `1777636798000 notice sshd no entry facility="user" host="box" process="77"`},
		{`<13>Dec 31 23:59:59 box cron: last year`, `1767225599000 notice cron last year facility="user" host="box"`},
		{`<13>2026-05-01T14:00:00+02:00 box app: x`, `1777636800000 notice app x facility="user" host="box"`},
		{`<13>only text`, `0 notice  only text facility="user"`},
		{`<13>1 broken`, `0 notice  1 broken facility="user"`},
		{`<192>x`, `0   <192>x`},
		{`no priority`, `0   no priority`},
		{`<14>1 2026-05-01T12:00:00Z h a - - [open x="`, `0 info  1 2026-05-01T12:00:00Z h a - - [open x=" facility="user"`},
	} {
		var l logs.Line
		parse(c.text, may, time.UTC, &l)
		got := fmt.Sprintf("%d %s %s %s", l.Time, l.Level, l.Service, l.Message)
		for _, f := range l.Fields {
			got += " " + f.Name + "=" + f.Raw
		}
		if got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestLimitsHold(t *testing.T) {
	d := logtest.NewDoor(t)
	s := open(t, func(c *Config) { c.HostConnections = 2 }, d.Put)
	one, two := dial(t, s.Addrs()[0]), dial(t, s.Addrs()[0])
	for i, c := range []net.Conn{one, two} {
		fmt.Fprintf(c, "<13>x: %d\n", i)
		d.Wait(i + 1)
	}
	three := dial(t, s.Addrs()[0])
	if _, err := three.Read(make([]byte, 1)); err == nil {
		t.Error("a third connection of one host is held open")
	}
	// Half a message, and then nothing: it holds up nobody else.
	fmt.Fprint(one, "<13>half")
	fmt.Fprint(two, "<13>x: whole\n")
	d.Wait(3)
	// A length that is none ends its connection.
	one.Close()
	logtest.Wait(t, "there is room again", func() bool {
		c := dial(t, s.Addrs()[0])
		fmt.Fprint(c, "99999999999 x")
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err := c.Read(make([]byte, 1))
		return err == io.EOF
	})
}

func TestWhatUDPCannotKeepIsCounted(t *testing.T) {
	d := logtest.NewDoor(t)
	d.Refuse(&decode.RetryError{Class: decode.ErrFull})
	s := open(t, func(c *Config) { c.TCP, c.UDP, c.UDPLines = "", "127.0.0.1:0", 1 }, d.Put)
	c := dial(t, s.Addrs()[0])
	logtest.Wait(t, "the door refuses", func() bool {
		fmt.Fprint(c, "<13>x: y")
		return d.Puts() > 2
	})
	d.Refuse(nil)
	logtest.Wait(t, "lines come through again", func() bool {
		fmt.Fprint(c, "<13>x: z")
		n := len(d.Lines())
		return n > 0 && d.Lines()[n-1].Message == "z"
	})
}

func TestOverTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	d := logtest.NewDoor(t)
	s := open(t, func(c *Config) {
		c.TCP, c.TLS = "", "127.0.0.1:0"
		c.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	}, d.Put)
	c, err := tls.Dial("tcp", s.Addrs()[0].String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "<11>app: over TLS\n")
	if l := d.Wait(1)[0]; l.Message != "over TLS" || l.Level != "error" || l.Service != "app" {
		t.Errorf("%+v", l)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`<165>1 2026-05-01T12:00:00.003Z h a 42 ID [ex a="1"] m`)
	f.Add(`<13>May  1 11:59:58 box sshd[77]: no`)
	f.Fuzz(func(t *testing.T, s string) {
		var l logs.Line
		parse(s, may, time.UTC, &l)
		if len(l.Message) > len(s) {
			t.Errorf("%q grew to %q", s, l.Message)
		}
		if _, _, ok := priority(s); !ok && l.Message != s {
			t.Errorf("%q became %q", s, l.Message)
		}
	})
}

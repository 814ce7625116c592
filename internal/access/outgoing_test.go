package access

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func newOutgoing(t *testing.T, allow ...string) *Outgoing {
	t.Helper()
	o, err := NewOutgoing(allow, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOutgoingAddresses(t *testing.T) {
	o := newOutgoing(t)
	for _, bad := range []string{
		"127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.1.1", "169.254.169.254", "fe80::1", "fe80::1%eth0",
		"224.0.0.1", "239.1.1.1", "ff02::1", "255.255.255.255", "100.100.100.200", "fd00:ec2::254", "168.63.129.16",
		"::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::127.0.0.1",
	} {
		var blocked *BlockedError
		if err := o.CheckAddr(netip.MustParseAddr(bad)); !errors.As(err, &blocked) {
			t.Errorf("%s: %v, want it blocked", bad, err)
		}
	}
	for _, good := range []string{"10.0.0.1", "192.168.1.1", "172.16.0.1", "8.8.8.8", "2001:db8::1", "fd00::1", "64:ff9b::808:808", "2002:808:808::"} {
		if err := o.CheckAddr(netip.MustParseAddr(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestOutgoingControl(t *testing.T) {
	o := newOutgoing(t)
	if err := o.Control("tcp4", "127.0.0.1:80", nil); err == nil {
		t.Error("loopback passed")
	}
	if err := o.Control("tcp6", "[fe80::1%eth0]:80", nil); err == nil {
		t.Error("link-local with a zone passed")
	}
	for _, network := range []string{"unix", "ip4:icmp"} {
		if err := o.Control(network, "10.0.0.1:1", nil); err == nil {
			t.Errorf("%s passed", network)
		}
	}
	if err := o.Control("tcp4", "10.0.0.1:80", nil); err != nil {
		t.Error(err)
	}
	if n := testutil.ToFloat64(o.refused); n != 2 {
		t.Errorf("%v refusals counted, want 2", n)
	}
}

// A real server on loopback must not be reached by address, by name, or by a
// redirect from an allowed place; the allow-list opens exactly what it names.
func TestOutgoingTransport(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer target.Close()
	u, _ := url.Parse(target.URL)
	byName := "http://localhost:" + u.Port()
	redirect := httptest.NewServer(http.RedirectHandler(byName, http.StatusFound))
	defer redirect.Close()
	r, _ := url.Parse(redirect.URL)

	get := func(o *Outgoing, url string) error {
		tr := o.Transport()
		defer tr.CloseIdleConnections()
		resp, err := (&http.Client{Transport: tr}).Get(url)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	cases := []struct {
		allow []string
		url   string
		ok    bool
	}{
		{nil, target.URL, false},
		{nil, byName, false},
		{[]string{"127.0.0.1"}, target.URL, true},
		{[]string{"127.0.0.0/8"}, target.URL, true},
		{[]string{"10.0.0.0/8"}, target.URL, false},
		{[]string{"localhost"}, byName, true},
		{[]string{"LOCALHOST:" + u.Port()}, byName, true},
		{[]string{"localhost:1"}, byName, false},
		{[]string{"localhost"}, target.URL, false},
		{[]string{"127.0.0.1:" + r.Port()}, redirect.URL, false},
		{[]string{"127.0.0.1:" + r.Port(), "localhost"}, redirect.URL, true},
	}
	for _, c := range cases {
		err := get(newOutgoing(t, c.allow...), c.url)
		if (err == nil) != c.ok {
			t.Errorf("allow %v, %s: %v, want ok %v", c.allow, c.url, err, c.ok)
		}
		var blocked *BlockedError
		if !c.ok && !errors.As(err, &blocked) {
			t.Errorf("allow %v, %s: %v is not a BlockedError", c.allow, c.url, err)
		}
	}
}

func TestOutgoingRefusesStrangeExceptions(t *testing.T) {
	for _, bad := range []string{"", "10.0.0.0/40", "http://x", "*.example.com", "a b"} {
		if _, err := NewOutgoing([]string{bad}, nil); err == nil {
			t.Errorf("NewOutgoing(%q) succeeded", bad)
		}
	}
}

var _ = net.Dialer{Control: (*Outgoing)(nil).Control} // the signature fits

package access

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// maxFailing bounds the addresses that are followed. When the table is full
// and none has recovered, further addresses share one bucket.
const maxFailing = 10_000

// failures limits how often one address may fail. It never refuses a valid
// credential: guessing 256 bits is hopeless, so the limit saves work and logs,
// and somebody else's mistakes must not stop a model's stream.
type failures struct {
	burst int
	every time.Duration
	now   func() time.Time

	mu sync.Mutex
	at map[netip.Prefix]time.Time // when the bucket of an address is empty again
}

func newFailures(c Config) *failures {
	return &failures{burst: c.FailuresBurst, every: c.FailuresEvery, now: time.Now, at: map[netip.Prefix]time.Time{}}
}

// add notes one failure of a remote address. It returns how long to wait when
// there were too many; 0 when this one is within the limit.
func (f *failures) add(remote string) time.Duration {
	key := sourceOf(remote)
	now := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	full, known := f.at[key]
	if !known && len(f.at) >= maxFailing && !f.forget(now) {
		key = netip.Prefix{}
		full = f.at[key]
	}
	if full.Before(now) {
		full = now
	}
	if wait := full.Sub(now) - time.Duration(f.burst-1)*f.every; wait > 0 {
		return wait
	}
	f.at[key] = full.Add(f.every)
	return 0
}

// forget drops addresses whose bucket is empty, and reports whether one was.
func (f *failures) forget(now time.Time) bool {
	before := len(f.at)
	for key, full := range f.at {
		if !full.After(now) {
			delete(f.at, key)
		}
	}
	return len(f.at) < before
}

// sourceOf is the part of an address that one caller owns: an IPv4 address or
// an IPv6 /64.
func sourceOf(remote string) netip.Prefix {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	prefix, _ := addr.Prefix(bits) // never fails: the bits fit the address
	return prefix
}

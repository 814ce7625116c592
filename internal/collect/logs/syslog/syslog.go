// Package syslog takes syslog over TCP, TLS and UDP: RFC 5424, and what is
// written in the way of RFC 3164.
//
// Syslog knows no answers: a sender never learns what became of a line. Over
// TCP a full queue therefore holds the connection up until there is room again,
// and the sender keeps what it has; over UDP lines wait in a bounded buffer,
// and what finds it full is dropped and counted. What was read is delivered
// when the server stops.
//
// One goroutine belongs to each connection, two to each UDP socket, one to each
// listener. Close ends them and waits.
package syslog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/leewayhq/leeway/internal/collect/logs"
)

// Server listens.
type Server struct {
	cfg     Config
	sink    *logs.Sink
	parser  *logs.Parser
	metrics *metrics
	rates   rates

	ctx     context.Context // ends a while after stop
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
	packets   []*net.UDPConn
	conns     map[net.Conn]netip.Addr
}

// Open listens on every address, or on none.
func Open(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	sink, err := logs.NewSink(logs.SinkConfig{Source: "syslog", Put: cfg.Put, Now: cfg.Now, Registerer: cfg.Registerer})
	if err != nil {
		return nil, err
	}
	parser, err := logs.NewParser(cfg.Parse)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, sink: sink, parser: parser, metrics: newMetrics(cfg.Registerer), conns: map[net.Conn]netip.Addr{}}
	s.rates = rates{limit: cfg.Rate}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) listen() error {
	for _, l := range []struct {
		address string
		tls     *tls.Config
	}{{s.cfg.TCP, nil}, {s.cfg.TLS, s.cfg.TLSConfig}} {
		if l.address == "" {
			continue
		}
		ln, err := net.Listen("tcp", l.address)
		if err != nil {
			return fmt.Errorf("syslog: %w", err)
		}
		s.listeners = append(s.listeners, ln)
		s.running.Go(func() { s.accept(ln, l.tls) })
	}
	if s.cfg.UDP == "" {
		return nil
	}
	addr, err := net.ResolveUDPAddr("udp", s.cfg.UDP)
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	c, err := net.ListenUDP("udp", addr)
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	_ = c.SetReadBuffer(4 << 20) // the system may give less
	s.packets = append(s.packets, c)
	lines := make(chan logs.Line, s.cfg.UDPLines)
	s.running.Go(func() { s.receive(c, lines) })
	s.running.Go(func() { s.drain(lines) })
	return nil
}

// Addrs are the addresses of TCP, TLS and UDP that are listened on, in this
// order.
func (s *Server) Addrs() (out []net.Addr) {
	for _, l := range s.listeners {
		out = append(out, l.Addr())
	}
	for _, p := range s.packets {
		out = append(out, p.LocalAddr())
	}
	return out
}

// stopTime is what lines that were read may take to be delivered at a stop.
const stopTime = 2 * time.Second

// Close stops listening and delivers what was read.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.SetReadDeadline(time.Unix(1, 0)) // what stands in its buffer is still read
	}
	s.mu.Unlock()
	var err error
	for _, l := range s.listeners {
		err = errors.Join(err, ignoreClosed(l.Close()))
	}
	for _, p := range s.packets {
		err = errors.Join(err, ignoreClosed(p.Close()))
	}
	end := time.AfterFunc(stopTime, s.cancel)
	s.running.Wait()
	end.Stop()
	s.cancel()
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (s *Server) accept(ln net.Listener, conf *tls.Config) {
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as too many open files
			s.cfg.Logger.Warn("a connection of syslog was not accepted", "err", err)
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		if conf != nil {
			c = tls.Server(c, conf)
		}
		if !s.join(c) {
			_ = c.Close() // nothing was promised
			continue
		}
		s.running.Go(func() { s.serve(c) })
	}
}

// join lets a connection in unless there are too many, of all or of its host.
func (s *Server) join(c net.Conn) bool {
	addr := addrOf(c.RemoteAddr())
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.allowed(addr) {
		s.metrics.refused.Inc()
		return false
	}
	same := 0
	for _, a := range s.conns {
		if a == addr {
			same++
		}
	}
	if s.closed || len(s.conns) >= s.cfg.Connections || same >= s.cfg.HostConnections {
		s.metrics.refused.Inc()
		return false
	}
	s.conns[c] = addr
	s.metrics.connections.Set(float64(len(s.conns)))
	return true
}

// allowed tells whether a host may send: syslog has nothing else to know it by.
func (s *Server) allowed(addr netip.Addr) bool {
	return addr.IsLoopback() || slices.ContainsFunc(s.cfg.Allow, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func (s *Server) leave(c net.Conn) {
	_ = c.Close() // all that came was read
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.metrics.connections.Set(float64(len(s.conns)))
}

func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// batchLines is the most lines that go to the door at once.
const batchLines = 1000

// serve reads a connection to its end. The lines that are there go together.
func (s *Server) serve(c net.Conn) {
	defer s.leave(c)
	r := &frames{r: bufio.NewReaderSize(c, logs.MaxLine+16)}
	addr := addrOf(c.RemoteAddr())
	for {
		s.mu.Lock()
		if !s.closed {
			_ = c.SetReadDeadline(s.cfg.Now().Add(s.cfg.IdleTimeout)) // what fails is seen by the read
		}
		s.mu.Unlock()
		var lines []logs.Line
		text, cut, err := r.next()
		for err == nil {
			lines = append(lines, s.line(text, cut, addr))
			if len(lines) == batchLines || !r.more() {
				break
			}
			text, cut, err = r.next()
		}
		if !s.pace(addr, len(lines)) || s.deliver(lines) != nil {
			return
		}
		if err != nil {
			s.ended(err)
			return
		}
	}
}

func (s *Server) ended(err error) {
	if errors.Is(err, errFrame) {
		s.metrics.malformed.Inc()
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		s.metrics.timeouts.Inc()
	}
}

// pace waits while a host is over its rate; its connection waits with it.
func (s *Server) pace(addr netip.Addr, n int) bool {
	l := s.rates.of(addr)
	if l == nil || n == 0 {
		return true
	}
	return l.WaitN(s.ctx, min(n, l.Burst())) == nil
}

func (s *Server) deliver(lines []logs.Line) error {
	if err := s.sink.Deliver(s.ctx, lines, ""); err != nil {
		s.sink.Drop("not_taken", len(lines))
		return err
	}
	return nil
}

func (s *Server) line(text []byte, cut bool, addr netip.Addr) logs.Line {
	l := logs.Line{Service: s.cfg.Service, Cut: cut}
	parse(string(text), s.cfg.Now(), s.cfg.Zone, &l)
	if addr.IsValid() {
		l.Set("from", addr.String())
	}
	s.parser.Parse(l.Message, &l)
	return l
}

// receive reads datagrams, each of which is one line.
func (s *Server) receive(c *net.UDPConn, lines chan<- logs.Line) {
	defer close(lines)
	buf := make([]byte, 1<<16)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP answer of somebody
		}
		addr := from.Addr().Unmap()
		if !s.allowed(addr) {
			s.sink.Drop("not_allowed", 1)
			continue
		}
		if l := s.rates.of(addr); l != nil && !l.Allow() {
			s.sink.Drop("too_fast", 1)
			continue
		}
		text := bytes.TrimRight(buf[:n], "\r\n\x00")
		if len(text) == 0 {
			continue
		}
		select {
		case lines <- s.line(text, false, addr):
		default:
			s.sink.Drop("udp_full", 1)
		}
	}
}

func (s *Server) drain(lines <-chan logs.Line) {
	for l := range lines {
		batch := []logs.Line{l}
		for more := true; more && len(batch) < batchLines; {
			select {
			case l, ok := <-lines:
				if more = ok; ok {
					batch = append(batch, l)
				}
			default:
				more = false
			}
		}
		_ = s.deliver(batch) // it has counted what is lost
	}
}

// frames are the messages of a stream, RFC 6587: with their length before them,
// or one a line. The first byte of a stream tells which.
type frames struct {
	r       *bufio.Reader
	began   bool
	counted bool
}

var errFrame = errors.New("not a length and a message")

// next is valid until the next call.
func (f *frames) next() (text []byte, cut bool, err error) {
	if !f.began {
		b, err := f.r.Peek(1)
		if err != nil {
			return nil, false, err
		}
		f.began, f.counted = true, b[0] >= '1' && b[0] <= '9'
	}
	if f.counted {
		return f.octets()
	}
	for len(text) == 0 { // empty lines are none
		text, err = f.r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			cut = true
			kept := append([]byte(nil), text[:logs.MaxLine]...)
			for err == bufio.ErrBufferFull {
				_, err = f.r.ReadSlice('\n')
			}
			return kept, cut, ignoreEOF(err)
		}
		text = bytes.TrimRight(text, "\r\n\x00")
		if err != nil && len(text) == 0 {
			return nil, false, err
		}
	}
	return text, false, ignoreEOF(err)
}

// ignoreEOF lets a last line without an end count; the next read tells of the end.
func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func (f *frames) octets() ([]byte, bool, error) {
	digits, err := f.r.ReadSlice(' ')
	if err != nil && len(digits) == 0 {
		return nil, false, err
	}
	n, bad := strconv.ParseUint(string(bytes.TrimSuffix(bytes.TrimLeft(digits, "\n"), []byte{' '})), 10, 31)
	if err != nil || bad != nil || n > maxFrame {
		return nil, false, errFrame
	}
	text := make([]byte, min(n, logs.MaxLine))
	if _, err := io.ReadFull(f.r, text); err != nil {
		return nil, false, err
	}
	if _, err := f.r.Discard(int(n) - len(text)); err != nil {
		return nil, false, err
	}
	return bytes.TrimRight(text, "\r\n\x00"), int(n) > len(text), nil
}

// maxFrame is the longest message that is read, of which MaxLine is kept.
const maxFrame = 16 << 20

// more tells whether the next message is there already.
func (f *frames) more() bool {
	n := f.r.Buffered()
	if n == 0 {
		return false
	}
	b, err := f.r.Peek(n)
	if err != nil {
		return false
	}
	if !f.counted {
		return bytes.IndexByte(b, '\n') >= 0
	}
	digits, _, ok := bytes.Cut(b, []byte{' '})
	length, err := strconv.ParseUint(string(bytes.TrimLeft(digits, "\n")), 10, 31)
	return ok && err == nil && int(length) <= n-len(digits)-1
}

// rates is a token bucket a host.
type rates struct {
	limit float64
	mu    sync.Mutex
	hosts map[netip.Addr]*rate.Limiter
}

const maxHosts = 10_000

func (r *rates) of(addr netip.Addr) *rate.Limiter {
	if r.limit <= 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.hosts[addr]
	if l == nil {
		if r.hosts == nil || len(r.hosts) >= maxHosts {
			r.hosts = map[netip.Addr]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Limit(r.limit), int(max(1, 10*r.limit)))
		r.hosts[addr] = l
	}
	return l
}

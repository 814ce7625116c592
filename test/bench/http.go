package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leewayhq/leeway/internal/collect/rest"
)

// work is what the load generator is told to send. It runs in a process of its
// own on another core, so its time is not counted.
type work struct {
	Addr     string
	Format   string // arrow, ndjson, json
	Rows     int    // a request
	Requests int
	Conns    int
	First    int // number of the first id
}

// overHTTP measures the path with the network before it.
func overHTTP(r *report) error {
	for _, c := range []struct {
		name string
		work work
		goal float64
		text string
	}{
		{"Arrow, 10,000 rows a request", work{Format: "arrow", Rows: batchRows, Requests: r.scale(200), Conns: 4}, 333, "3 M rows/s (5 M is the mark)"},
		{"Arrow, 100 rows a request", work{Format: "arrow", Rows: 100, Requests: r.scale(4000), Conns: 64}, 0, ""},
		{"NDJSON, 2,000 rows a request", work{Format: "ndjson", Rows: 2000, Requests: r.scale(200), Conns: 4}, 1667, "600,000 rows/s"},
		{"NDJSON, 10 rows a request", work{Format: "ndjson", Rows: 10, Requests: r.scale(20_000), Conns: 64}, 0, ""},
		{"JSON, one event a request, 256 connections", work{Format: "json", Rows: 1, Requests: r.scale(40_000), Conns: 256}, 125_000, "8,000 requests/s"},
	} {
		if !strings.Contains(c.name, r.match) {
			continue
		}
		cost, err := r.served(c.work)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		unit := "row"
		if c.work.Rows == 1 {
			unit = "request"
		}
		l := r.cost("HTTP to commit: 20 features, "+c.name, unit, cost)
		if c.goal > 0 {
			l.atMost(c.goal, c.text)
		}
	}
	return nil
}

// served sends one work to a site behind an HTTP listener.
func (r *report) served(w work) (cost, error) {
	s, err := newSite()
	if err != nil {
		return cost{}, err
	}
	h, err := rest.New(rest.Config{Put: s.door.Put})
	if err != nil {
		return cost{}, err
	}
	mux := http.NewServeMux()
	h.Routes(mux)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return cost{}, err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	w.Addr = l.Addr().String()
	w.First = 1 << 40
	warm := w
	warm.Requests = max(w.Conns, 8, min(w.Requests, warmRows/w.Rows))
	c, err := r.sent(warm, s)
	if err == nil {
		w.First = 0
		c, err = r.sent(w, s)
	}
	if e := server.Close(); err == nil {
		err = e
	}
	if e := s.close(); err == nil {
		err = e
	}
	return c, err
}

// sent starts the client, waits until it is prepared, lets it go, and counts
// until all that it sent is committed.
func (r *report) sent(w work, s *site) (cost, error) {
	text, err := json.Marshal(w)
	if err != nil {
		return cost{}, err
	}
	cmd, err := ownProcess("-client", string(text))
	if err != nil {
		return cost{}, err
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return cost{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return cost{}, err
	}
	if err := startOn(cmd, otherCore(r.core)); err != nil {
		return cost{}, err
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		return cost{}, fmt.Errorf("the load generator did not begin: %w", err)
	}
	return once(w.Requests*w.Rows, func() error {
		if _, err := io.WriteString(in, "go\n"); err != nil {
			return err
		}
		if err := cmd.Wait(); err != nil {
			return err
		}
		return s.settle()
	})
}

// client sends a work.
type client struct {
	work
	http   http.Client
	kind   string
	next   atomic.Int64
	failed atomic.Pointer[error]
}

// runClient is the process of the load generator.
func runClient(text string) error {
	c := &client{}
	if err := json.Unmarshal([]byte(text), &c.work); err != nil {
		return err
	}
	c.http.Transport = &http.Transport{MaxIdleConnsPerHost: c.Conns, MaxConnsPerHost: c.Conns, DisableCompression: true}
	c.kind = map[string]string{"arrow": "application/vnd.apache.arrow.stream", "ndjson": "application/x-ndjson", "json": "application/json"}[c.Format]
	bodies := make([]*body, c.Conns)
	for i := range bodies {
		var err error
		if bodies[i], err = c.prepare(uint64(i % 8)); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, b := range bodies {
		wg.Go(func() { c.send(b) })
	}
	wg.Wait()
	if err := c.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// body is one connection's request, sent again and again with other ids.
type body struct {
	bytes  []byte
	places []int
}

func (c *client) prepare(seed uint64) (*body, error) {
	b := renamed(template(twenty(c.Rows), seed), 1<<50+int(seed)*c.Rows, now())
	var text []byte
	var err error
	switch c.Format {
	case "arrow":
		text, err = arrowBody(b)
	case "ndjson":
		text = jsonLines(b, 6)
	default:
		text = jsonRow(nil, b, 0, 6)
	}
	if err != nil {
		return nil, err
	}
	places, err := idPlaces(text, b)
	return &body{text, places}, err
}

func (c *client) send(b *body) {
	for c.failed.Load() == nil {
		i := int(c.next.Add(1)) - 1
		if i >= c.Requests {
			return
		}
		rename(b.bytes, b.places, c.First+i*c.Rows)
		if err := c.post(b.bytes); err != nil {
			c.failed.Store(&err)
		}
	}
}

func (c *client) post(text []byte) error {
	resp, err := c.http.Post("http://"+c.Addr+"/api/v1/models/m/predictions", c.kind, bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || !bytes.Contains(answer, fmt.Appendf(nil, `"accepted":%d,`, c.Rows))) {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return err
}

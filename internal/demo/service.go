package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/leewayhq/leeway/client"
)

// question is the body of POST /{model}/predict; an answer is that of its reply.
type question struct {
	ID       string         `json:"id"`
	Features map[string]any `json:"features"`
}

const maxQuestion = 64 << 10

// service answers with the newer version of each model, and reports what it did.
type service struct {
	url    string
	failed chan error
	server *http.Server
	leeway *client.Client
	models map[string]*subject

	mu     sync.Mutex
	random *rand.Rand
	asked  int
}

// serve starts the model service on a loopback port of the system's choice.
func (d *demo) serve() (*service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the model service: %w", err)
	}
	s := &service{
		url: "http://" + listener.Addr().String(), failed: make(chan error, 1),
		leeway: d.leeway, models: map[string]*subject{}, random: stream(d.Seed, 100),
	}
	for _, m := range d.subjects {
		s.models[m.name] = m
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{model}/predict", s.predict)
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := s.server.Serve(listener); err != http.ErrServerClosed {
			s.failed <- fmt.Errorf("demo: the model service: %w", err)
		}
	}()
	s.log("info", "", "the model service is up", map[string]any{"address": s.url})
	return s, nil
}

func (s *service) close(ctx context.Context) {
	s.log("info", "", "the model service stops", nil)
	if s.server.Shutdown(ctx) != nil {
		s.server.Close()
	}
}

func (s *service) log(level, model, message string, attrs map[string]any) {
	s.leeway.Log(client.LogLine{Level: level, Service: "demo-models", Model: model, Message: message, Attrs: attrs})
}

// luck is what chance has for one request.
type luck struct {
	wait   time.Duration
	fails  bool
	number int
}

// logNormalSpread makes the 95th percentile of latency 1.8 times its median.
const logNormalSpread = 0.35

func (s *service) luck(m *subject) luck {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return luck{number: s.asked, wait: latency(s.random, m), fails: s.random.Float64() < m.errorRate}
}

func latency(r *rand.Rand, m *subject) time.Duration {
	return time.Duration(m.latencyMS * math.Exp(logNormalSpread*r.NormFloat64()) * float64(time.Millisecond))
}

func (s *service) predict(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	m := s.models[r.PathValue("model")]
	var q question
	if m == nil {
		http.NotFound(w, r)
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion)).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	luck := s.luck(m)
	wait := time.NewTimer(luck.wait) // the work that a larger model would do
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.Context().Done():
		return
	}
	p := client.Prediction{Model: m.name, ID: q.ID, Time: start, Version: m.new.name, Features: q.Features, Segments: m.segmentsOf(q.Features)}
	if luck.fails {
		p.Error = "feature store timeout"
		http.Error(w, p.Error, http.StatusInternalServerError)
	} else {
		a := m.new.predict(q.Features)
		p.Prediction, p.Score, p.Scores = a.Prediction, a.Score, a.Scores
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a) // the caller's loss if it went away
	}
	p.Latency = time.Since(start)
	s.leeway.Predict(p)
	s.logRequest(m, &p, luck.number)
}

func (m *subject) segmentsOf(features map[string]any) map[string]string {
	out := map[string]string{}
	for _, name := range m.segments {
		if v, ok := features[name].(string); ok {
			out[name] = v
		}
	}
	return out
}

// logRequest writes what a service's log would say: every failure, and of the
// rest enough to see it live.
func (s *service) logRequest(m *subject, p *client.Prediction, number int) {
	attrs := map[string]any{"id": p.ID, "latency_ms": rounded(float64(p.Latency)/float64(time.Millisecond), 1), "version": p.Version}
	switch {
	case p.Error != "":
		s.log("error", m.name, "prediction failed: "+p.Error, attrs)
	case number%10 == 0 && p.Features["channel"] == "partner":
		s.log("warning", m.name, `unknown category "partner" in feature channel`, attrs)
	case number%10 == 5 && m.name == "credit-risk" && p.Features["employment_years"] == nil:
		s.log("warning", m.name, "feature employment_years is missing, the mean is used", attrs)
	case number%10 == 0:
		s.log("info", m.name, fmt.Sprintf("predicted %v", p.Prediction), attrs)
	}
}

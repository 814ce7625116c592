package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Request is one call of the API.
type Request struct {
	Method, Path, Type, Token, BatchID string
	Header                             map[string]string
	Body                               []byte
}

// Do makes a request and gives status and body; err is that of the network.
func (s *Server) Do(r Request) (status int, body []byte, err error) {
	req, err := http.NewRequest(r.Method, s.URL+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return 0, nil, err
	}
	for name, value := range map[string]string{"Content-Type": r.Type, "Leeway-Batch-Id": r.BatchID} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// Get reads an answer into v.
func (s *Server) Get(path string, v any) error {
	status, body, err := s.Do(Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET %s: %d: %s", path, status, body)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("GET %s: %w in %s", path, err, body)
	}
	return nil
}

// MustGet is Get that fails the test.
func (s *Server) MustGet(path string, v any) {
	s.t.Helper()
	if err := s.Get(path, v); err != nil {
		s.t.Fatal(err)
	}
}

// Must makes a request whose answer has to be the given status.
func (s *Server) Must(status int, r Request) []byte {
	s.t.Helper()
	got, body, err := s.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != status {
		s.t.Fatalf("%s %s: %d, wanted %d: %s", r.Method, r.Path, got, status, body)
	}
	return body
}

// Send posts rows as NDJSON and fails the test unless all are accepted.
func (s *Server) Send(path string, rows []byte) {
	s.t.Helper()
	var a struct{ Accepted, Rejected int }
	body := s.Must(http.StatusOK, Request{Method: http.MethodPost, Path: path, Type: "application/x-ndjson", Body: rows})
	if err := json.Unmarshal(body, &a); err != nil || a.Rejected > 0 || a.Accepted != bytes.Count(rows, []byte{'\n'}) {
		s.t.Fatalf("POST %s: %v %s", path, err, body)
	}
}

// Value is a number of an answer, or null and the reason.
type Value struct {
	Value     *float64
	Reason    string
	Low, High *float64
	N         int64
	Bound     float64
}

// Window is one window of the quality answer.
type Window struct {
	From, To    string
	Dataset     string
	Predictions int64
	Labels      int64
	Coverage    *float64
	Metrics     map[string]Value
	Confusion   *struct {
		Classes []string
		Matrix  [][]int64 // by true class, then by predicted class
	}
}

// Quality asks for the quality of a model; query may be empty.
func (s *Server) Quality(model, query string) ([]Window, error) {
	var a struct{ Windows []Window }
	err := s.Get("/api/v1/models/"+model+"/quality?"+query, &a)
	return a.Windows, err
}

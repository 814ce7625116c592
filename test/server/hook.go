package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Hook is a receiver of webhooks. It lives in the test, so it stays while
// servers come and go.
type Hook struct {
	URL string
	mu  sync.Mutex
	got []Message
}

// Message is a notification in Alertmanager's form.
type Message struct {
	Status   string
	GroupKey string `json:"groupKey"`
	Alerts   []struct {
		Status      string
		Labels      map[string]string
		Fingerprint string
		StartsAt    string `json:"startsAt"`
	}
}

// NewHook starts a receiver.
func NewHook(t testing.TB) *Hook {
	h := &Hook{}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	h.URL = s.URL
	return h
}

func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m Message
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, m)
}

// Count tells how many notifications said that the rule's alert of the model
// has the status.
func (h *Hook) Count(model, rule, status string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.got {
		for _, a := range m.Alerts {
			if a.Labels["model"] == model && a.Labels["rule"] == rule && a.Status == status {
				n++
			}
		}
	}
	return n
}

// Messages are all that came so far.
func (h *Hook) Messages() []Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

package access

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"testing"
	"time"
)

func TestWriteProblem(t *testing.T) {
	w := httptest.NewRecorder()
	WriteProblem(w, Problem{Status: 429, Code: "rate", Detail: "too fast", RetryAfter: 1200 * time.Millisecond})
	if w.Code != 429 || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Retry-After") != "2" {
		t.Fatalf("got %d %v", w.Code, w.Header())
	}
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"type": "about:blank", "title": "Too Many Requests", "status": 429.0, "detail": "too fast", "code": "rate"}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s = %v, want %v", k, got[k], v)
		}
	}
}

func TestWriteProblemWithParamsJSONCannotSay(t *testing.T) {
	w := httptest.NewRecorder()
	WriteProblem(w, Problem{Code: "x", Params: map[string]any{"v": math.NaN()}})
	var got Problem
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 500 || got.Code != "x" {
		t.Fatalf("got %d %s, %v", w.Code, w.Body, err)
	}
}

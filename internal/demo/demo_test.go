package demo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/rest"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/queue/segment"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// site is Leeway from the door to the profiles, and what the demo asks of its
// dashboard.
type site struct {
	*httptest.Server
	t        *testing.T
	store    *profiles.Store
	registry *model.Registry
	logs     lines
	proc     *process.Processor
}

// settled tells that all that was taken is in the profiles.
func (s *site) settled() bool {
	for _, p := range s.proc.Status() {
		if p.Next < p.End {
			return false
		}
	}
	return true
}

// lines keeps log lines in memory.
type lines struct {
	mu   sync.Mutex
	seen []string
}

func (l *lines) Append(_ context.Context, _ int, _ uint64, batches []*event.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range batches {
		for i := range b.Rows {
			l.seen = append(l.seen, string(b.Message.At(i)))
		}
	}
	return nil
}

func (l *lines) Rewind(int) {}

func (l *lines) Flush(context.Context, int) error { return nil }

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.seen, text)
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir, s := t.TempDir(), &site{t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log, err := segment.Open(segment.Config{Dir: filepath.Join(dir, "queue"), Partitions: 2})
	must(err)
	s.store, err = profiles.Open(profiles.Config{Dir: filepath.Join(dir, "state")})
	must(err)
	proc, err := process.Open(process.Config{Log: log, Profiles: s.store, JoinDir: filepath.Join(dir, "join"), StepTime: 5 * time.Millisecond, Logs: &s.logs})
	must(err)
	proc.Start()
	s.proc = proc
	s.registry, err = model.Open(model.Config{Dir: filepath.Join(dir, "models")})
	must(err)
	door := collect.New(collect.Config{Log: log, Registry: s.registry})
	handler, err := rest.New(rest.Config{Put: door.Put})
	must(err)
	mux := http.NewServeMux()
	handler.Routes(mux)
	mux.HandleFunc("GET /api/v1/models/{model}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.registry.Get(r.PathValue("model")); err != nil {
			http.NotFound(w, r)
		}
	})
	mux.HandleFunc("PUT /api/v1/models/{model}", func(w http.ResponseWriter, r *http.Request) {
		var d model.Declaration
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&d); err != nil {
			t.Error(err)
		}
		if _, err := s.registry.Declare(r.PathValue("model"), d); err != nil {
			t.Error(err)
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		door.Close()
		proc.Close()
		s.store.Close()
		log.Close()
	})
	return s
}

func (s *site) merged(set profiles.Set, name, segment string) *profile.Profile {
	p, err := s.store.Merged(context.Background(), profiles.Query{Set: set, Model: name, Segment: segment})
	if err != nil {
		s.t.Fatal(err)
	}
	if p == nil {
		p = &profile.Profile{}
	}
	if p.Quality == nil {
		p.Quality = &profile.Quality{}
	}
	return p
}

// until waits for something that the demo brings about.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(60*time.Second)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never: ", what)
		}
	}
}

// start runs a demo and returns how to stop it.
func start(t *testing.T, o Options) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestHistoryThenDrift(t *testing.T) {
	s := newSite(t)
	o := Options{BaseURL: s.URL, Story: Story{
		History: 7 * time.Hour, HealthyFor: time.Millisecond, Ramp: time.Millisecond, DriftFor: time.Hour,
		LabelsAfter: time.Millisecond, LabelsWithin: 20 * time.Millisecond, Speed: 4,
	}}
	stop := start(t, o)
	until(t, "labelled live predictions of the new channel", func() bool {
		return s.merged(profiles.ByEvaluation, "credit-risk", "channel=partner").Quality.Labels > 60
	})
	until(t, "live rows of the quiet models", func() bool {
		return s.merged(profiles.ByEvaluation, "delivery-time", "").Quality.Labels > warmRows+3 && s.merged(profiles.ByEvaluation, "ticket-router", "").Quality.Labels > warmRows+3
	})
	until(t, "the service's log", func() bool {
		return s.logs.has("the model service is up") && s.logs.has(`unknown category "partner" in feature channel`)
	})
	stop()
	until(t, "the end of processing", s.settled)
	m, err := s.registry.Get("credit-risk")
	if err != nil || m.Title != "Credit risk" || m.Positive != "default" || len(m.Versions) != 2 || len(m.Features) != 14 || event.Task(m.Task) != event.Binary {
		t.Errorf("%+v %v", m, err)
	}
	all, live := s.merged(profiles.ByPrediction, "credit-risk", ""), s.merged(profiles.ByEvaluation, "credit-risk", "")
	history := all.Predictions - live.Predictions
	if want := int64(7 * 60 * 24 * 4); history < want/2 || history > 2*want {
		t.Errorf("%d rows of history, about %d wanted", history, want)
	}
	if coverage := float64(all.Quality.Labels) / float64(all.Predictions); coverage < 0.9 {
		t.Errorf("labels for %.2f of the predictions", coverage)
	}
	partner := s.merged(profiles.ByEvaluation, "credit-risk", "channel=partner").Quality
	if accuracy := float64(partner.TP+partner.TN) / float64(partner.Labels); accuracy > 0.75 {
		t.Errorf("accuracy %.2f of the channel that drifts", accuracy)
	}
	if m, err := s.registry.Get("ticket-router"); err != nil || event.Task(m.Task) != event.Multiclass {
		t.Errorf("%+v %v", m, err)
	}
	// A second demo on the same data goes on, and fills nothing.
	stop = start(t, o)
	until(t, "a second demo's traffic", func() bool {
		return s.merged(profiles.ByEvaluation, "credit-risk", "").Predictions > live.Predictions+warmRows+20
	})
	stop()
	until(t, "the end of processing", s.settled)
	again, liveAgain := s.merged(profiles.ByPrediction, "credit-risk", ""), s.merged(profiles.ByEvaluation, "credit-risk", "")
	if again.Predictions-liveAgain.Predictions != history {
		t.Errorf("the history grew from %d to %d", history, again.Predictions-liveAgain.Predictions)
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	if err := Run(t.Context(), Options{BaseURL: s.URL}); err == nil {
		t.Error("no error")
	}
}

// The service answers what it cannot do as a service should, and goes on.
func TestServiceRefuses(t *testing.T) {
	s := newSite(t)
	o := Options{BaseURL: s.URL, Story: Story{History: -1}}
	o.setDefaults()
	d := &demo{Options: o, subjects: subjects(1), http: http.DefaultClient}
	d.leeway = newClient(d)
	service, err := d.serve()
	if err != nil {
		t.Fatal(err)
	}
	defer service.close(t.Context())
	defer d.leeway.Close(t.Context())
	for path, want := range map[string]int{"/nothing/predict": http.StatusNotFound, "/credit-risk/predict": http.StatusBadRequest} {
		res, err := http.Post(service.url+path, "application/json", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Error(path, res.Status)
		}
	}
}

package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/value"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/event/sample"
)

// stored keeps what was put, as lines `name{probe phase}=value`.
type stored struct {
	mu   sync.Mutex
	rows []string
}

func (s *stored) put(_ context.Context, b *event.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Rows {
		key, _ := b.Points.Series.At(i)
		ls, err := sample.Labels(key)
		if err != nil {
			return err
		}
		v := fmt.Sprint(b.Points.Value.Values[i])
		if math.Float64bits(b.Points.Value.Values[i]) == value.StaleNaN {
			v = "stale"
		}
		s.rows = append(s.rows, fmt.Sprintf("%s{%s %s %s}=%s", ls.Get("__name__"), ls.Get("probe"), ls.Get("model"), ls.Get("phase"), v))
	}
	return nil
}

// take gives the rows of a series so far, and forgets all.
func (s *stored) take(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.rows {
		if strings.HasPrefix(r, name+"{") {
			_, v, _ := strings.Cut(r, "=")
			out = append(out, v)
		}
	}
	s.rows = nil
	return out
}

func newProber(t testing.TB, change func(*Config)) (*Prober, *stored) {
	t.Helper()
	out, err := access.NewOutgoing([]string{"127.0.0.1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &stored{}
	cfg := Config{Outgoing: out, Put: s.put}
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, s
}

// scripted is a check that does what a test says.
type scripted func(ctx context.Context, r *Result) error

func (s scripted) check(ctx context.Context, r *Result) error { return s(ctx, r) }
func (scripted) trusted() []byte                              { return nil }

// script makes a prober whose probes run fn, which gets the probe's name.
func script(t *testing.T, cfg func(*Config), fn func(ctx context.Context, name string, r *Result) error) (*Prober, *stored) {
	p, s := newProber(t, cfg)
	p.build = func(spec Spec, _ *Config) (checker, []Problem) {
		return scripted(func(ctx context.Context, r *Result) error { return fn(ctx, spec.Name, r) }), nil
	}
	return p, s
}

func specs(n int, interval time.Duration) []Spec {
	out := make([]Spec, n)
	for i := range out {
		out[i] = Spec{Name: fmt.Sprintf("p%d", i), Kind: TCP, Target: "h:1", Interval: interval}
	}
	return out
}

func set(t *testing.T, p *Prober, list []Spec) {
	t.Helper()
	if err := p.Set(list); err != nil {
		t.Fatal(err)
	}
}

func TestRoundsAreSpreadAndRegular(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		at := map[string][]float64{}
		p, _ := script(t, nil, func(_ context.Context, name string, _ *Result) error {
			mu.Lock()
			defer mu.Unlock()
			at[name] = append(at[name], time.Since(start).Seconds())
			return nil
		})
		set(t, p, specs(3, 30*time.Second))
		time.Sleep(70 * time.Second)
		synctest.Wait()
		p.Close()
		for name, want := range map[string][]float64{"p0": {0, 30, 60}, "p1": {5, 35, 65}, "p2": {10, 40, 70}} {
			if !slices.Equal(at[name], want) {
				t.Errorf("%s ran at %v, want %v", name, at[name], want)
			}
		}
	})
}

func TestNoMoreChecksAtOnceThanSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most, runs := 0, 0, 0
		p, _ := script(t, func(c *Config) { c.Concurrency, c.Spread = 2, time.Nanosecond }, func(ctx context.Context, _ string, _ *Result) error {
			mu.Lock()
			now++
			runs++
			most = max(most, now)
			mu.Unlock()
			<-ctx.Done() // hangs until its timeout
			mu.Lock()
			now--
			mu.Unlock()
			return ctx.Err()
		})
		set(t, p, specs(6, 10*time.Second)) // each takes 10 s: two of six can run
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if most != 2 || runs < 10 {
			t.Errorf("%d at once in %d runs, want 2 in 10 or more", most, runs)
		}
		p.Close()
		if n := testutil.ToFloat64(p.met.missed); n < 10 {
			t.Errorf("%v rounds missed; 6 probes wanted 36 and got %d", n, runs)
		}
		for _, s := range p.States() {
			if s.Last != nil && (s.Last.Success || s.Last.Code != codeTimeout || !strings.Contains(s.Last.Reason, "10s")) {
				t.Errorf("%+v", s.Last)
			}
		}
	})
}

func TestFailuresAndWrongAnswersAreCountedInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outcomes := []error{nil, errors.New("x"), errors.New("x"), wrong("no"), wrong("no"), nil}
		i := -1
		p, s := script(t, nil, func(context.Context, string, *Result) error { i++; return outcomes[min(i, len(outcomes)-1)] })
		list := specs(1, 10*time.Second)
		list[0].Model, list[0].Expect.Equals = "m", "1"
		set(t, p, list)
		time.Sleep(55 * time.Second)
		synctest.Wait()
		if got := s.takeAll("probe_success", "probe_failures", "probe_correct", "probe_wrong_answers"); got !=
			"probe_success 1 0 0 1 1 1; probe_failures 0 1 2 0 0 0; probe_correct 1 stale 0 0 1; probe_wrong_answers 0 0 0 1 2 0" {
			t.Error(got)
		}
	})
}

func (s *stored) takeAll(names ...string) string {
	s.mu.Lock()
	rows := slices.Clone(s.rows)
	s.mu.Unlock()
	var out []string
	for _, n := range names {
		one := &stored{rows: slices.Clone(rows)}
		out = append(out, n+" "+strings.Join(one.take(n), " "))
	}
	return strings.Join(out, "; ")
}

// A probe that runs seldom keeps its series alive, and a restart goes on
// counting.
func TestSeldomProbesAreRepeatedAndCountsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := ""
		runs := 0
		p, s := script(t, func(c *Config) {
			c.Counts = func(name, model, target string) (int, int) { asked = name + model + target; return 4, 0 }
		}, func(context.Context, string, *Result) error { runs++; return errors.New("down") })
		list := specs(1, time.Hour)
		list[0].Model = "m"
		set(t, p, list)
		time.Sleep(150 * time.Second)
		synctest.Wait()
		if got := s.take("probe_failures"); runs != 1 || !slices.Equal(got, []string{"5", "5", "5"}) || asked != "p0mh:1" {
			t.Errorf("%d runs, failures %v, asked for %q", runs, got, asked)
		}
	})
}

func TestReloadKeepsWhatIsAsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		runs := map[string]int{}
		p, s := script(t, nil, func(_ context.Context, name string, _ *Result) error {
			mu.Lock()
			defer mu.Unlock()
			runs[name]++
			return errors.New("down")
		})
		set(t, p, specs(3, 30*time.Second))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		s.take("")
		next := specs(2, 30*time.Second) // p2 goes
		next[1].Timeout = time.Second    // p1 changes, its series stay
		set(t, p, next)
		synctest.Wait()
		if got := s.take("probe_failures"); !slices.Equal(got, []string{"stale", "2"}) {
			t.Errorf("probe_failures %v, want the end of p2 and the second failure of p1", got)
		}
		if runs["p0"] != 1 || runs["p1"] != 2 || runs["p2"] != 1 || len(p.States()) != 2 {
			t.Errorf("%v, %d probes", runs, len(p.States()))
		}
		if err := p.Set(append(next, next[0])); err == nil || len(p.States()) != 2 {
			t.Errorf("two of one name: %v", err)
		}
		if err := p.Close(); err != nil || p.Set(nil) == nil {
			t.Error("a closed prober takes probes")
		}
	})
}

func TestValidateNamesEveryProblem(t *testing.T) {
	for want, s := range map[string]Spec{
		"name":          {Kind: TCP, Target: "h:1"},
		"kind":          {Name: "x", Kind: "icmp", Target: "h"},
		"target tcp":    {Name: "x", Kind: TCP, Target: "http://h:1"},
		"target scheme": {Name: "x", Kind: HTTP, Target: "ftp://h"},
		"target user":   {Name: "x", Kind: HTTP, Target: "http://u:p@h"},
		"target grpc":   {Name: "x", Kind: GRPC, Target: "grpc://h"},
		"timeout":       {Name: "x", Kind: TCP, Target: "h:1", Interval: time.Second, Timeout: 2 * time.Second},
		"interval":      {Name: "x", Kind: TCP, Target: "h:1", Interval: time.Millisecond, Timeout: time.Millisecond * 10},
		"body":          {Name: "x", Kind: JSON, Target: "http://h", Body: "{"},
		"served_model":  {Name: "x", Kind: KServe, Target: "http://h"},
		"prompt":        {Name: "x", Kind: OpenAI, Target: "http://h", ServedModel: "m"},
		"api":           {Name: "x", Kind: OpenAI, Target: "http://h", ServedModel: "m", Prompt: "p", API: "images"},
		"service":       {Name: "x", Kind: HTTP, Target: "http://h", Service: "s"},
		"headers[0].name": {Name: "x", Kind: HTTP, Target: "http://h",
			Headers: []Header{{"a b", "v"}}},
		"headers[0].value": {Name: "x", Kind: HTTP, Target: "http://h", Headers: []Header{{"A", "a\r\nB: c"}}},
		"expect.status[0]": {Name: "x", Kind: HTTP, Target: "http://h", Expect: Expect{Status: []int{2}}},
		"expect.match":     {Name: "x", Kind: HTTP, Target: "http://h", Expect: Expect{Match: "("}},
		"expect.path":      {Name: "x", Kind: HTTP, Target: "http://h", Expect: Expect{Path: "$[", Match: "x"}},
		"expect":           {Name: "x", Kind: HTTP, Target: "http://h", Expect: Expect{Absolute: 1}},
	} {
		key, _, _ := strings.Cut(want, " ")
		got := s.Validate()
		if !slices.ContainsFunc(got, func(p Problem) bool { return p.Key == key }) {
			t.Errorf("%s: %v", want, got)
		}
		for _, p := range got {
			if strings.Contains(p.Message, "u:p") {
				t.Errorf("a password is shown: %v", p)
			}
		}
	}
	if _, problems := newChecker(Spec{Name: "x", Kind: HTTP, Target: "https://h", CAFile: t.TempDir() + "/none"}, &Config{}); len(problems) != 1 || problems[0].Key != "ca_file" {
		t.Error(problems)
	}
}

package promapi

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	client "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"

	"github.com/leewayhq/leeway/internal/store/series"
)

// at is the time of the samples in the test store.
var at = time.Now().Truncate(time.Minute).Add(-time.Minute)

// serve starts a real server over a store with two models.
func serve(t *testing.T, limits series.Config, api Config) *httptest.Server {
	t.Helper()
	limits.Dir = t.TempDir()
	store, err := series.Open(limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	named := func(name, m string) *series.Series {
		return store.Series(labels.FromStrings("__name__", name, "model", m))
	}
	err = store.Append(t.Context(), []series.Sample{
		{Series: named("model_accuracy", "a"), T: at.UnixMilli(), V: 0.5},
		{Series: named("model_accuracy", "b"), T: at.UnixMilli(), V: math.NaN()},
		{Series: named("model_precision", "a"), T: at.UnixMilli(), V: math.Inf(1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	api.Store = store
	h, err := New(api)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// get asks and compares status and JSON. NOW in want stands for the sample time.
func get(t *testing.T, server *httptest.Server, path string, status int, want string) {
	t.Helper()
	res, err := http.Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, res, path, status, want)
}

func compare(t *testing.T, res *http.Response, path string, status int, want string) {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status {
		t.Errorf("%s: status %d, want %d: %s", path, res.StatusCode, status, body)
		return
	}
	want = strings.ReplaceAll(want, "NOW", model.TimeFromUnixNano(at.UnixNano()).String())
	var got, expected any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Errorf("%s: %v: %s", path, err, body)
	}
	if err := json.Unmarshal([]byte(want), &expected); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, expected) {
		t.Errorf("%s:\n got %s\nwant %s", path, body, want)
	}
}

func TestAnswersHavePrometheusShape(t *testing.T) {
	server := serve(t, series.Config{}, Config{Metrics: func() []Metric {
		return []Metric{{"model_accuracy", "gauge", "Share of right predictions.", "ratio"}, {Name: "model_precision", Type: "gauge"}}
	}})
	now := model.TimeFromUnixNano(at.UnixNano()).String()
	for path, want := range map[string]string{
		"query?query=1%2B1&time=" + now: `{"resultType":"scalar","result":[NOW,"2"]}`,
		"query?query=model_accuracy%7Bmodel=%22a%22%7D&time=" + now: `{"resultType":"vector","result":[
			{"metric":{"__name__":"model_accuracy","model":"a"},"value":[NOW,"0.5"]}]}`,
		"query?query=model_accuracy%7Bmodel=%22b%22%7D&time=" + now: `{"resultType":"vector","result":[
			{"metric":{"__name__":"model_accuracy","model":"b"},"value":[NOW,"NaN"]}]}`,
		"query_range?query=model_precision&step=15&start=" + now + "&end=" + now: `{"resultType":"matrix","result":[
			{"metric":{"__name__":"model_precision","model":"a"},"values":[[NOW,"+Inf"]]}]}`,
		"query?query=absent_metric":            `{"resultType":"vector","result":[]}`,
		"series?match[]=model_precision":       `[{"__name__":"model_precision","model":"a"}]`,
		"labels":                               `["__name__","model"]`,
		"label/__name__/values":                `["model_accuracy","model_precision"]`,
		"label/model/values":                   `["a","b"]`,
		"metadata?metric=model_accuracy":       `{"model_accuracy":[{"type":"gauge","help":"Share of right predictions.","unit":"ratio"}]}`,
		"query_exemplars?query=model_accuracy": `[]`,
		"rules":                                `{"groups":[]}`,
		"alerts":                               `{"alerts":[]}`,
		"format_query?query=sum(x)by(y)":       `"sum by (y) (x)"`,
	} {
		get(t, server, "/prometheus/api/v1/"+path, http.StatusOK, `{"status":"success","data":`+want+`}`)
	}
}

func TestErrorsHavePrometheusTypes(t *testing.T) {
	server := serve(t, series.Config{MaxQuerySamples: 1}, Config{MaxBody: 100})
	for path, want := range map[string]struct {
		status int
		kind   string
	}{
		"query?query=model_accuracy%7B":                  {400, "bad_data"},
		"query?query=%zz":                                {400, "bad_data"},
		"query_range?query=1&start=0&end=1000000&step=1": {400, "bad_data"},
		"query?query=model_accuracy":                     {422, "execution"},
		"query?query=model_accuracy&timeout=0.000000001": {503, "timeout"},
		"series":              {400, "bad_data"},
		"label/a/b/values":    {404, "not_found"},
		"admin/tsdb/snapshot": {404, "not_found"},
		"read":                {404, "not_found"},
		"write":               {404, "not_found"},
		"status/flags":        {404, "not_found"},
	} {
		res, err := http.Get(server.URL + "/prometheus/api/v1/" + path)
		if err != nil {
			t.Fatal(err)
		}
		check(t, res, path, want.status, want.kind)
	}
	res, err := http.PostForm(server.URL+"/prometheus/api/v1/query", url.Values{"query": {strings.Repeat("1+", 100) + "1"}})
	if err != nil {
		t.Fatal(err)
	}
	check(t, res, "a large form", 413, "bad_data")
}

func check(t *testing.T, res *http.Response, path string, status int, kind string) {
	t.Helper()
	defer res.Body.Close()
	var answer struct{ Status, ErrorType, Error string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if res.StatusCode != status || answer.Status != "error" || answer.ErrorType != kind || answer.Error == "" {
		t.Errorf("%s: %d %+v, want %d and %s", path, res.StatusCode, answer, status, kind)
	}
}

func TestForeignOriginsAreNotLetIn(t *testing.T) {
	server := serve(t, series.Config{}, Config{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/prometheus/api/v1/labels", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://elsewhere.example")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("a foreign origin is allowed as %q", got)
	}
}

// TestPrometheusClient asks with the client that promtool is built on.
func TestPrometheusClient(t *testing.T) {
	server := serve(t, series.Config{}, Config{Rules: firing(t)})
	connection, err := api.NewClient(api.Config{Address: server.URL + "/prometheus"})
	if err != nil {
		t.Fatal(err)
	}
	prom, ctx := client.NewAPI(connection), t.Context()

	value, _, _, err := prom.Query(ctx, `count(model_accuracy)`, at)
	if v, ok := value.(model.Vector); err != nil || !ok || len(v) != 1 || v[0].Value != 2 {
		t.Errorf("query: %v, %v", value, err)
	}
	value, _, _, err = prom.QueryRange(ctx, `model_accuracy{model="a"}`, client.Range{Start: at, End: at.Add(time.Minute), Step: time.Minute})
	if m, ok := value.(model.Matrix); err != nil || !ok || len(m) != 1 || len(m[0].Values) != 2 {
		t.Errorf("query range: %v, %v", value, err)
	}
	if info, err := prom.Buildinfo(ctx); err != nil || info.Version != prometheusVersion {
		t.Errorf("build information: %+v, %v", info, err)
	}
	if c, err := prom.Config(ctx); err != nil || !strings.Contains(c.YAML, "global:") {
		t.Errorf("config: %+v, %v", c, err)
	}
	found, err := prom.Rules(ctx, nil)
	if err != nil || len(found.Groups) != 1 || found.Groups[0].Name != "quality" {
		t.Fatalf("rules: %+v, %v", found, err)
	}
	if rule, ok := found.Groups[0].Rules[0].(client.AlertingRule); !ok || rule.State != "firing" {
		t.Errorf("rule: %+v", found.Groups[0].Rules[0])
	}
	alerts, err := prom.Alerts(ctx)
	if err != nil || len(alerts.Alerts) != 1 || alerts.Alerts[0].Labels["severity"] != "critical" {
		t.Errorf("alerts: %+v, %v", alerts, err)
	}
}

// firing is a group with one rule that has fired, evaluated for real.
func firing(t *testing.T) func() []*rules.Group {
	t.Helper()
	store, err := series.Open(series.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	expr, err := store.Parser().ParseExpr(`vector(0.4) < 0.9`)
	if err != nil {
		t.Fatal(err)
	}
	rule := rules.NewAlertingRule("LowAccuracy", expr, 0, 0, labels.FromStrings("severity", "critical"),
		labels.EmptyLabels(), labels.EmptyLabels(), "", true, promslog.NewNopLogger())
	group := rules.NewGroup(rules.GroupOptions{
		Name: "quality", File: "leeway", Interval: time.Second, Rules: []rules.Rule{rule},
		Opts: &rules.ManagerOptions{
			Context: t.Context(), Logger: promslog.NewNopLogger(), Parser: store.Parser(),
			QueryFunc:  rules.EngineQueryFunc(store.RuleEngine(), store.Queryable()),
			Appendable: store.Appendable(), Queryable: store.Queryable(),
			NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		},
	})
	group.Eval(t.Context(), time.Now())
	return func() []*rules.Group { return []*rules.Group{group} }
}

func TestVersionIsTheOneInGoMod(t *testing.T) {
	mod, err := os.ReadFile("../../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(prometheusVersion, ".") // the library of 3.15.0 is v0.315.0
	want := "github.com/prometheus/prometheus v0." + parts[0] + parts[1] + "." + parts[2] + "\n"
	if !strings.Contains(string(mod), want) {
		t.Errorf("go.mod does not require %s", want)
	}
}

package promapi

import (
	"context"
	"net/http"
	"runtime"
	"slices"

	"github.com/grafana/regexp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// prometheusVersion is the release whose code answers. Grafana decides by it
// what it may ask for. A test holds it to go.mod.
const prometheusVersion = "3.15.0"

// prometheusAPI builds Prometheus's own router. Its constructor takes
// everything by position and changes often; only this call knows it.
func prometheusAPI(cfg Config, root string) http.Handler {
	api := v1.NewAPI(
		cfg.Store.Engine(),
		cfg.Store.Queryable(),
		nil, nil, // appenders: nothing is written here
		cfg.Store.Exemplars(),
		nil, // scrape pools: not served
		func(context.Context) v1.TargetRetriever { return describedBy(cfg.Metrics) },
		nil, // alertmanagers: not served
		func() config.Config { return config.DefaultConfig },
		nil, // flags: not served
		v1.GlobalURLOptions{},
		func(f http.HandlerFunc) http.HandlerFunc { return f }, // the store is open before the server listens
		nil, "", false, // database administration: not served
		false, 0, // search: not served
		cfg.Logger,
		func(context.Context) v1.RulesRetriever { return ruleGroups{cfg.Rules} },
		0, 0, 0, // remote read: not served
		false,                         // not an agent
		regexp.MustCompile(`[^\s\S]`), // no foreign origin
		nil,                           // runtime information: not served
		&v1.PrometheusVersion{Version: prometheusVersion, GoVersion: runtime.Version()},
		nil, nil, // notifications: not served
		nil, nil, // metrics: the engine and the TSDB count already
		nil,        // statistics as Prometheus renders them
		false, nil, // remote write: not served
		false, false, false, false, // OTLP: not served
		cfg.Store.Lookback(),
		false, false, // type and unit labels, metadata in the log
		nil, // error codes as Prometheus's
		nil, // features: not served
		v1.OpenAPIOptions{IncludePaths: []string{"none"}}, // not served; writing it down takes as long as the rest
		cfg.Store.Parser(),
	)
	router := route.New().WithPrefix(root)
	api.Register(router)
	return router
}

// ruleGroups turns a function into what the API asks for.
type ruleGroups struct{ groups func() []*rules.Group }

func (g ruleGroups) RuleGroups() []*rules.Group {
	if g.groups == nil {
		return nil
	}
	return g.groups()
}

func (g ruleGroups) AlertingRules() []*rules.AlertingRule {
	var all []*rules.AlertingRule
	for _, group := range g.RuleGroups() {
		all = append(all, group.AlertingRules()...)
	}
	return all
}

// descriptions are a scrape target that is asked for nothing but the
// description of its metrics, which is where the API looks for them.
type descriptions []Metric

func describedBy(metrics func() []Metric) descriptions {
	if metrics == nil {
		return nil
	}
	return metrics()
}

func (d descriptions) TargetsActive() map[string][]*scrape.Target {
	t := scrape.NewTarget(labels.EmptyLabels(), nil, nil, nil)
	t.SetMetadataStore(d)
	return map[string][]*scrape.Target{"leeway": {t}}
}

func (d descriptions) TargetsDropped() map[string][]*scrape.Target { return nil }

func (d descriptions) TargetsDroppedCounts() map[string]int { return nil }

func (d descriptions) ScrapePoolConfig(string) (*config.ScrapeConfig, error) { return nil, nil }

func (d descriptions) ListMetadata() []scrape.MetricMetadata {
	all := make([]scrape.MetricMetadata, len(d))
	for i, m := range d {
		all[i] = m.scraped()
	}
	return all
}

func (d descriptions) GetMetadata(name string) (scrape.MetricMetadata, bool) {
	i := slices.IndexFunc(d, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return scrape.MetricMetadata{}, false
	}
	return d[i].scraped(), true
}

func (d descriptions) SizeMetadata() int { return 0 }

func (d descriptions) LengthMetadata() int { return len(d) }

func (m Metric) scraped() scrape.MetricMetadata {
	return scrape.MetricMetadata{MetricFamily: m.Name, Type: model.MetricType(m.Type), Help: m.Help, Unit: m.Unit}
}

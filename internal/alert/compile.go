package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"

	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

var noLabels = labels.EmptyLabels()

// spec is what the life of an alert needs to know of its alerting rule.
type spec struct {
	ref      string // names the alerting rule in the store; the same before and after a restart
	rule     string // name of the Rule it comes from
	origin   Origin
	hold     time.Duration // Prometheus's "for"
	keep     time.Duration // Prometheus's "keep_firing_for"
	interval time.Duration
	expr     string

	// Of thresholds only.
	threshold *ThresholdRule
	metric    catalogue.Metric
	severity  string
	limit     float64
	base      string // the series without the comparison
	labels    map[string]string
}

// specs is one consistent set of them; it is replaced as a whole.
type specs struct{ byRef map[string]*spec }

// compile turns the rules in force into groups for the manager, by the
// identifier that stands for the file of each, and into specs.
func (e *Engine) compile(inForce []Rule) (*specs, map[string]*rulefmt.RuleGroups, error) {
	out := &specs{byRef: map[string]*spec{}}
	groups := map[string]*rulefmt.RuleGroups{}
	selectors := e.selectors(inForce)
	for _, r := range inForce {
		switch {
		case r.Threshold != nil && r.Threshold.Enabled:
			m, ok := e.cfg.Metrics(r.Threshold.Metric)
			if !ok { // a built-in or stored rule for a metric that this version lacks
				e.log.Warn("rule left out: its metric is not in the catalogue", "rule", r.Name, "metric", r.Threshold.Metric)
				continue
			}
			file, g, list := e.compileThreshold(r, m, selectors)
			groups[file] = g
			out.add(list)
		case r.PromQL != nil && r.PromQL.Enabled:
			file, g, list, err := e.compileGroups(r)
			if err != nil {
				return nil, nil, err
			}
			groups[file] = g
			out.add(list)
		}
	}
	return out, groups, nil
}

func (s *specs) add(list []*spec) {
	for _, sp := range list {
		s.byRef[sp.ref] = sp
	}
}

// chosen is the selector of one threshold rule, with what it needs to be
// compared to those of others.
type chosen struct {
	rule, metric, direction string
	selector
}

func (e *Engine) selectors(inForce []Rule) []chosen {
	var out []chosen
	for _, r := range inForce {
		if r.Threshold == nil {
			continue
		}
		if m, ok := e.cfg.Metrics(r.Threshold.Metric); ok {
			out = append(out, chosen{r.Name, m.Key, direction(r.Threshold.Operator), r.Threshold.selector(m)})
		}
	}
	return out
}

// overrides are the selectors of rules on the same metric and direction that
// mean a part of the series more exactly. A disabled rule counts too: it is
// how one model is left in peace.
func overrides(c chosen, all []chosen) []selector {
	var out []selector
	for _, o := range all {
		if o.rule != c.rule && o.metric == c.metric && o.direction == c.direction &&
			o.fixed() > c.fixed() && o.overlaps(c.selector) {
			out = append(out, o.selector)
		}
	}
	return out
}

func (e *Engine) compileThreshold(r Rule, m catalogue.Metric, all []chosen) (string, *rulefmt.RuleGroups, []*spec) {
	t := r.Threshold
	file, interval := "threshold/"+r.Name, e.cfg.Interval
	if m.Group == catalogue.Host || m.Group == catalogue.Probe {
		interval = e.cfg.HostInterval
	}
	self := chosen{r.Name, m.Key, direction(t.Operator), t.selector(m)}
	base := self.promQL(overrides(self, all))
	g := rulefmt.RuleGroup{Name: r.Name, Interval: model.Duration(interval), Limit: e.cfg.MaxAlertsPerRule}
	var list []*spec
	for _, l := range t.limits() {
		lbls := maps.Clone(t.Labels)
		if lbls == nil {
			lbls = map[string]string{}
		}
		lbls["severity"], lbls["rule"], lbls["metric"] = l.severity, r.Name, m.Key
		sp := &spec{
			ref: file + "/" + l.severity, rule: r.Name, origin: r.Origin,
			hold: time.Duration(t.Duration), keep: time.Duration(t.KeepFiring), interval: interval,
			expr:      t.condition(m, base, l.value),
			threshold: t, metric: m, severity: l.severity, limit: l.value, base: base, labels: lbls,
		}
		g.Rules = append(g.Rules, rulefmt.Rule{Alert: r.Name, Expr: sp.expr, Labels: lbls, Annotations: t.Annotations})
		list = append(list, sp)
	}
	return file, &rulefmt.RuleGroups{Groups: []rulefmt.RuleGroup{g}}, list
}

// compileGroups takes "for" and "keep_firing_for" out of the rules, because
// life.go does both, and leaves the rest as it is.
func (e *Engine) compileGroups(r Rule) (string, *rulefmt.RuleGroups, []*spec, error) {
	parsed, errs := parseGroups([]byte(r.PromQL.Groups), e.parser)
	if len(errs) > 0 {
		return "", nil, nil, fmt.Errorf("rule %q: %w", r.Name, errs[0])
	}
	file := "promql/" + r.Name
	var list []*spec
	for gi := range parsed.Groups {
		g := &parsed.Groups[gi]
		interval := time.Duration(g.Interval)
		if interval == 0 {
			interval = e.cfg.HostInterval
		}
		if g.Limit == 0 {
			g.Limit = e.cfg.MaxAlertsPerRule
		}
		refs := newRefs(file, g.Name)
		for ri := range g.Rules {
			rule := &g.Rules[ri]
			if rule.Alert == "" {
				continue
			}
			list = append(list, &spec{
				ref:  refs.next(rule.Alert, rules.FromMaps(g.Labels, rule.Labels)),
				rule: r.Name, origin: r.Origin, interval: interval, expr: rule.Expr,
				hold: time.Duration(rule.For), keep: time.Duration(rule.KeepFiringFor),
				severity: rule.Labels["severity"],
			})
			rule.For, rule.KeepFiringFor = 0, 0
		}
	}
	return file, parsed, list, nil
}

// refs names the alerting rules of one group in order; two that are alike in
// name and labels are told apart by their position.
type refs struct {
	prefix string
	seen   map[string]int
}

func newRefs(file, group string) *refs {
	return &refs{prefix: file + "/" + group, seen: map[string]int{}}
}

func (r *refs) next(alertname string, l labels.Labels) string {
	if strings.HasPrefix(r.prefix, "threshold/") {
		return r.prefix[:strings.LastIndexByte(r.prefix, '/')] + "/" + l.Get("severity")
	}
	ref := r.prefix + "/" + alertname + l.String()
	r.seen[ref]++
	if n := r.seen[ref]; n > 1 {
		ref = fmt.Sprintf("%s#%d", ref, n)
	}
	return ref
}

// ruleOfFile undoes what compile makes of a rule's name.
func ruleOfFile(file string) string {
	_, name, _ := strings.Cut(file, "/")
	return name
}

// loader hands the manager its groups from memory.
type loader struct {
	parser parser.Parser
	mu     sync.Mutex
	groups map[string]*rulefmt.RuleGroups
}

func newLoader() *loader { return &loader{parser: parser.NewParser(parser.Options{})} }

// set replaces the groups and returns their identifiers.
func (l *loader) set(groups map[string]*rulefmt.RuleGroups) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups = groups
	return slices.Sorted(maps.Keys(groups))
}

// Load implements rules.GroupLoader.
func (l *loader) Load(identifier string, _ bool, _ model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.groups[identifier]
	if !ok {
		return nil, []error{fmt.Errorf("no rule groups %q", identifier)}
	}
	return g, nil
}

// Parse implements rules.GroupLoader.
func (l *loader) Parse(query string) (parser.Expr, error) { return l.parser.ParseExpr(query) }

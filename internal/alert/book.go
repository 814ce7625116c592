package alert

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/rules"
)

// book is all rules from everywhere. Engine.rulesMu guards it.
type book struct {
	stored  []Rule // origin api
	file    []Rule // origin file
	builtin []Rule
}

// all lists every rule, each name's rule in force first.
func (b *book) all() []Rule {
	var out []Rule
	add := func(list []Rule, origin Origin) {
		for _, r := range list {
			r.Origin = origin
			out = append(out, r)
		}
	}
	add(b.file, OriginFile)
	add(b.stored, OriginAPI)
	add(b.builtin, OriginBuiltin)
	winner := map[string]Origin{}
	for i := range out {
		if w, ok := winner[out[i].Name]; ok {
			out[i].ShadowedBy = w
			continue
		}
		winner[out[i].Name] = out[i].Origin
	}
	slices.SortStableFunc(out, func(a, b Rule) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (b *book) inForce() []Rule {
	return slices.DeleteFunc(b.all(), func(r Rule) bool { return r.ShadowedBy != "" })
}

func find(list []Rule, name string) int {
	return slices.IndexFunc(list, func(r Rule) bool { return r.Name == name })
}

// PutRule stores a rule under its name with origin api; the name of a built-in
// rule overrides that one. The rule is in force when PutRule returns nil. The
// error is ErrInvalid with every Problem, ErrReadOnly or ErrTooMany.
func (e *Engine) PutRule(r Rule, author string) error {
	if err := Validate(r, e.cfg.Metrics); err != nil {
		return fmt.Errorf("rule %q: %w", r.Name, err)
	}
	e.rulesMu.Lock()
	defer e.rulesMu.Unlock()
	if find(e.book.file, r.Name) >= 0 {
		return fmt.Errorf("rule %q: %w", r.Name, ErrReadOnly)
	}
	before := slices.Clone(e.book.stored)
	r.Origin, r.Author, r.Updated, r.Version = OriginAPI, author, e.cfg.Now().UnixMilli(), 1
	r.ShadowedBy, r.Status = "", nil
	if i := find(e.book.stored, r.Name); i >= 0 {
		r.Version = e.book.stored[i].Version + 1
		e.book.stored[i] = r
	} else if len(e.book.stored) >= e.cfg.MaxRules {
		return fmt.Errorf("rule %q: %w: %d are stored", r.Name, ErrTooMany, len(e.book.stored))
	} else {
		e.book.stored = append(e.book.stored, r)
	}
	if err := e.store.putRule(r); err != nil {
		e.book.stored = before
		return err
	}
	return e.apply()
}

// DeleteRule removes a stored rule; a built-in rule of that name is in force
// again afterwards. The error is ErrReadOnly for a rule of the file or a
// built-in rule (which can be disabled by an override), or ErrNotFound.
func (e *Engine) DeleteRule(name string) error {
	e.rulesMu.Lock()
	defer e.rulesMu.Unlock()
	i := find(e.book.stored, name)
	if i < 0 {
		if find(e.book.file, name) >= 0 {
			return fmt.Errorf("rule %q: %w", name, ErrReadOnly)
		}
		if find(e.book.builtin, name) >= 0 {
			return fmt.Errorf("rule %q is built in and can only be disabled: %w", name, ErrReadOnly)
		}
		return fmt.Errorf("rule %q: %w", name, ErrNotFound)
	}
	if err := e.store.deleteRule(name); err != nil {
		return err
	}
	e.book.stored = slices.Delete(e.book.stored, i, i+1)
	return e.apply()
}

// SetFileRules replaces the rules of the configuration file, all or nothing.
func (e *Engine) SetFileRules(list []Rule) error {
	if err := e.validateAll(list); err != nil {
		return err
	}
	e.rulesMu.Lock()
	defer e.rulesMu.Unlock()
	e.book.file = slices.Clone(list)
	return e.apply()
}

// Rule gives the rule in force under a name.
func (e *Engine) Rule(name string) (Rule, bool) {
	for _, r := range e.Rules() {
		if r.Name == name && r.ShadowedBy == "" {
			return r, true
		}
	}
	return Rule{}, false
}

// Rules lists every rule of every origin by name, with the status of those in
// force; shadowed ones say by what.
func (e *Engine) Rules() []Rule {
	e.rulesMu.Lock()
	list, manager := e.book.all(), e.manager
	e.rulesMu.Unlock()
	if manager == nil {
		return list // nothing was evaluated yet
	}
	status := e.status(manager)
	for i := range list {
		if list[i].ShadowedBy == "" {
			list[i].Status = status[list[i].Name]
		}
	}
	return list
}

// status gathers what the last evaluations gave, by name of rule.
func (e *Engine) status(manager *rules.Manager) map[string]*Status {
	out := map[string]*Status{}
	for _, s := range e.specs.Load().byRef {
		st := statusOf(out, s.rule)
		if s.threshold != nil {
			if st.Expressions == nil {
				st.Expressions = map[string]string{}
			}
			st.Expressions[s.severity] = s.expr
		}
	}
	for _, g := range manager.RuleGroups() {
		for _, r := range g.Rules() {
			statusOf(out, ruleOfFile(g.File())).add(r)
		}
	}
	for _, a := range e.life.list("") {
		switch st := statusOf(out, a.Rule); a.State {
		case Pending:
			st.Pending++
		case Firing:
			st.Firing++
		}
	}
	return out
}

func statusOf(all map[string]*Status, rule string) *Status {
	if all[rule] == nil {
		all[rule] = &Status{Health: string(rules.HealthUnknown)}
	}
	return all[rule]
}

func (s *Status) add(r rules.Rule) {
	s.Seconds += r.GetEvaluationDuration().Seconds()
	if at := r.GetEvaluationTimestamp(); !at.IsZero() {
		s.LastEvaluation = max(s.LastEvaluation, at.UnixMilli())
	}
	if err := r.LastError(); err != nil {
		s.LastError = err.Error()
	}
	if h := r.Health(); s.Health != string(rules.HealthBad) && h != rules.HealthUnknown {
		s.Health = string(h)
	}
}

// apply puts the rules in force into the manager. The caller holds rulesMu.
// Before Start it does nothing.
func (e *Engine) apply() error {
	if e.manager == nil {
		return nil
	}
	next, groups, err := e.compile(e.book.inForce())
	if err != nil {
		return fmt.Errorf("alert: apply rules: %w", err)
	}
	e.specs.Store(next)
	files := e.loader.set(groups)
	if err := e.manager.Update(e.cfg.HostInterval, files, noLabels, e.cfg.ExternalURL, e.evaluate); err != nil {
		return fmt.Errorf("alert: apply rules: %w", err)
	}
	gone := e.life.drop(next, e.cfg.Now())
	e.written.drop(next, e.cfg.Now())
	e.send(context.Background(), gone)
	return nil
}

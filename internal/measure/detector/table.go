package detector

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Text is one title or sentence in both languages of the product.
type Text struct{ En, Zh string }

// Row describes one detector.
type Row struct {
	Name   string
	Title  Text
	Help   Text
	Kind   Kind
	Source string // the paper, and the implementation whose definition it is
	Params []Param
	// Scaled tells that limits are in units of the value, so that a series of
	// any scale wants Options.Standardise.
	Scaled bool
	// Rises tells that only a rise is noticed unless two_sided is 1; a row
	// without that parameter cannot notice a fall.
	Rises bool

	check func(p params) error
	make  func(p params) algorithm
}

// Param is a number that may be chosen.
type Param struct {
	Name              string
	Default, Min, Max float64 // both ends are allowed
	Integer           bool
	Help              Text
}

// Has tells whether the row has a parameter.
func (r *Row) Has(name string) bool {
	return slices.ContainsFunc(r.Params, func(p Param) bool { return p.Name == name })
}

// params are the values of a row's parameters.
type params struct {
	of     map[string]float64
	sample Sampler
}

func (p params) get(name string) float64 { return p.of[name] }
func (p params) int(name string) int     { return int(p.of[name]) }
func (p params) bool(name string) bool   { return p.of[name] == 1 }

func (r *Row) params(given map[string]float64) (params, error) {
	p := params{of: map[string]float64{}}
	for _, def := range r.Params {
		p.of[def.Name] = def.Default
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(r.Params, func(p Param) bool { return p.Name == name })
		if i < 0 {
			return p, fmt.Errorf("there is no parameter %q", name)
		}
		def, v := r.Params[i], given[name]
		if !(v >= def.Min && v <= def.Max) {
			return p, fmt.Errorf("%s %v is not within %v and %v", name, v, def.Min, def.Max)
		}
		if def.Integer && v != math.Trunc(v) {
			return p, fmt.Errorf("%s %v is not a whole number", name, v)
		}
		p.of[name] = v
	}
	if r.check != nil {
		return p, r.check(p)
	}
	return p, nil
}

// Names lists the detectors in the order of the table.
func Names() []string {
	var names []string
	for _, r := range Table() {
		names = append(names, r.Name)
	}
	return names
}

// Get finds a row.
func Get(name string) (Row, bool) {
	for _, r := range Table() {
		if r.Name == name {
			return r, true
		}
	}
	return Row{}, false
}

// Table lists every detector. The slice is the caller's.
func Table() []Row {
	return []Row{
		adwinRow(), pageHinkleyRow(), cusumRow(), geometricRow(), kswinRow(), bocdRow(),
		ddmRow(), eddmRow(), hddmARow(), hddmWRow(),
		adwinRiverRow(), pageHinkleyRiverRow(), pageHinkleyFrourosRow(), eddmRiverRow(),
	}
}

// Parameters that several rows share.

func warmUp(n float64, help Text) Param {
	return Param{Name: "min_instances", Default: n, Min: 1, Max: 1e6, Integer: true, Help: help}
}

func sides() Param {
	return Param{Name: "two_sided", Min: 0, Max: 1, Integer: true, Help: Text{"1 notices falls too", "取 1 时也检测下降"}}
}

func confidence(name string, def float64, help Text) Param {
	return Param{Name: name, Default: def, Min: 1e-12, Max: 0.5, Help: help}
}

var (
	waitHelp    = Text{"values before the first verdict", "首次判定之前的样本数"}
	driftHelp   = Text{"chance of a false drift", "误报漂移的概率"}
	warningHelp = Text{"chance of a false warning", "误报预警的概率"}
)

// ordered wants a warning to come before a drift.
func ordered(p params) error {
	if p.get("warning_confidence") < p.get("drift_confidence") {
		return fmt.Errorf("warning_confidence %v is below drift_confidence %v", p.get("warning_confidence"), p.get("drift_confidence"))
	}
	return nil
}

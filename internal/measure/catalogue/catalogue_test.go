package catalogue

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// The keys that scripts, files and pages rely on: removing one is a break.
const promised = `accuracy precision recall f1_score auc_roc specificity mcc log_loss brier_score average_precision
mae mse rmse r2 mape data_drift feature_drift missing_rate outlier_rate prediction_drift
response_time throughput error_rate label_coverage cpu_usage memory_usage disk_usage network_in network_out`

func TestPromisedKeys(t *testing.T) {
	for _, key := range strings.Fields(promised) {
		if _, ok := Get(key); !ok {
			t.Errorf("no row %q", key)
		}
	}
	if m, ok := Get("nothing"); ok {
		t.Errorf("a row for a key that nobody wrote: %+v", m)
	}
}

func TestRowsAreWhole(t *testing.T) {
	name := regexp.MustCompile(`^(model|system|probe)_[a-z][a-z0-9_]*$`)
	han := regexp.MustCompile(`\p{Han}`)
	seen := map[string]bool{}
	for _, m := range All() {
		if seen[m.Key] {
			t.Errorf("%s: twice", m.Key)
		}
		seen[m.Key] = true
		if m.Title.En == "" || m.Help.En == "" || !strings.HasSuffix(m.Help.En, ".") {
			t.Errorf("%s: English words are missing or lack their full stop", m.Key)
		}
		if m.Title.Zh == "" || !han.MatchString(m.Help.Zh) || !strings.HasSuffix(m.Help.Zh, "。") {
			t.Errorf("%s: Chinese words are missing or lack their full stop", m.Key)
		}
		if m.Unit == "" || m.Good == "" || m.Group == "" || !m.Operator.Valid() {
			t.Errorf("%s: unit %q, good %q, group %q, operator %q", m.Key, m.Unit, m.Good, m.Group, m.Operator)
		}
		if m.NoSeries {
			if m.Series != "" || m.PromQL != "" || m.HasRule() {
				t.Errorf("%s: a series or a rule of what is not published", m.Key)
			}
			continue
		}
		if !name.MatchString(m.Series) || !strings.HasSuffix(m.Series, m.Key) {
			t.Errorf("%s: series %q", m.Key, m.Series)
		}
		if strings.Count(m.PromQL, Placeholder) == 0 {
			t.Errorf("%s: PromQL %q has no %s", m.Key, m.PromQL, Placeholder)
		}
		if (m.Group == Host) != strings.HasPrefix(m.Series, "system_") || (m.Group == Probe) != strings.HasPrefix(m.Series, "probe_") {
			t.Errorf("%s: group %s has series %s", m.Key, m.Group, m.Series)
		}
	}
}

// A critical limit is worse than its warning, in the direction that is bad.
func TestLimitsAreInOrder(t *testing.T) {
	for _, m := range All() {
		if m.Warning != nil && m.Critical != nil && !m.Operator.Breaks(*m.Critical, *m.Warning) {
			t.Errorf("%s: critical %v does not break warning %v", m.Key, *m.Critical, *m.Warning)
		}
		if m.EnabledByDefault && !m.HasRule() {
			t.Errorf("%s: on by default without a limit", m.Key)
		}
	}
}

func TestDefaultRules(t *testing.T) {
	no := math.NaN()
	for _, want := range []struct {
		key               string
		op                Operator
		warning, critical float64
		on                bool
	}{
		{"accuracy", LT, no, 0.90, true},
		{"precision", LT, 0.85, no, true},
		{"recall", LT, 0.85, no, true},
		{"response_time", GT, 150, 300, true},
		{"cpu_usage", GT, 0.70, 0.85, true},
		{"memory_usage", GT, 0.75, 0.90, true},
		{"disk_usage", GT, 0.80, 0.95, true},
		{"throughput", LT, 800, 500, false},
		{"error_rate", GT, 0.02, 0.05, true},
		{"data_drift", GTE, 0.3, 0.5, true},
		{"probe_failures", GTE, no, 2, true},
		{"probe_wrong_answers", GTE, no, 2, true},
		{"probe_tls_expiry_seconds", LT, 14 * 86400, 3 * 86400, true},
	} {
		m, _ := Get(want.key)
		if m.Operator != want.op || !same(m.Warning, want.warning) || !same(m.Critical, want.critical) || m.EnabledByDefault != want.on {
			t.Errorf("%s: %+v, want %+v", want.key, m, want)
		}
	}
}

func same(p *float64, want float64) bool {
	if p == nil {
		return math.IsNaN(want)
	}
	return *p == want
}

func TestCallersOwnTheTable(t *testing.T) {
	rows := All()
	*rows[0].Critical = 7
	rows[0].Key = "changed"
	if fresh := All()[0]; fresh.Key == "changed" || *fresh.Critical == 7 {
		t.Error("a change by one caller reaches the next")
	}
}

func TestQueryAndTasks(t *testing.T) {
	m, _ := Get("auc_roc")
	if got := m.Query(`model="a"`); got != `model_auc_roc{model="a"}` {
		t.Error(got)
	}
	if !m.Applies(event.Binary) || m.Applies(event.Regression) || !m.Applies(event.Multiclass) {
		t.Error("auc_roc is for models that decide between classes")
	}
	if cpu, _ := Get("cpu_usage"); !cpu.Applies(event.Unknown) {
		t.Error("a host has no task")
	}
}

func TestOperators(t *testing.T) {
	for _, o := range Operators() {
		if o.Breaks(math.NaN(), 1) {
			t.Errorf("%s: an undefined number alerts", o)
		}
		below, at, above := o.Breaks(0, 1), o.Breaks(1, 1), o.Breaks(2, 1)
		want := map[Operator][3]bool{
			GT: {false, false, true}, GTE: {false, true, true}, LT: {true, false, false},
			LTE: {true, true, false}, EQ: {false, true, false}, NE: {true, false, true},
		}[o]
		if [3]bool{below, at, above} != want {
			t.Errorf("%s: %v %v %v", o, below, at, above)
		}
	}
	if Operator("like").Valid() || Operator("like").Breaks(1, 1) {
		t.Error("an unknown operator breaks nothing")
	}
}

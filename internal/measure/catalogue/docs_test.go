package catalogue

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

const docsPath = "../../../docs/metrics.md"

var update = flag.Bool("update", false, "rewrite docs/metrics.md from the catalogue")

// TestDocs holds docs/metrics.md to the table; `go test
// ./internal/measure/catalogue -update` writes it.
func TestDocs(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(docsPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/metrics.md is not what the catalogue says; run this test with -update")
	}
}

func page() string {
	var b strings.Builder
	b.WriteString(`# Metrics

Made from internal/measure/catalogue; do not edit by hand. Rules, the API and
the configuration name a metric by its key; its series has the labels model,
version and segment (host metrics: host; probes: probe, target and, where it is
configured, model), and feature or phase where the table says so.
Percent is stored as a ratio (0.7 is 70 %). "On" tells whether the default
rule runs without being asked for. What has no series is in answers of the API
alone and cannot be watched by a rule. An undefined value (no labels, no
positives) has no sample: it is never zero and raises nothing.
`)
	for _, g := range Groups() {
		fmt.Fprintf(&b, "\n## %s\n\n", g)
		b.WriteString("| key | title | 名称 | unit | better | tasks | by | warning | critical | for | min rows | on | series |\n")
		b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
		for _, m := range All() {
			if m.Group == g {
				b.WriteString(row(m))
			}
		}
		b.WriteString("\n")
		for _, m := range All() {
			if m.Group == g {
				fmt.Fprintf(&b, "- `%s`: %s %s\n", m.Key, m.Help.En, m.Help.Zh)
			}
		}
	}
	b.WriteString(methods)
	return b.String()
}

// methods is what the table has no room for.
const methods = `
## Intervals

Every value carries n, the rows that it rests on, and where a formula gives
one, a 95 % confidence interval:

| metric | interval |
|---|---|
| accuracy, precision, recall, specificity; the micro averages, recall_weighted | Wilson (wilson) |
| f1_score (binary) | Wilson of TP/(TP+FP+FN), of which F1 is a rising function (wilson_jaccard) |
| f_beta; f1_score of several classes, f1_weighted | delta method, normal on the logit scale (delta_logit) |
| balanced_accuracy; precision, recall and precision_weighted of several classes | MOVER over the Wilson intervals of the classes (mover, macro) |
| mcc | delta method, normal on Fisher's scale (delta_fisher) |
| auc_roc | DeLong (delong); of several classes the standard error is the mean of theirs, which is not too small (delong_mean) |
| average_precision | normal on the logit scale (logit; Boyd, Eng and Page 2013) |
| score_ks | Newcombe's of the difference of both rates at the best threshold (newcombe) |
| lift_top_decile | Wilson of the share of positives found there (wilson) |
| log_loss, brier_score, calibration_error; mae, me, mse, mape, smape | that of a mean over rows (normal) |
| rmse, rmsle | the root of that of the mean of squares (normal_root) |
| wape | normal, of the linear form of a ratio (ratio) |
| residual_p05, residual_p50, residual_p95 | the errors at the ranks that a binomial count leaves open (order_statistics) |
| ndcg_at_10, map_at_10, mrr, precision_at_10, recall_at_10 | that of a mean over queries (normal); hit_rate_at_10 Wilson (wilson) |
| r2, max_error | none |

A number of a grid carries a bound as well: how far it can be from that of the
unrounded data (auc_roc, average_precision, calibration_error, score_ks,
lift_top_decile, max_error, residual quantiles, and all metrics at a threshold).
Without one it is exact.

With several classes, precision is the mean over the classes that were
predicted, recall over those that occurred, F1 over those that did either; the
weighted ones weigh classes by how often they occurred. auc_roc and log_loss of
several classes need a score of each class. Of more than 16 classes there is no
auc_roc, and the join keeps at most 64 scores of a row, so that log_loss of more
rests on the rows whose class is among them; its n says how many.

A query counts for a ranking once it is known what was wanted (its label). A
query for which nothing was wanted is in no mean and in no n.

mape is over rows whose truth is not zero, with the truth's magnitude below the
line; rmsle over rows whose truth and prediction are above -1; n says how many.

## The quality of data

A feature's score is the share of its rows that are sound, 1 - missing - wrong,
and at least 0:

| part | what it is |
|---|---|
| missing | share of rows that are null, NaN or empty, less the share of the reference; what is usual costs nothing |
| wrong | infinities of a numeric feature, values of the other type, numbers below the least or above the greatest of the reference, strings that the reference never had; as a share of the rows |
| stuck | a feature that has one value in 30 rows or more and had several in the reference scores 0 |

The score of a model is the mean of its features' scores times the share of rows
that are not duplicates. A row counts against a feature for one reason only, so
the score says how much of the data can be used. A feature is constant when all
of its values are one, almost constant when 95 % are, in 30 rows or more.

特征评分是合格行所占的比例，即 1 - 缺失 - 错误，最低为 0。缺失：空值、NaN 或空串的比例减去基准中的比例，
通常就有的缺失不扣分。错误：数值特征中的无穷大、类型不符的值、超出基准最小值或最大值的数、基准中从未出现的字符串，
按行数计。卡死：至少 30 行只有一个值而基准中有多个值的特征计 0。模型评分为各特征评分的平均值乘以非重复行的比例；
同一行对同一特征只扣一次。

## Methods of drift

A plain name means the definition below; other tools' definitions have names of
their own.

| name | columns | definition |
|---|---|---|
| psi | all | sum of (p-q) ln(p/q) over the reference's deciles, or its categories and one bin of unseen ones; half a row is added to each bin on both sides; bins that neither sample occupies do not count; a value on which several deciles fall is a bin of its own |
| js | all | Jensen-Shannon distance (square root, base 2) over the bins of psi, nothing added |
| ks | numbers | two-sample Kolmogorov-Smirnov distance; the p-value is exact when neither sample has more than 10,000 rows (unless it is below 1e-15), else asymptotic, as scipy's ks_2samp |
| wasserstein | numbers | W1, in the feature's own unit |
| chi2 | categories | contingency chi-square, each category by itself, Yates' correction for two |

The verdict of a column: **stable** without a significant difference after
Benjamini-Hochberg control over all columns of the window (q = 0.01; KS for
numbers; for categories chi-square, rare ones pooled until five rows are
expected, together with the chance of the never-seen ones); **shifted** when
significant and the effect below the limit (0.1 unless configured; the effect
of wasserstein is W1 over the reference's standard deviation, that of chi2 is
the psi); **drifted** when significant and the effect at or above it;
**insufficient** below 30 rows on either side.
`

func row(m Metric) string {
	cells := []string{
		"`" + m.Key + "`", m.Title.En, m.Title.Zh, string(m.Unit), string(m.Good), tasks(m.Tasks), dash(m.By),
		bound(m, m.Warning), bound(m, m.Critical), dur(m), strconv.Itoa(m.MinSamples), yes(m.EnabledByDefault), series(m.Series),
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func tasks(list []event.Task) string {
	if len(list) == 0 {
		return "all"
	}
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

func bound(m Metric, v *float64) string {
	if v == nil {
		return "–"
	}
	return m.Operator.PromQL() + " " + strconv.FormatFloat(*v, 'g', -1, 64)
}

func dur(m Metric) string {
	if m.For == 0 {
		return "–"
	}
	return m.For.String()
}

func series(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + s + "`"
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// words are the texts of the page in English and Chinese.
var words = map[string][2]string{
	"title":           {"Data and model report", "数据与模型报告"},
	"reference":       {"Reference", "参考数据"},
	"current":         {"Current", "当前数据"},
	"rows":            {"%s rows", "%s 行"},
	"rows_used":       {"%s of %s rows could be used", "%[2]s 行中有 %[1]s 行可用"},
	"from_to":         {"%s to %s", "%s 至 %s"},
	"made":            {"Made %s (%s)", "生成于 %s（%s）"},
	"labels":          {"Labels", "标签"},
	"drifted":         {"Drifted", "漂移"},
	"shifted":         {"Shifted", "偏移"},
	"stable":          {"Stable", "稳定"},
	"insufficient":    {"Too few rows", "数据不足"},
	"say_drifted":     {"%s of %s features drifted.", "%[2]s 个特征中有 %[1]s 个发生漂移。"},
	"say_shifted":     {"No feature drifted; %s of %s shifted a little.", "没有特征发生漂移；%[2]s 个特征中有 %[1]s 个轻微偏移。"},
	"say_stable":      {"All %s features are as in the reference.", "全部 %s 个特征与参考数据一致。"},
	"say_none":        {"Nothing could be judged: each side needs %s rows.", "无法判断：两侧各需至少 %s 行。"},
	"say_worst":       {"Farthest: %s.", "变化最大：%s。"},
	"say_new":         {"%s with categories that the reference never had.", "%s 个特征出现参考数据中没有的类别。"},
	"say_quality":     {"%s is %s, and was %s in the reference.", "%s 为 %s，参考数据中为 %s。"},
	"say_quality1":    {"%s is %s.", "%s 为 %s。"},
	"say_failed":      {"%s of %s conditions failed.", "%[2]s 个条件中有 %[1]s 个不满足。"},
	"conditions":      {"Conditions", "检查条件"},
	"condition":       {"Fails when", "失败条件"},
	"found":           {"Found", "实际值"},
	"failed":          {"Failed", "失败"},
	"passed":          {"Passed", "通过"},
	"quality":         {"Quality of the model", "模型质量"},
	"metric":          {"Metric", "指标"},
	"interval":        {"95 % interval", "95% 置信区间"},
	"change":          {"Change", "变化"},
	"confusion":       {"Confusion matrix", "混淆矩阵"},
	"truth":           {"true", "真实"},
	"predicted":       {"predicted", "预测"},
	"roc":             {"ROC curve", "ROC 曲线"},
	"fpr":             {"false positive rate", "假阳性率"},
	"tpr":             {"true positive rate", "真阳性率"},
	"pr":              {"Precision and recall", "精确率与召回率"},
	"calibration":     {"Calibration", "校准"},
	"score":           {"score", "得分"},
	"share_positive":  {"share of positives", "正类比例"},
	"residuals":       {"Prediction less label", "预测值减标签"},
	"classes":         {"Classes", "类别"},
	"support":         {"Rows", "行数"},
	"estimated":       {"Estimated", "估计"},
	"about_estimate":  {"Estimated: what the scores let expect, by CBPE (as NannyML defines it) with a band of three sampling errors. It sees a change of what comes in, and is blind to a change of what it means.", "估计：按 CBPE（NannyML 的定义）由得分推算，区间为三倍抽样误差。它能反映输入的变化，但无法反映含义的变化。"},
	"say_estimate":    {"%s is estimated at %s without labels.", "在没有标签的情况下，%s 估计为 %s。"},
	"no_labels_yet":   {"There are no labels for the current file, so its quality is not known.", "当前数据没有标签，因此质量未知。"},
	"label":           {"What was true", "标签分布"},
	"prediction":      {"What was predicted", "预测分布"},
	"features":        {"Features", "特征"},
	"features_note":   {"The farthest from the reference first. Bars are the current file, the line is the reference.", "按与参考数据的差异排序。柱为当前数据，折线为参考数据。"},
	"search":          {"Find a feature", "查找特征"},
	"only":            {"Show", "显示"},
	"all":             {"all", "全部"},
	"over_time":       {"Over time", "随时间变化"},
	"per_hour":        {"by hour", "按小时"},
	"per_day":         {"by day", "按天"},
	"per_week":        {"by week", "按周"},
	"per_month":       {"by month", "按月"},
	"per_quarter":     {"by quarter", "按季度"},
	"per_year":        {"by year", "按年"},
	"share_drifted":   {"Share of drifted features", "漂移特征占比"},
	"heat":            {"Drift of each feature", "各特征漂移"},
	"heat_note":       {"A dot is at or above the limit. A reference of more than 10,000 rows is compared here on the server's grid.", "圆点表示达到或超过阈值。超过 10,000 行的参考数据在此按服务器网格比较。"},
	"data_quality":    {"Quality of the data", "数据质量"},
	"missing":         {"Missing", "缺失"},
	"outliers":        {"Outliers", "异常值"},
	"out_of_range":    {"Out of range", "超出范围"},
	"unseen":          {"Never seen", "未见类别"},
	"type_errors":     {"Wrong type", "类型错误"},
	"distinct":        {"Distinct", "不同值"},
	"infinite":        {"Infinite", "无穷值"},
	"mean":            {"Mean", "均值"},
	"sd":              {"Deviation", "标准差"},
	"min":             {"Least", "最小值"},
	"max":             {"Greatest", "最大值"},
	"median":          {"Median", "中位数"},
	"feature":         {"Feature", "特征"},
	"method":          {"Method", "方法"},
	"value":           {"Value", "数值"},
	"p_value":         {"p-value", "p 值"},
	"numeric":         {"numeric", "数值"},
	"categorical":     {"categorical", "类别"},
	"absent_ref":      {"not in the reference", "参考数据中没有"},
	"absent_cur":      {"not in the current file", "当前数据中没有"},
	"rest":            {"all others", "其余"},
	"below_above":     {"outside the picture: reference %s, current %s rows", "图外：参考 %s 行，当前 %s 行"},
	"limit":           {"limit", "阈值"},
	"about":           {"How this was made", "说明"},
	"about_values":    {"Every number is made from all values of the files, not from a sample or a sketch, except where it says otherwise.", "除特别说明外，所有数字都由文件的全部数值计算，未使用抽样或近似。"},
	"about_verdict":   {"A feature is stable when its difference is not significant after Benjamini-Hochberg control over all features (q = %s; Kolmogorov-Smirnov for numbers, chi-square for categories). It is shifted when it is, and drifted when %s is at or above %s as well. Below %s rows on a side there is no verdict.", "经 Benjamini-Hochberg 校正（q = %s；数值用 Kolmogorov-Smirnov 检验，类别用卡方检验）后差异不显著为“稳定”；显著为“偏移”；显著且 %s 不低于 %s 为“漂移”。任一侧少于 %s 行时不作判断。"},
	"about_evidently": {"Features are judged by Evidently's rule: a method is chosen for each by its values and the size of the reference; a distance of 0.1 or more, or a p-value below 0.05, is drift. Below %s rows on a side there is no verdict.", "按 Evidently 的规则判断：根据取值和参考数据量为每个特征选择方法；距离不低于 0.1 或 p 值低于 0.05 即为漂移。任一侧少于 %s 行时不作判断。"},
	"about_nannyml":   {"Features are judged by NannyML's rule: js@nannyml above the mean of ten chunks of the reference plus three standard deviations is drift. Below %s rows on a side there is no verdict.", "按 NannyML 的规则判断：js@nannyml 超过参考数据十个分块均值加三倍标准差即为漂移。任一侧少于 %s 行时不作判断。"},
	"about_outliers":  {"Outliers lie outside the reference's 0.5 and 99.5 percentiles; in the reference itself 1 % do.", "异常值指参考数据 0.5 至 99.5 百分位之外的值；参考数据自身约有 1%。"},
	"files":           {"Files", "文件"},
	"warnings":        {"Warnings", "提示"},
	"rejected":        {"Rows that were left out", "未使用的行"},
	"more":            {"%s more", "另有 %s 个"},
	"new":             {"new categories", "新类别"},
	"unique":          {"nearly every value once: an id?", "几乎每个值只出现一次：是否为标识？"},
	"constant":        {"constant", "恒定"},
	"details":         {"details", "详情"},
	"n_labels":        {"%s labels", "%s 个标签"},
	"worst_missing":   {"Worst missing rate", "最高缺失率"},
	"pred_drift":      {"Prediction drift", "预测漂移"},
	"no_drawing":      {"There is nothing to draw.", "没有可绘制的数据。"},
}

var reasons = map[string][2]string{
	measure.NoLabels:             {"no labels", "没有标签"},
	measure.NoPredictions:        {"no predictions", "没有预测"},
	measure.NoPositives:          {"no positive labels", "没有正类标签"},
	measure.NoNegatives:          {"no negative labels", "没有负类标签"},
	measure.NoPredictedPositives: {"nothing predicted positive", "没有预测为正类"},
	measure.OneClass:             {"one class only", "只有一个类别"},
	measure.NoScores:             {"no scores", "没有得分"},
	measure.NeedsClassScores:     {"needs a score for each class", "需要每个类别的得分"},
	measure.TooManyClasses:       {"too many classes", "类别过多"},
	measure.ConstantLabels:       {"all labels are equal", "标签全部相同"},
	measure.ZeroTargets:          {"all labels are zero", "标签全部为零"},
	measure.NotFinite:            {"not finite", "不是有限数"},
	measure.Insufficient:         {"too few rows", "数据不足"},
}

// language writes texts and numbers.
type language struct {
	at   int // in words
	name string
	zone *time.Location
}

func newLanguage(name string, zone *time.Location) language {
	if name == "zh" {
		return language{1, "zh-CN", zone}
	}
	return language{0, "en", zone}
}

// T is a text; what it lacks shows as its key, which a test looks for.
func (l language) T(key string, args ...any) string {
	w, ok := words[key]
	if !ok {
		return "?" + key
	}
	if len(args) == 0 {
		return w[l.at]
	}
	return fmt.Sprintf(w[l.at], args...)
}

func (l language) reason(code string) string {
	if r, ok := reasons[code]; ok {
		return r[l.at]
	}
	return code
}

// metric is the catalogue's title.
func (l language) metric(key string) string {
	m, ok := catalogue.Get(key)
	switch {
	case !ok:
		return key
	case l.at == 1:
		return m.Title.Zh
	}
	return m.Title.En
}

const (
	none  = "—"
	minus = "−"
)

// plainNum is num, without decimals for whole numbers.
func plainNum(v *float64) string {
	if v != nil && *v == math.Trunc(*v) && math.Abs(*v) < 1e9 {
		return group(int64(*v))
	}
	return num(v)
}

// num writes a number shortly, with the true minus sign.
func num(v *float64) string {
	if v == nil {
		return none
	}
	return short(*v)
}

func signed(s string) string { return strings.Replace(s, "-", minus, 1) }

// short has three decimals for what is about one, and four digits else.
func short(v float64) string {
	if v < 0 {
		return minus + short(-v)
	}
	a := v
	switch {
	case v == 0:
		return "0"
	case a >= 1e6 || a < 1e-3:
		return signed(strconv.FormatFloat(v, 'g', 3, 64))
	case a >= 100 && v == math.Trunc(v):
		return group(int64(v))
	case a >= 1000:
		return group(int64(math.Round(v)))
	case a >= 10:
		return trim(strconv.FormatFloat(v, 'f', 2, 64))
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

func trim(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") }

// effectText is num, in which next to nothing is said as such.
func effectText(v *float64) string {
	if v != nil && *v > 0 && *v < 0.001 {
		return "<0.001"
	}
	return num(v)
}

// percent has one decimal below 10, none above.
func percent(v *float64) string {
	if v == nil {
		return none
	}
	p := 100 * *v
	switch {
	case p == 0:
		return "0 %"
	case p < 0.01:
		return "<0.01 %"
	case p < 1:
		return strconv.FormatFloat(p, 'f', 2, 64) + " %"
	case p < 10:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}

// group writes 1234567 as 1,234,567.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return signed(s)
}

// pValue never says zero.
func pValue(p *float64) string {
	switch {
	case p == nil:
		return none
	case *p < 1e-16:
		return "<1e" + minus + "16"
	case *p < 0.001:
		return signed(strconv.FormatFloat(*p, 'e', 1, 64))
	}
	return strconv.FormatFloat(*p, 'f', 3, 64)
}

func (l language) moment(t time.Time) string { return t.In(l.zone).Format("2006-01-02 15:04") }

// zoneOf is UTC for a zone that this machine does not know.
func zoneOf(name string) *time.Location {
	if z, err := time.LoadLocation(name); err == nil {
		return z
	}
	return time.UTC
}

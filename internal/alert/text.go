package alert

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// Number is a float64 that JSON can carry whole: what is not finite is
// written as the text that Prometheus writes.
type Number float64

// MarshalJSON writes NaN and the infinities as texts.
func (n Number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte(`"` + strconv.FormatFloat(v, 'g', -1, 64) + `"`), nil
	}
	return json.Marshal(v)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Number) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		v, err := strconv.ParseFloat(s, 64)
		*n = Number(v)
		return err
	}
	return json.Unmarshal(b, (*float64)(n))
}

// Format writes a value of a unit for a person: 0.7 in percent is 70 %.
func Format(v float64, unit catalogue.Unit) string {
	switch unit {
	case catalogue.Percent:
		return compact(v*100) + " %"
	case catalogue.Millis:
		return compact(v) + " ms"
	case catalogue.PerSecond:
		return compact(v) + "/s"
	case catalogue.BytesPerSecond:
		return bytes(v) + "/s"
	case catalogue.Seconds:
		return seconds(v)
	}
	return compact(v)
}

// compact keeps four significant digits, and never less than the whole part.
func compact(v float64) string {
	digits := 4
	if a := math.Abs(v); a >= 1000 && !math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', digits, 64)
}

// seconds writes a length of time in the largest unit of which it has two.
func seconds(v float64) string {
	for _, u := range []struct {
		name string
		long float64
	}{{"d", 86400}, {"h", 3600}, {"min", 60}} {
		if math.Abs(v) >= 2*u.long {
			return compact(v/u.long) + " " + u.name
		}
	}
	return compact(v) + " s"
}

func bytes(v float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if math.Abs(v) < 1000 {
			return compact(v) + " " + unit
		}
		v /= 1000
	}
	return compact(v) + " TB"
}

// words says an operator in a sentence.
func words(o Operator) Text {
	switch o {
	case catalogue.GT:
		return Text{"above", "高于"}
	case catalogue.GTE:
		return Text{"at or above", "不低于"}
	case catalogue.LT:
		return Text{"below", "低于"}
	case catalogue.LTE:
		return Text{"at or below", "不高于"}
	case catalogue.EQ:
		return Text{"equal to", "等于"}
	}
	return Text{"other than", "不等于"}
}

// annotations are the texts and figures that messages are made from. Those of
// the rule itself come last and win.
func annotations(sp *spec, lset map[string]string, o observed) map[string]string {
	out := map[string]string{}
	if t := sp.threshold; t != nil {
		value, limit := Format(o.value, sp.metric.Unit), Format(sp.limit, sp.metric.Unit)
		who := subject(lset)
		word := words(t.Operator)
		out["title"] = first(t.Title.En, sp.rule)
		out["title_zh"] = first(t.Title.Zh, t.Title.En, sp.rule)
		out["metric_title"] = first(sp.metric.Title.En, sp.metric.Key)
		out["metric_title_zh"] = first(sp.metric.Title.Zh, sp.metric.Title.En, sp.metric.Key)
		out["value"], out["limit"] = value, limit
		out["limit_text"], out["limit_text_zh"] = word.En+" "+limit, word.Zh+" "+limit
		out["summary"] = fmt.Sprintf("%s of %s is %s, %s %s", out["metric_title"], who, value, word.En, limit)
		out["summary_zh"] = fmt.Sprintf("%s 的%s为 %s，%s %s", who, out["metric_title_zh"], value, word.Zh, limit)
		if t.Runbook != "" {
			out["runbook_url"] = t.Runbook
		}
	} else {
		out["value"] = compact(o.value)
	}
	o.annotations.Range(func(l labels.Label) { out[l.Name] = l.Value })
	return out
}

// subject names what an alert is about.
func subject(lset map[string]string) string {
	who := first(lset["model"], lset["host"], lset["probe"], lset["instance"], "?")
	for _, name := range []string{"version", "segment", "feature", "mountpoint", "device", "probe"} {
		if v := lset[name]; v != "" && v != who {
			who += " " + v
		}
	}
	return who
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

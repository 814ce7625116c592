package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Pictures are SVG of a fixed width, which a phone has room for, so that text
// is never scaled. Colours come from the page's style sheet, by class.
const (
	chartWidth  = 340
	chartHeight = 190
)

// svg is a picture under construction.
type svg struct {
	strings.Builder
	w, h                     float64
	left, right, top, bottom float64 // room for axes
	x0, x1, y0, y1           float64 // the data's range
}

// at is a place and box a rectangle, in pixels.
type (
	at  struct{ x, y float64 }
	box struct{ x, y, w, h float64 }
)

func newSVG(label string, w, h float64) *svg {
	s := &svg{w: w, h: h}
	fmt.Fprintf(s, `<svg viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s">`, px(w), px(h), px(w), px(h), html.EscapeString(label))
	return s
}

func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func (s *svg) end() template.HTML {
	s.WriteString("</svg>")
	return template.HTML(s.String())
}

func (s *svg) x(v float64) float64 {
	if s.x1 == s.x0 {
		return s.left
	}
	return s.left + (v/2-s.x0/2)/(s.x1/2-s.x0/2)*(s.w-s.left-s.right) // halves: a range may be wider than float64
}

func (s *svg) y(v float64) float64 {
	if s.y1 == s.y0 {
		return s.h - s.bottom
	}
	return s.h - s.bottom - (v-s.y0)/(s.y1-s.y0)*(s.h-s.top-s.bottom)
}

func (s *svg) line(class string, from, to at) {
	fmt.Fprintf(s, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, px(from.x), px(from.y), px(to.x), px(to.y))
}

func (s *svg) rect(class string, b box, title string) {
	fmt.Fprintf(s, `<rect class="%s" x="%s" y="%s" width="%s" height="%s">`, class, px(b.x), px(b.y), px(max(b.w, 0)), px(max(b.h, 0)))
	s.title(title)
	s.WriteString("</rect>")
}

func (s *svg) title(t string) {
	if t != "" {
		fmt.Fprintf(s, "<title>%s</title>", html.EscapeString(t))
	}
}

func (s *svg) text(class, anchor string, p at, t string) {
	fmt.Fprintf(s, `<text class="%s" text-anchor="%s" x="%s" y="%s">%s</text>`, class, anchor, px(p.x), px(p.y), html.EscapeString(t))
}

// path draws points in the data's units; a NaN parts the line.
func (s *svg) path(class string, pts [][2]float64) {
	var d strings.Builder
	move := true
	for _, p := range pts {
		if math.IsNaN(p[1]) {
			move = true
			continue
		}
		c := byte('L')
		if move {
			c, move = 'M', false
		}
		fmt.Fprintf(&d, "%c%s %s", c, px(s.x(p[0])), px(s.y(p[1])))
	}
	if d.Len() > 0 {
		fmt.Fprintf(s, `<path class="%s" d="%s"/>`, class, d.String())
	}
}

// axes draws ticks of both scales and a line below.
func (s *svg) axes(xs, ys []float64, format func(float64) string) {
	for _, v := range ys {
		s.line("grid", at{s.left, s.y(v)}, at{s.w - s.right, s.y(v)})
		s.text("tick", "end", at{s.left - 5, s.y(v) + 3.5}, signed(tickText(v)))
	}
	for i, v := range xs {
		anchor := "middle"
		if i == 0 && s.x(v) < s.left+12 {
			anchor = "start"
		} else if s.x(v) > s.w-s.right-12 {
			anchor = "end"
		}
		s.text("tick", anchor, at{s.x(v), s.h - s.bottom + 14}, format(v))
	}
	s.line("axis", at{s.left, s.h - s.bottom}, at{s.w - s.right, s.h - s.bottom})
}

func tickText(v float64) string {
	if math.Abs(v) < 1e-12 {
		return "0" // and not minus zero, nor what rounding left of it
	}
	if v != 0 && (math.Abs(v) >= 1e5 || math.Abs(v) < 1e-3) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}

// ticks are about n round numbers within a range.
func ticks(lo, hi float64, n int) []float64 {
	if !(hi > lo) {
		return []float64{lo}
	}
	step := niceStep((hi - lo) / float64(n))
	var out []float64
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+step*1e-9 && len(out) < 20; k++ {
		out = append(out, k*step)
	}
	return out
}

// drawHistogram is bars of the current file and a stepped line of the
// reference, each as shares of its own rows.
func drawHistogram(l language, name string, h *Histogram) template.HTML {
	if h == nil || len(h.Edges) < 2 {
		return ""
	}
	ref, cur := shares(h.Reference, h.Below[0]+h.Above[0]), shares(h.Current, h.Below[1]+h.Above[1])
	s := newSVG(l.T("reference")+" / "+l.T("current")+": "+name, chartWidth, chartHeight)
	s.left, s.right, s.top, s.bottom = 40, 6, 8, 22
	s.x0, s.x1 = h.Edges[0], h.Edges[len(h.Edges)-1]
	s.y1 = top(ref, cur)
	s.axes(ticks(s.x0, s.x1, 5), ticks(0, s.y1, 4), func(v float64) string { return signed(tickText(v)) })
	for i, v := range cur {
		a, b := s.x(h.Edges[i]), s.x(h.Edges[i+1])
		tip := fmt.Sprintf("%s … %s\n%s: %s\n%s: %s", num(&h.Edges[i]), num(&h.Edges[i+1]), l.T("current"), percent(&v), l.T("reference"), percent(&ref[i]))
		s.rect("bar", box{a + 0.5, s.y(v), b - a - 1, s.y(0) - s.y(v)}, tip)
	}
	s.steps(h.Edges, ref)
	return s.end()
}

// steps is the outline of a histogram.
func (s *svg) steps(edges, v []float64) {
	if len(v) == 0 {
		return
	}
	pts := [][2]float64{{edges[0], 0}}
	for i := range v {
		pts = append(pts, [2]float64{edges[i], v[i]}, [2]float64{edges[i+1], v[i]})
	}
	s.path("step", append(pts, [2]float64{edges[len(edges)-1], 0}))
}

// drawSmall is the same without axes, for a row of a list.
func drawSmall(c *Column) template.HTML {
	var edges, ref, cur []float64
	switch {
	case c.Histogram != nil && len(c.Histogram.Edges) > 1:
		h := c.Histogram
		edges = h.Edges
		ref, cur = shares(h.Reference, h.Below[0]+h.Above[0]), shares(h.Current, h.Below[1]+h.Above[1])
	case len(c.Categories) > 0:
		r, k := sides(c.Categories)
		ref, cur = shares(r, 0), shares(k, 0)
		for i := range len(ref) + 1 {
			edges = append(edges, float64(i))
		}
	default:
		return ""
	}
	s := newSVG(c.Name, 120, 30)
	s.top, s.bottom = 2, 1
	s.x0, s.x1, s.y1 = edges[0], edges[len(edges)-1], top(ref, cur)
	for i, v := range cur {
		a, b := s.x(edges[i]), s.x(edges[i+1])
		s.rect("bar", box{a, s.y(v), b - a - 0.4, s.y(0) - s.y(v)}, "")
	}
	s.steps(edges, ref)
	return s.end()
}

func sides(list []Category) (ref, cur []int64) {
	for _, c := range list {
		ref, cur = append(ref, c.Reference), append(cur, c.Current)
	}
	return ref, cur
}

func shares(counts []int64, outside int64) []float64 {
	total := outside
	for _, n := range counts {
		total += n
	}
	out := make([]float64, len(counts))
	for i, n := range counts {
		if total > 0 {
			out[i] = float64(n) / float64(total)
		}
	}
	return out
}

func top(lists ...[]float64) float64 {
	m := 0.0
	for _, l := range lists {
		for _, v := range l {
			m = max(m, v)
		}
	}
	if m == 0 {
		return 1
	}
	return m * 1.06
}

// drawCategories is a pair of horizontal bars for each category.
func drawCategories(l language, list []Category) template.HTML {
	ref, cur := sides(list)
	rs, cs := shares(ref, 0), shares(cur, 0)
	const row, label = 24, 118
	s := newSVG(l.T("reference")+" / "+l.T("current"), chartWidth, float64(row*len(list)+6))
	s.left, s.right, s.x1 = label, 48, top(rs, cs)
	for i, c := range list {
		y := float64(i*row) + 4
		name := c.Name
		if c.Rest {
			name = l.T("rest")
		}
		s.text("name", "end", at{label - 7, y + 13}, cutText(name, 15))
		tip := fmt.Sprintf("%s\n%s: %s (%s)\n%s: %s (%s)", name, l.T("current"), percent(&cs[i]), group(c.Current), l.T("reference"), percent(&rs[i]), group(c.Reference))
		s.rect("bar", box{s.left, y, s.x(cs[i]) - s.left, 11}, tip)
		s.rect("refbar", box{s.left, y + 12, s.x(rs[i]) - s.left, 5}, tip)
		s.text("tick", "start", at{s.x(max(cs[i], rs[i])) + 5, y + 12}, percent(&cs[i]))
	}
	return s.end()
}

// cutText shortens a name by its width: one of Chinese takes that of two.
func cutText(t string, width int) string {
	used := 0
	for i, r := range t {
		w := 1
		if r > 0x2e80 {
			w = 2
		}
		if used+w > width {
			return t[:i] + "…"
		}
		used += w
	}
	return t
}

// curve is one line of a chart from 0 to 1.
type curve struct {
	class string
	pts   [][2]float64
}

// unit is a chart whose axes both go from 0 to 1.
type unit struct {
	title, x, y string
	diagonal    bool
	lines       []curve
}

func (u unit) draw() *svg {
	s := newSVG(u.title, chartWidth, 300)
	s.left, s.right, s.top, s.bottom = 40, 10, 10, 38
	s.x1, s.y1 = 1, 1
	quarters := []float64{0, 0.25, 0.5, 0.75, 1}
	s.axes(quarters, quarters, tickText)
	s.text("tick", "middle", at{(s.left + s.w - s.right) / 2, s.h - 6}, u.x)
	fmt.Fprintf(s, `<text class="tick" text-anchor="middle" transform="rotate(-90 10 %s)" x="10" y="%s">%s</text>`, px(s.h/2), px(s.h/2), html.EscapeString(u.y))
	if u.diagonal {
		s.path("guide", [][2]float64{{0, 0}, {1, 1}})
	}
	for _, c := range u.lines {
		s.path(c.class, c.pts)
	}
	return s
}

// drawCalibration shows each bucket's share of positives with its interval.
func drawCalibration(l language, ref, cur *Curves) template.HTML {
	s := unit{title: l.T("calibration"), x: l.T("score"), y: l.T("share_positive"), diagonal: true}.draw()
	if ref != nil {
		var pts [][2]float64
		for _, b := range ref.Calibration {
			pts = append(pts, [2]float64{b.Score, b.Rate})
		}
		s.path("refline", pts)
	}
	if cur != nil {
		for _, b := range cur.Calibration {
			x := s.x(b.Score)
			s.line("whisker", at{x, s.y(b.Low)}, at{x, s.y(b.High)})
			fmt.Fprintf(s, `<circle class="dot" cx="%s" cy="%s" r="3.5">`, px(x), px(s.y(b.Rate)))
			s.title(fmt.Sprintf("%s %s → %s (%s)", l.T("score"), num(&b.Score), percent(&b.Rate), l.T("rows", group(b.N))))
			s.WriteString("</circle>")
		}
	}
	return s.end()
}

// timeline is one number by period.
type timeline struct {
	title      string
	values     []*float64
	other      []*float64 // drawn dotted: the estimate
	low, high  []*float64
	names      []string // of the periods
	base       *float64 // the reference's value, a dashed line
	limit      *float64
	fromZero   bool
	inPercent  bool
	limitTitle string
}

func (t *timeline) draw() template.HTML {
	s := newSVG(t.title, chartWidth, 150)
	s.left, s.right, s.top, s.bottom = 44, 8, 10, 22
	n := len(t.values)
	s.x0, s.x1 = -0.5, float64(n)-0.5
	s.y0, s.y1 = t.fit()
	s.axes(nil, ticks(s.y0, s.y1, 4), nil)
	t.band(s)
	if t.base != nil {
		s.path("refline", [][2]float64{{s.x0, *t.base}, {s.x1, *t.base}})
	}
	if t.limit != nil && *t.limit <= s.y1 {
		s.path("limit", [][2]float64{{s.x0, *t.limit}, {s.x1, *t.limit}})
		s.text("tick", "end", at{s.w - s.right, s.y(*t.limit) - 3}, t.limitTitle)
	}
	s.path("second", byIndex(t.other))
	s.path("main", byIndex(t.values))
	for i, v := range t.values {
		if v == nil {
			continue
		}
		fmt.Fprintf(s, `<circle class="dot" cx="%s" cy="%s" r="2.6">`, px(s.x(float64(i))), px(s.y(*v)))
		text := num(v)
		if t.inPercent {
			text = percent(v)
		}
		s.title(t.names[i] + "\n" + t.title + ": " + text)
		s.WriteString("</circle>")
	}
	for _, i := range labelled(n) {
		anchor := "middle"
		if i == 0 {
			anchor = "start"
		} else if i == n-1 {
			anchor = "end"
		}
		s.text("tick", anchor, at{s.x(float64(i)), s.h - s.bottom + 14}, t.names[i])
	}
	return s.end()
}

// byIndex are points one unit apart; what is missing parts the line.
func byIndex(values []*float64) (pts [][2]float64) {
	for i, v := range values {
		y := math.NaN()
		if v != nil {
			y = *v
		}
		pts = append(pts, [2]float64{float64(i), y})
	}
	return pts
}

// labelled are the periods that are named below a chart.
func labelled(n int) []int {
	switch {
	case n <= 0:
		return nil
	case n == 1:
		return []int{0}
	case n < 5:
		return []int{0, n - 1}
	}
	return []int{0, (n - 1) / 2, n - 1}
}

func (t *timeline) fit() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, list := range [][]*float64{t.values, t.other, t.low, t.high, {t.base}} {
		for _, v := range list {
			if v != nil {
				lo, hi = min(lo, *v), max(hi, *v)
			}
		}
	}
	if t.limit != nil && t.fromZero {
		hi = max(hi, *t.limit*1.2)
	}
	if !(lo <= hi) {
		return 0, 1
	}
	if t.fromZero {
		lo = 0
	}
	pad := (hi - lo) * 0.08
	if pad == 0 {
		pad = max(math.Abs(hi)*0.1, 0.01)
	}
	if !t.fromZero {
		if below := lo - pad; lo < 0 || below > 0 {
			lo = below
		} else {
			lo = 0
		}
	}
	return lo, hi + pad
}

// band is the 95 % interval.
func (t *timeline) band(s *svg) {
	for i := 0; i < len(t.low); {
		j := i
		var d strings.Builder
		for ; j < len(t.low) && t.low[j] != nil && t.high[j] != nil; j++ {
			fmt.Fprintf(&d, "%s,%s ", px(s.x(float64(j))), px(s.y(*t.high[j])))
		}
		for k := j - 1; k >= i; k-- {
			fmt.Fprintf(&d, "%s,%s ", px(s.x(float64(k))), px(s.y(*t.low[k])))
		}
		if j > i+1 {
			fmt.Fprintf(s, `<polygon class="band" points="%s"/>`, strings.TrimSpace(d.String()))
		}
		i = max(j, i+1)
	}
}

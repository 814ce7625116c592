package inference

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Mapping says what the tensors of a model mean. Everything may be left out:
// see docs/operate/inference.md for what is then assumed.
type Mapping struct {
	Model      string   // the name in Leeway; empty is the service's own
	ID         string   // column with the id of a row
	Version    string   // column with the version; or annotation:NAME of the service
	Prediction string   // column or tensor of the response
	Score      string   // column with the probability of the positive class
	Features   []string // names of the places of rows without names; and only these columns, if they have names
	Classes    []string // names of the classes, in the order of the probabilities
	Segments   []string // columns to cut by
}

// Exchange is a request and its response, or one of them.
type Exchange struct {
	Request, Response *Body
	Mapping           *Mapping
	// Mismatch says that the response has another number of rows than the
	// request, so that nobody knows which belongs to which: it is left out.
	Mismatch bool

	features, segments      []column
	prediction, score       column
	id, version             column
	probabilities, classify *Tensor
	classes                 []string
}

// column is one place of a tensor's rows.
type column struct {
	name   string
	tensor *Tensor
	place  int
}

func (c *column) at(row int) Cell {
	if c.tensor == nil {
		return Cell{}
	}
	if cells := c.tensor.row(row); cells != nil {
		return cells[c.place]
	}
	return Cell{}
}

// row is the values of a row; nil behind the last.
func (t *Tensor) row(i int) []Cell {
	if (i+1)*t.Width > len(t.Cells) {
		return nil
	}
	return t.Cells[i*t.Width : (i+1)*t.Width]
}

// Row is one prediction. It is used again by the next call of Exchange.Row.
type Row struct {
	ID, Version string
	Features    []Field
	Prediction  Cell
	Score       float64 // NaN is none
	Scores      []Field
	Segments    []Field
}

// Resolve finds what each tensor is. It is called once, before Rows and Row.
func (x *Exchange) Resolve() {
	if x.Mapping == nil {
		x.Mapping = &Mapping{}
	}
	if x.Request != nil && x.Response != nil && x.Response.Rows > 0 && x.Request.Rows > 0 && x.Response.Rows != x.Request.Rows {
		x.Mismatch = true
		x.Response = &Body{Version: x.Response.Version, Failed: x.Response.Failed, Facts: x.Response.Facts}
	}
	in, out := columns(x.Request, x.Mapping.Features), columns(x.Response, nil)
	m := x.Mapping
	x.id, x.version = take(&in, &out, m.ID), take(&in, &out, m.Version)
	for _, name := range m.Segments {
		if c := find(name, in, out); c.tensor != nil && !slices.ContainsFunc(x.segments, func(o column) bool { return o.name == c.name }) {
			x.segments = append(x.segments, c)
		}
	}
	x.score = take(&out, &in, m.Score)
	x.prediction = take(&out, &in, m.Prediction)
	x.features = x.chosen(distinct(in))
	if x.Response != nil {
		x.guess(out)
	}
}

// chosen keeps the features that the mapping names, or all where it names none
// that there is: then its names are those of places.
func (x *Exchange) chosen(in []column) []column {
	if len(x.Mapping.Features) == 0 {
		return in
	}
	var named []column
	for _, c := range in {
		if slices.Contains(x.Mapping.Features, c.name) {
			named = append(named, c)
		}
	}
	if len(named) == 0 {
		return in
	}
	return named
}

// distinct drops columns whose name another has: a row says a name once.
func distinct(list []column) []column {
	seen := make(map[string]bool, len(list))
	return slices.DeleteFunc(slices.Clone(list), func(c column) bool {
		twice := seen[c.name]
		seen[c.name] = true
		return twice
	})
}

// columns lists the places of all tensors with their names.
func columns(b *Body, names []string) []column {
	if b == nil {
		return nil
	}
	var list []column
	for i := range b.Tensors {
		t := &b.Tensors[i]
		given := t.Columns
		if given == nil && len(names) == t.Width && len(b.Tensors) == 1 && t.Width > 0 && (t.Width > 1 || t.Name == "x") {
			given = names
		}
		for k := range t.Width {
			name := t.Name
			switch {
			case given != nil:
				name = given[k]
			case t.Width > 1:
				name += "_" + strconv.Itoa(k)
			}
			list = append(list, column{name, t, k})
		}
	}
	return list
}

// find gives the column of a name; a wide tensor's own name is that of its
// first place.
func find(name string, in ...[]column) column {
	if name == "" {
		return column{}
	}
	for _, list := range in {
		for _, c := range list {
			if c.name == name || c.tensor.Name == name && c.place == 0 {
				return c
			}
		}
	}
	return column{}
}

// take is find, and the column stands no more in the lists.
func take(first, second *[]column, name string) column {
	c := find(name, *first, *second)
	if c.tensor != nil {
		for _, list := range []*[]column{first, second} {
			*list = slices.DeleteFunc(slices.Clone(*list), func(o column) bool { return o == c })
		}
	}
	return c
}

// Names under which model servers send a probability, and a class.
var (
	scoreNames = []string{"score", "probability", "proba", "predict_proba", "confidence"}
	classNames = []string{"prediction", "predict", "predictions", "predicted", "predicted_class", "class", "label", "output"}
)

// guess finds prediction and score in the response where the mapping does not
// say them: a tensor of one value a row is the prediction, one of several that
// add up to 1 are probabilities of classes.
func (x *Exchange) guess(out []column) {
	m := x.Mapping
	if c := x.prediction; c.tensor != nil && c.tensor.Width > 1 && c.tensor.Name == m.Prediction {
		x.classify, x.prediction = c.tensor, column{}
	}
	if x.score.tensor == nil && m.Score == "" {
		for i := range x.Response.Tensors {
			if t := &x.Response.Tensors[i]; t.Width > 1 && x.probabilities == nil && isProbabilities(t) {
				x.probabilities = t
			}
		}
		x.score = one(out, scoreNames)
		if x.probabilities != nil {
			x.score = column{}
		}
	}
	if x.prediction.tensor == nil && x.classify == nil && m.Prediction == "" {
		if x.prediction = one(out, classNames); x.prediction.tensor == nil {
			x.prediction = single(out, x.score)
		}
		if x.prediction.tensor == nil && x.probabilities != nil {
			x.classify = x.probabilities
		}
	}
	x.nameClasses()
}

// one is the first column of one place whose name is among those.
func one(out []column, names []string) column {
	for _, name := range names {
		for _, c := range out {
			if c.tensor.Width == 1 && strings.EqualFold(c.name, name) {
				return c
			}
		}
	}
	return column{}
}

// single is the only column of one place that is not the score.
func single(out []column, score column) column {
	var found column
	for _, c := range out {
		if c.tensor.Width != 1 || c == score {
			continue
		}
		if found.tensor != nil {
			return column{} // two: the mapping must tell
		}
		found = c
	}
	return found
}

// nameClasses gives probabilities the names of their classes. Where predictions
// are texts and nobody names the classes, probabilities cannot be told apart.
func (x *Exchange) nameClasses() {
	t := x.probabilities
	if t == nil {
		t = x.classify
	}
	if t == nil {
		return
	}
	switch {
	case len(x.Mapping.Classes) == t.Width && unique(x.Mapping.Classes):
		x.classes = x.Mapping.Classes
	case t.Columns != nil && unique(t.Columns):
		x.classes = t.Columns
	default:
		if c := x.prediction; c.tensor != nil && slices.ContainsFunc(c.tensor.Cells, func(c Cell) bool { return c.Kind == Text }) {
			x.probabilities = nil
		}
		for k := range t.Width {
			x.classes = append(x.classes, strconv.Itoa(k))
		}
	}
}

func unique(names []string) bool {
	sorted := slices.Sorted(slices.Values(names))
	return len(slices.Compact(sorted)) == len(names)
}

// isProbabilities tells whether each row of a tensor adds up to 1.
func isProbabilities(t *Tensor) bool {
	for row := range slices.Chunk(t.Cells, t.Width) {
		sum := 0.0
		for _, c := range row {
			if c.Kind != Number || c.Num < 0 || c.Num > 1 {
				return false
			}
			sum += c.Num
		}
		if math.Abs(sum-1) > 1e-3 {
			return false
		}
	}
	return len(t.Cells) > 0
}

// Rows is the number of predictions.
func (x *Exchange) Rows() int {
	n := 0
	for _, b := range []*Body{x.Request, x.Response} {
		if b == nil {
			continue
		}
		n = max(n, b.Rows)
		if len(b.Facts) > 0 || b.Failed != "" {
			n = max(n, 1)
		}
	}
	return n
}

// Row fills in row i.
func (x *Exchange) Row(i int, r *Row) {
	*r = Row{Features: r.Features[:0], Scores: r.Scores[:0], Segments: r.Segments[:0], Score: math.NaN()}
	r.ID, r.Version = x.id.at(i).String(), x.version.at(i).String()
	if r.Version == "" && x.Response != nil {
		r.Version = x.Response.Version
	}
	for k := range x.features {
		r.Features = append(r.Features, Field{x.features[k].name, x.features[k].at(i)})
	}
	for _, b := range []*Body{x.Request, x.Response} {
		if b != nil && i == 0 {
			for _, f := range b.Facts {
				if !slices.ContainsFunc(r.Features, func(o Field) bool { return o.Name == f.Name }) {
					r.Features = append(r.Features, f)
				}
			}
		}
	}
	for k := range x.segments {
		if c := x.segments[k].at(i); c.Kind != Missing {
			r.Segments = append(r.Segments, Field{x.segments[k].name, c})
		}
	}
	x.outcome(i, r)
}

// outcome fills in what was predicted.
func (x *Exchange) outcome(i int, r *Row) {
	r.Prediction = x.prediction.at(i)
	if t := x.classify; t != nil {
		if best, ok := argmax(t.row(i)); ok && best < len(x.classes) {
			r.Prediction = classOf(x.classes[best])
		}
	}
	if c := x.score.at(i); c.Kind == Number && c.Num >= 0 && c.Num <= 1 {
		r.Score = c.Num
	}
	if t := x.probabilities; t != nil && len(x.classes) == t.Width {
		for k, c := range t.row(i) {
			r.Scores = append(r.Scores, Field{x.classes[k], c})
		}
	}
}

func argmax(cells []Cell) (best int, ok bool) {
	for k, c := range cells {
		if c.Kind == Number && (!ok || c.Num > cells[best].Num) {
			best, ok = k, true
		}
	}
	return best, ok
}

// classOf is a class by name; one that is a whole number stays a number, as
// its label probably is.
func classOf(name string) Cell {
	if v, err := strconv.Atoi(name); err == nil && strconv.Itoa(v) == name {
		return Cell{Kind: Number, Num: float64(v)}
	}
	return Cell{Kind: Text, Text: name}
}

// String is the cell as an id or a segment.
func (c Cell) String() string {
	switch c.Kind {
	case Number:
		return strconv.FormatFloat(c.Num, 'f', -1, 64)
	case Text:
		return c.Text
	}
	return ""
}

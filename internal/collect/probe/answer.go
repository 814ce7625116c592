package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"

	"github.com/PaesslerAG/gval"
	"github.com/PaesslerAG/jsonpath"
)

// answer is what is expected of the answer of a model.
type answer struct {
	path               gval.Evaluable
	where              string // the path as it was written
	equals             any
	compare            bool
	absolute, relative float64
	match              *regexp.Regexp // nil: any
	maxLength          int
}

// newAnswer is nil where nothing is expected.
func newAnswer(e *Expect, path string) (*answer, error) {
	if !e.answers() {
		return nil, nil
	}
	if e.Path != "" {
		path = e.Path
	}
	a := &answer{where: path, absolute: e.Absolute, relative: e.Relative, maxLength: e.MaxLength}
	var err error
	if a.path, err = jsonpath.New(path); err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	if e.Match != "" {
		if a.match, err = regexp.Compile(e.Match); err != nil {
			return nil, err
		}
	}
	if e.Equals != "" {
		a.compare = true
		if a.equals, err = parse([]byte(e.Equals)); err != nil {
			a.equals = e.Equals // plain text
		}
	}
	return a, nil
}

func validJSON(text string) error {
	_, err := parse([]byte(text))
	return err
}

// parse reads one JSON value.
func parse(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	var v any
	if err := d.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty")
		}
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON value")
	}
	return v, nil
}

// check is nil or a *wrongAnswer: whatever came, somebody answered.
func (a *answer) check(ctx context.Context, body []byte) error {
	doc, err := parse(body)
	if err != nil {
		return wrong("the answer is not JSON (%s): %s", err, excerpt(body))
	}
	got, err := a.path(ctx, doc)
	if err != nil {
		return wrong("the answer has nothing at %s: %s", a.where, excerpt(body))
	}
	if a.compare {
		if difference := a.differ(a.equals, got, ""); difference != "" {
			return wrong("at %s%s", a.where, difference)
		}
	}
	return a.checkText(got)
}

func (a *answer) checkText(got any) error {
	text := textOf(got)
	if a.match != nil && !a.match.MatchString(text) {
		return wrong("at %s: %s does not match %s", a.where, quote(got), a.match)
	}
	if a.maxLength > 0 && len(text) > a.maxLength {
		return wrong("at %s: the text has %d bytes, %d are expected at most", a.where, len(text), a.maxLength)
	}
	return nil
}

// differ says where two values differ first, and is empty where they do not.
// Lists and objects are compared member by member, at any depth.
func (a *answer) differ(want, got any, at string) string {
	switch want := want.(type) {
	case float64:
		have, ok := got.(float64)
		if !ok || !a.near(want, have) {
			return a.apart(want, got, at)
		}
		return ""
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			return a.shape(want, got, at)
		}
		for i := range want {
			if d := a.differ(want[i], have[i], fmt.Sprintf("%s[%d]", at, i)); d != "" {
				return d
			}
		}
		return ""
	case map[string]any:
		return a.differObject(want, got, at)
	}
	if want != got {
		return a.apart(want, got, at)
	}
	return ""
}

func (a *answer) differObject(want map[string]any, got any, at string) string {
	have, ok := got.(map[string]any)
	if !ok || len(have) != len(want) {
		return a.apart(want, got, at)
	}
	for name := range want {
		value, ok := have[name]
		if !ok {
			return fmt.Sprintf("%s: %q is missing", at, name)
		}
		if d := a.differ(want[name], value, at+"."+name); d != "" {
			return d
		}
	}
	return ""
}

// near tells whether a number is within the larger of both tolerances.
func (a *answer) near(want, got float64) bool {
	return math.Abs(got-want) <= max(a.absolute, a.relative*math.Abs(want))
}

func (a *answer) apart(want, got any, at string) string {
	text := fmt.Sprintf("%s: %s, expected is %s", at, quote(got), quote(want))
	w, isNumber := want.(float64)
	if g, ok := got.(float64); ok && isNumber && (a.absolute > 0 || a.relative > 0) {
		text += fmt.Sprintf(" within %s", strconv.FormatFloat(max(a.absolute, a.relative*math.Abs(w)), 'g', 4, 64))
		text += fmt.Sprintf(" (off by %s)", strconv.FormatFloat(math.Abs(g-w), 'g', 4, 64))
	}
	return text
}

func (a *answer) shape(want []any, got any, at string) string {
	if have, ok := got.([]any); ok {
		return fmt.Sprintf("%s: %d elements, expected are %d", at, len(have), len(want))
	}
	return a.apart(want, got, at)
}

func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, _ := json.Marshal(v) // it came from JSON
	return string(text)
}

func quote(v any) string {
	text, _ := json.Marshal(v)
	return clip(string(text), 80)
}

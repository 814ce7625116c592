package inference

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The types of CloudEvents that loggers send; others are passed over.
const (
	kserveRequest  = "org.kubeflow.serving.inference.request"
	kserveResponse = "org.kubeflow.serving.inference.response"
	seldonRequest  = "io.seldon.serving.inference.request"
	seldonResponse = "io.seldon.serving.inference.response"
)

// Media types of CloudEvents that stand in their body.
const (
	structuredType = "application/cloudevents+json"
	batchType      = "application/cloudevents-batch+json"
)

// cloudEvent is the part of a CloudEvent that matters here.
type cloudEvent struct {
	attrs map[string]string // by name in lower case; extensions too
	data  []byte
}

// maxAttribute bounds an attribute's value, in bytes; annotations are JSON.
const maxAttribute = 8 << 10

// events reads what a request carries: one event whose attributes are in the
// headers, one in the body, or a batch of them.
func events(h http.Header, body []byte) ([]cloudEvent, error) {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch kind {
	case structuredType:
		e, err := structured(body)
		return []cloudEvent{e}, err
	case batchType:
		var raw []json.RawMessage
		if err := json.Unmarshal(body, &raw); err != nil {
			return nil, fmt.Errorf("the batch is no array of events: %w", err)
		}
		list := make([]cloudEvent, len(raw))
		for i, r := range raw {
			var err error
			if list[i], err = structured(r); err != nil {
				return nil, fmt.Errorf("event %d: %w", i, err)
			}
		}
		return list, nil
	}
	e := cloudEvent{attrs: map[string]string{}, data: body}
	for name, values := range h {
		if attr, ok := strings.CutPrefix(strings.ToLower(name), "ce-"); ok && len(values) > 0 {
			v, err := url.PathUnescape(values[0]) // the HTTP binding escapes by percent
			if err != nil {
				v = values[0]
			}
			e.attrs[attr] = v
		}
	}
	if e.attrs["type"] == "" {
		return nil, errors.New("there is no header Ce-Type, and the Content-Type is not " + structuredType + " or " + batchType)
	}
	return []cloudEvent{e}, nil
}

// structured reads one event from JSON.
func structured(text []byte) (cloudEvent, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return cloudEvent{}, fmt.Errorf("the event is no JSON object: %w", err)
	}
	e := cloudEvent{attrs: make(map[string]string, len(members))}
	for name, raw := range members {
		switch name {
		case "data":
			e.data = raw
			// Data of another type than JSON is a string; a logger that is not
			// told the type sends JSON in one.
			var inner string
			if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &inner) == nil {
				e.data = []byte(inner)
			}
		case "data_base64":
			var text string
			if json.Unmarshal(raw, &text) != nil {
				return e, errors.New("data_base64 is no string")
			}
			data, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return e, errors.New("data_base64 cannot be read")
			}
			e.data = data
		default:
			var text string
			if json.Unmarshal(raw, &text) != nil {
				text = string(raw) // a number or boolean
			}
			e.attrs[strings.ToLower(name)] = text
		}
	}
	return e, nil
}

// Half is one side of an exchange, as it waits for the other.
type Half struct {
	Response bool   `json:"response,omitempty"`
	Service  string `json:"service"` // of the mapping, and the model unless that says another
	ID       string `json:"id"`      // common to both halves
	Part     string `json:"part,omitempty"`
	Version  string `json:"version,omitempty"`
	Failed   string `json:"failed,omitempty"`
	Time     int64  `json:"time,omitempty"` // of the event, unix ms; 0 is not known
	// Annotations of the service, in which a version may stand.
	Annotations map[string]string `json:"annotations,omitempty"`

	payload []byte
	arrived int64 // at Leeway, unix ms
}

// maxID leaves room for the row in an id of 256 bytes.
const maxID = 240

// errOther is an event of a type that is not about inference.
var errOther = errors.New("an event of another type")

// halfOf reads an event.
func halfOf(e *cloudEvent, namespaces bool) (*Half, error) {
	h := &Half{payload: e.data}
	switch e.attrs["type"] {
	case kserveRequest, seldonRequest:
	case kserveResponse, seldonResponse:
		h.Response = true
	default:
		return nil, errOther
	}
	for name, v := range e.attrs {
		if len(v) > maxAttribute {
			return nil, fmt.Errorf("attribute %.40q is longer than %d bytes", name, maxAttribute)
		}
	}
	// Seldon gives each event an id of its own and repeats that of the request.
	if h.ID = e.attrs["requestid"]; h.ID == "" {
		h.ID = e.attrs["id"]
	}
	if h.ID == "" || len(h.ID) > maxID {
		return nil, fmt.Errorf("the id is missing or longer than %d bytes", maxID)
	}
	if h.Service = e.attrs["inferenceservicename"]; h.Service == "" {
		h.Service = e.attrs["modelid"]
	}
	if ns := e.attrs["namespace"]; namespaces && ns != "" {
		h.Service = ns + "." + h.Service
	}
	h.Part = e.attrs["modelid"]
	if c := e.attrs["component"]; c != "" && c != "predictor" { // a transformer sees other columns
		h.Service += "-" + c
	}
	if !validModel(h.Service) {
		return nil, fmt.Errorf("the service %.140q is not 1 to 128 letters, digits, dots, hyphens and underscores", h.Service)
	}
	h.rest(e)
	return h, nil
}

// rest reads what may be missing.
func (h *Half) rest(e *cloudEvent) {
	if v := e.attrs["annotations"]; v != "" {
		_ = json.Unmarshal([]byte(v), &h.Annotations) // what is no object of texts has no version
	}
	if v := e.attrs["endpoint"]; v != "" && v != "default" {
		h.Version = clip(v, 128)
	}
	for _, name := range []string{"recordedtime", "time"} { // KServe's time is that of sending, which may wait
		if t, err := time.Parse(time.RFC3339Nano, e.attrs[name]); err == nil {
			h.Time = t.UnixMilli()
			break
		}
	}
	code := e.attrs["statuscode"]
	if h.Response && code != "" && (len(code) != 3 || code[0] != '2') {
		h.Failed = "status " + clip(code, 16)
	}
}

// key joins the halves of one exchange.
func (h *Half) key() string { return h.Service + "\x00" + h.Part + "\x00" + h.ID }

func validModel(name string) bool {
	if name == "" || len(name) > 128 || name == "." || name == ".." {
		return false
	}
	for _, c := range []byte(name) {
		if c|0x20-'a' > 25 && c-'0' > 9 && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

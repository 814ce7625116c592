package inference

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// told is an exchange's first row as text.
func told(t *testing.T, request, response string, m *Mapping) string {
	t.Helper()
	x := Exchange{Mapping: m}
	for _, side := range []struct {
		to   **Body
		text string
	}{{&x.Request, request}, {&x.Response, response}} {
		if side.text == "" {
			continue
		}
		b, err := Decode([]byte(side.text), Limits{})
		if err != nil {
			t.Fatalf("%s: %v", side.text, err)
		}
		*side.to = b
	}
	x.Resolve()
	var r Row
	var out []string
	for i := range x.Rows() {
		x.Row(i, &r)
		slices.SortFunc(r.Features, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		text := appendRow(nil, &r, facts{latency: math.NaN()}, "")
		out = append(out, strings.Replace(strings.Replace(string(text), `"time":0`, "", 1), `"id":"",`, "", 1))
	}
	return strings.Join(out, " ")
}

func TestFormsOfPayloads(t *testing.T) {
	for name, c := range map[string]struct {
		request, response string
		mapping           Mapping
		want              string
	}{
		"scalars":         {`{"instances":[1,2]}`, `{"predictions":[0.5,0.7]}`, Mapping{}, `{,"prediction":0.5,"features":{"x":1}} {,"prediction":0.7,"features":{"x":2}}`},
		"named":           {`{"instances":[[1,2]]}`, ``, Mapping{Features: []string{"age", "hours"}}, `{,"features":{"age":1,"hours":2}}`},
		"objects":         {`{"instances":[{"age":1,"land":"DE","at":{"x":true}},{"land":"FR","new":null}]}`, ``, Mapping{Segments: []string{"land"}}, `{,"segments":{"land":"DE"},"features":{"age":1,"at.x":"true","land":"DE","new":null}} {,"segments":{"land":"FR"},"features":{"age":null,"at.x":null,"land":"FR","new":null}}`},
		"probabilities":   {`{"instances":[[1]]}`, `{"predictions":[[0.1,0.2,0.7]]}`, Mapping{}, `{,"prediction":2,"score":{"0":0.1,"1":0.2,"2":0.7},"features":{"x":1}}`},
		"classes":         {``, `{"predictions":[[0.1,0.9]]}`, Mapping{Classes: []string{"no", "yes"}}, `{,"prediction":"yes","score":{"no":0.1,"yes":0.9}}`},
		"several numbers": {``, `{"predictions":[[10,20]]}`, Mapping{}, `{}`},
		"label and score": {``, `{"predictions":[{"label":"cat","score":0.9}]}`, Mapping{}, `{,"prediction":"cat","score":0.9}`},
		"mapped":          {`{"instances":[{"uid":7,"a":1,"b":2}]}`, `{"predictions":[{"p":0.9,"q":3}]}`, Mapping{ID: "uid", Score: "p", Features: []string{"a"}}, `{"id":"7",,"prediction":3,"score":0.9,"features":{"a":1}}`},
		"v2": {
			`{"inputs":[{"name":"a","shape":[2],"datatype":"BOOL","data":[true,0]},{"name":"b","shape":[2,2],"datatype":"FP32","data":[[1,2],[3,NaN]],"parameters":{"columns":["u","v"]}},{"name":"limit","shape":[1],"datatype":"INT32","data":[5]}]}`,
			`{"outputs":[{"name":"predict","shape":[2],"datatype":"BYTES","data":["x","y"]},{"name":"predict_proba","shape":[2,2],"datatype":"FP64","data":[1,0,0.5,0.5]}]}`, Mapping{},
			`{,"prediction":"x","features":{"a":"true","limit":5,"u":1,"v":2}} {,"prediction":"y","features":{"a":"false","limit":5,"u":3,"v":null}}`,
		},
		"tensorflow lists": {`{"inputs":[[1,2]]}`, `{"outputs":[4]}`, Mapping{}, `{,"prediction":4,"features":{"x_0":1,"x_1":2}}`},
		"bytes of images":  {`{"instances":[{"image":{"b64":"AAAA"},"w":1}]}`, ``, Mapping{}, `{,"features":{"w":1}}`},
		"plain":            {`{"age":41,"country":"DE"}`, `{"prediction":"default","probability":0.8}`, Mapping{}, `{,"prediction":"default","score":0.8,"features":{"age":41,"country":"DE"}}`},
		"chat": {
			`{"model":"m","messages":[{"role":"user","content":"hi"},{}],"temperature":0.5}`,
			`{"id":"1","object":"chat.completion","model":"m-2026","choices":[{"message":{"content":"x"},"finish_reason":"stop"},{"finish_reason":"length"}],"usage":{"prompt_tokens":9,"completion_tokens":12,"details":{"x":1}}}`, Mapping{},
			`{,"version":"m-2026","features":{"finish_reason":"stop","messages":2,"temperature":0.5,"usage.completion_tokens":12,"usage.prompt_tokens":9}}`,
		},
		"other rows": {`{"instances":[1,2]}`, `{"predictions":[1]}`, Mapping{}, `{,"features":{"x":1}} {,"features":{"x":2}}`},
		"twice":      {`{"a":1,"a":2}`, `{"predictions":[1]}`, Mapping{}, `{,"prediction":1,"features":{"a":1}}`},
		"empty":      {`{"inputs":[{"name":"a","shape":[0,4],"datatype":"FP32","data":[]}]}`, `{"predictions":[1,2]}`, Mapping{}, `{,"prediction":1,"features":{"a_0":null,"a_1":null,"a_2":null,"a_3":null}} {,"prediction":2,"features":{"a_0":null,"a_1":null,"a_2":null,"a_3":null}}`},
	} {
		if got := told(t, c.request, c.response, &c.mapping); got != c.want {
			t.Errorf("%s:\n%s\nwanted\n%s", name, got, c.want)
		}
	}
}

// TestDocumentedSamples are bodies as the projects' own documentation shows
// them: MLServer's MNIST SVM and pandas codec, KServe's sklearn.
func TestDocumentedSamples(t *testing.T) {
	got := told(t, `{"parameters":{"content_type":"pd"},"inputs":[{"name":"First Name","datatype":"BYTES","parameters":{"content_type":"str"},"shape":[2],"data":["Joanne","Michael"]},{"name":"Age","datatype":"INT32","shape":[2],"data":[34,22]}]}`,
		`{"model_name":"people","model_version":"v1.2.3","id":"9a3c","parameters":{},"outputs":[{"name":"predict","shape":[2,1],"datatype":"INT64","parameters":{"content_type":"np"},"data":[1,0]}]}`, nil)
	if want := `{,"version":"v1.2.3","prediction":1,"features":{"Age":34,"First Name":"Joanne"}} {,"version":"v1.2.3","prediction":0,"features":{"Age":22,"First Name":"Michael"}}`; got != want {
		t.Errorf("MLServer:\n%s\nwanted\n%s", got, want)
	}
	if got, want := told(t, `{"instances": [ [6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6] ]}`, `{"predictions":[1,1]}`, nil), `{,"prediction":1,"features":{"x_0":6.8,"x_1":2.8,"x_2":4.8,"x_3":1.4}} {,"prediction":1,"features":{"x_0":6,"x_1":3.4,"x_2":4.5,"x_3":1.6}}`; got != want {
		t.Errorf("KServe:\n%s\nwanted\n%s", got, want)
	}
}

// binaryBody is a V2 request with its tensors behind the text.
func binaryBody() []byte {
	raw := binary.LittleEndian.AppendUint32(nil, math.Float32bits(1.5))
	raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(-2))
	raw = append(binary.LittleEndian.AppendUint32(raw, 2), "DE"...)
	raw = append(binary.LittleEndian.AppendUint16(raw, 0x3e00), 0xff)
	return append([]byte(`{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}},{"name":"land","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":6}},`+
		`{"name":"h","shape":[1],"datatype":"FP16","parameters":{"binary_data_size":2}},{"name":"i","shape":[1],"datatype":"INT8","parameters":{"binary_data_size":1}}]}`), raw...)
}

func TestBinaryTensors(t *testing.T) {
	if got, want := told(t, string(binaryBody()), "", nil), `{,"features":{"h":1.5,"i":-1,"land":"DE","x_0":1.5,"x_1":-2}}`; got != want {
		t.Errorf("%s\nwanted\n%s", got, want)
	}
	body := binaryBody()
	for _, b := range [][]byte{body[:len(body)-1], append(slices.Clone(body), 1)} {
		if _, err := Decode(b, Limits{}); err == nil {
			t.Error("a body of another length was read")
		}
	}
	for bits, want := range map[uint16]float64{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 0x1p-24, 0x8000: 0} {
		if got := half16(bits); got != want {
			t.Errorf("half %#x is %v, wanted %v", bits, got, want)
		}
	}
}

func TestWrongShapes(t *testing.T) {
	v2 := func(shape, kind, data string) string {
		return `{"inputs":[{"name":"x","shape":` + shape + `,"datatype":"` + kind + `","data":` + data + `}]}`
	}
	for name, text := range map[string]string{
		"less data":         v2("[2,2]", "FP32", "[1,2,3]"),
		"more data":         v2("[2]", "FP32", "[1,2,3]"),
		"negative":          v2("[-1]", "FP32", "[]"),
		"fraction":          v2("[1.5]", "FP32", "[1]"),
		"too many rows":     v2("[2147483647]", "FP32", "[1]"),
		"too many cells":    v2("[99999,999]", "FP32", "[1]"),
		"a text of numbers": v2("[1]", "FP32", `["1"]`),
		"rows differ":       `{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]},{"name":"y","shape":[3],"datatype":"FP32","data":[1,2,3]}]}`,
		"an end":            `{"instances":[1,`,
		"two texts":         `{"instances":[1]}{}`,
		"a word":            `{"instances":[tru]}`,
		"no escape":         "{\"instances\":[\"\n\"]}",
		"bare":              ``,
	} {
		if _, err := Decode([]byte(text), Limits{}); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	// What cannot be a feature is left out, and counted.
	b, err := Decode([]byte(v2("[1,3,224,224]", "FP32", "[1]")), Limits{})
	if err != nil || b.Wide != 1 || b.Rows != 1 || len(b.Tensors) != 0 {
		t.Errorf("%+v %v", b, err)
	}
}

// TestMillionElements: large tensors are features where they have few columns,
// and are left out where they have many, in bounded time and memory.
func TestMillionElements(t *testing.T) {
	const n = 1 << 20
	numbers := strings.TrimSuffix(strings.Repeat("0.5,", n), ",")
	tall, err := Decode(fmt.Appendf(nil, `{"inputs":[{"name":"x","shape":[%d,32],"datatype":"FP32","data":[%s]}]}`, n/32, numbers), Limits{})
	if err != nil || tall.Rows != n/32 || len(tall.Tensors[0].Cells) != n {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprintf(`{"inputs":[{"name":"x","shape":[1,%d],"datatype":"FP32","data":[%s]}]}`, n, numbers),
		fmt.Sprintf(`{"instances":[[%s]]}`, numbers),
		`{"instances":[` + strings.Repeat("[", 60) + numbers + strings.Repeat("]", 60) + `]}`,
	} {
		body := []byte(text)
		before := allocated()
		b, err := Decode(body, Limits{})
		if err != nil || b.Wide != 1 || len(b.Tensors) != 0 {
			t.Errorf("%+v %v", b, err)
		}
		if used := allocated() - before; used > 1<<20 {
			t.Errorf("%d KiB for what is left out", used>>10)
		}
	}
	var limit *decode.LimitError
	if _, err := Decode([]byte(`{"instances":[`+numbers+`,1]}`), Limits{}); !errors.As(err, &limit) {
		t.Errorf("rows: %v", err)
	}
	// Each row has a column of its own: the square of what is sent.
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `,{"a%d":1}`, i%990)
	}
	before := allocated()
	if _, err := Decode([]byte(`{"instances":[`+b.String()[1:]+`]}`), Limits{}); !errors.As(err, &limit) {
		t.Errorf("cells: %v", err)
	}
	if used := allocated() - before; used > 256<<20 {
		t.Errorf("%d MiB for 60 KiB", used>>20)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// FuzzExchange: whatever the payloads are, their rows are ones that the door's
// rules accept or name.
func FuzzExchange(f *testing.F) {
	for _, s := range []string{
		`{"instances":[[1,2],[3,4]]}`, `{"predictions":[[0.1,0.9]]}`, `{"instances":[{"a":1,"b":{"c":"x"}}]}`, string(binaryBody()),
		`{"data":{"names":["a","b"],"ndarray":[[1,2]]}}`, `{"data":{"tensor":{"shape":[1,1],"values":[2]}}}`, `{"usage":{"a":1},"choices":[{"finish_reason":"stop"}]}`,
		`{"error":{"message":"x"}}`, `{"outputs":[{"name":"p","shape":[2,1],"datatype":"BYTES","data":["a","b"]}]}`, `[{"a":NaN}]`, `7`,
	} {
		f.Add([]byte(s), []byte(`{"predictions":[1]}`), "p")
		f.Add([]byte(`{"instances":[[1,2]]}`), []byte(s), "")
	}
	f.Fuzz(func(t *testing.T, request, response []byte, name string) {
		lim := Limits{Rows: 50, Cells: 500, Width: 20, Names: 20}
		in, err := Decode(request, lim)
		if err != nil {
			in = nil
		}
		out, err := Decode(response, lim)
		if err != nil {
			out = nil
		}
		x := Exchange{Request: in, Response: out, Mapping: &Mapping{Prediction: name, ID: "a", Segments: []string{name}, Classes: []string{"u", "v"}}}
		x.Resolve()
		var r Row
		var text []byte
		for i := range x.Rows() {
			x.Row(i, &r)
			line := appendRow(nil, &r, facts{id: "a", time: time.Now().UnixMilli(), latency: 1}, "")
			if !json.Valid(line) {
				t.Fatalf("no JSON: %s", line)
			}
			text = append(append(text, line...), '\n')
		}
		if len(text) == 0 {
			return
		}
		res, err := decode.NDJSON(text, &decode.Options{Kind: 1, Model: "m"})
		if err != nil {
			t.Fatalf("%v of %s", err, text)
		}
		for _, rejected := range res.Rejected {
			if rejected.Code == decode.CodeDuplicate || rejected.Code == decode.CodeSyntax {
				t.Fatalf("%+v of %s", rejected, text)
			}
		}
	})
}

// TestBentoMLMonitorLines: docs/operate/inference.md promises that the lines of
// bentoml.monitor are rows with this mapping.
func TestBentoMLMonitorLines(t *testing.T) {
	line := `{"sepal length": 4.9, "sepal width": 3.0, "petal length": 1.4, "petal width": 0.2, "pred": "setosa", "timestamp": "2026-05-01T14:00:00.250000", "request_id": "12866137437462", "trace_id": "0"}`
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	res, err := decode.NDJSON([]byte(line), &decode.Options{Kind: 1, Model: "iris", Zone: zone, Now: 1_777_680_000_000, Map: map[string]string{"id": "request_id", "time": "timestamp", "prediction": "pred"}})
	if err != nil || res.Accepted != 1 {
		t.Fatal(err, res)
	}
	class, _ := res.Batch.Pred.At(0)
	if string(res.Batch.ID.At(0)) != "12866137437462" || class != "setosa" || res.Batch.Time[0] != 1_777_636_800_250 || len(res.Batch.Nums) != 4 {
		t.Errorf("%+v", res.Batch)
	}
}

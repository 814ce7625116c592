package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// inferRequest is the JSON body of a request of KServe V2, as far as it has a
// counterpart in gRPC.
type inferRequest struct {
	ID      string        `json:"id"`
	Inputs  []inputTensor `json:"inputs"`
	Outputs []struct {
		Name string `json:"name"`
	} `json:"outputs"`
}

type inputTensor struct {
	Name     string          `json:"name"`
	Datatype string          `json:"datatype"`
	Shape    []int64         `json:"shape"`
	Data     json.RawMessage `json:"data"`
}

// encode writes ModelInferRequest{model_name: 1, model_version: 2, id: 3,
// inputs: 5, outputs: 6}.
func (in *inferRequest) encode(model, version string) ([]byte, error) {
	if len(in.Inputs) == 0 {
		return nil, errors.New("it has no inputs")
	}
	b := appendString(nil, 1, model)
	b = appendString(b, 2, version)
	b = appendString(b, 3, in.ID)
	for i := range in.Inputs {
		tensor, err := in.Inputs[i].encode()
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", in.Inputs[i].Name, err)
		}
		b = appendBytes(b, 5, tensor)
	}
	for _, o := range in.Outputs {
		b = appendBytes(b, 6, appendString(nil, 1, o.Name))
	}
	return b, nil
}

// encode writes InferInputTensor{name: 1, datatype: 2, shape: 3, contents: 5}.
func (t *inputTensor) encode() ([]byte, error) {
	b := appendString(nil, 1, t.Name)
	b = appendString(b, 2, t.Datatype)
	var shape []byte
	for _, n := range t.Shape {
		shape = protowire.AppendVarint(shape, uint64(n))
	}
	b = appendBytes(b, 3, shape)
	contents, n, err := t.contents()
	if err != nil {
		return nil, err
	}
	want := 1
	for _, d := range t.Shape {
		want *= int(d)
	}
	if n != want {
		return nil, fmt.Errorf("%d values do not fill the shape %v", n, t.Shape)
	}
	return appendBytes(b, 5, contents), nil
}

// contents writes InferTensorContents, whose fields stand for kinds of numbers,
// and counts the values.
func (t *inputTensor) contents() (encoded []byte, n int, err error) {
	var doc any
	d := json.NewDecoder(bytes.NewReader(t.Data))
	d.UseNumber() // 64-bit integers are kept
	if err := d.Decode(&doc); err != nil {
		return nil, 0, fmt.Errorf("data: %w", err)
	}
	values := flatten(nil, doc)
	number, write := encoderOf(t.Datatype)
	if write == nil {
		return nil, 0, fmt.Errorf("the datatype %q is not known here", t.Datatype)
	}
	var packed []byte
	for _, v := range values {
		if t.Datatype == "BYTES" {
			text, ok := v.(string)
			if !ok {
				return nil, 0, fmt.Errorf("%v is not a text", v)
			}
			encoded = appendBytes(encoded, number, []byte(text))
			continue
		}
		if packed, err = write(packed, v); err != nil {
			return nil, 0, err
		}
	}
	if t.Datatype != "BYTES" {
		encoded = appendBytes(nil, number, packed)
	}
	return encoded, len(values), nil
}

// flatten takes nested lists apart, in row-major order.
func flatten(to []any, v any) []any {
	list, ok := v.([]any)
	if !ok {
		return append(to, v)
	}
	for _, e := range list {
		to = flatten(to, e)
	}
	return to
}

type encoder func([]byte, any) ([]byte, error)

// encoderOf gives the field of InferTensorContents for a datatype, and how a
// value is written there.
func encoderOf(datatype string) (protowire.Number, encoder) {
	switch datatype {
	case "BOOL":
		return 1, func(b []byte, v any) ([]byte, error) {
			t, ok := v.(bool)
			if !ok {
				return nil, fmt.Errorf("%v is not true or false", v)
			}
			return protowire.AppendVarint(b, protowire.EncodeBool(t)), nil
		}
	case "INT8", "INT16", "INT32":
		return 2, signed(32)
	case "INT64":
		return 3, signed(64)
	case "UINT8", "UINT16", "UINT32":
		return 4, unsigned(32)
	case "UINT64":
		return 5, unsigned(64)
	case "FP32":
		return 6, float(32)
	case "FP64":
		return 7, float(64)
	case "BYTES":
		return 8, float(64) // not used: texts are fields of their own
	}
	return 0, nil
}

func signed(bits int) encoder {
	return func(b []byte, v any) ([]byte, error) {
		i, err := strconv.ParseInt(fmt.Sprint(v), 10, bits)
		return protowire.AppendVarint(b, uint64(i)), err
	}
}

func unsigned(bits int) encoder {
	return func(b []byte, v any) ([]byte, error) {
		i, err := strconv.ParseUint(fmt.Sprint(v), 10, bits)
		return protowire.AppendVarint(b, i), err
	}
}

func float(bits int) encoder {
	return func(b []byte, v any) ([]byte, error) {
		f, err := strconv.ParseFloat(fmt.Sprint(v), bits)
		if bits == 32 {
			return protowire.AppendFixed32(b, math.Float32bits(float32(f))), err
		}
		return protowire.AppendFixed64(b, math.Float64bits(f)), err
	}
}

// inferResponse is what comes back, in the form that JSON has.
type inferResponse struct {
	Model   string         `json:"model_name"`
	Version string         `json:"model_version,omitempty"`
	Outputs []outputTensor `json:"outputs"`
}

type outputTensor struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
	Data     []any   `json:"data"`
}

// decodeInfer reads ModelInferResponse{model_name: 1, model_version: 2,
// outputs: 5, raw_output_contents: 6}. Raw contents belong to the outputs in
// order.
func decodeInfer(b []byte) (*inferResponse, error) {
	out := &inferResponse{}
	var raw [][]byte
	err := eachField(b, func(f field) error {
		switch {
		case f.kind != protowire.BytesType:
		case f.number == 1:
			out.Model = string(f.bytes)
		case f.number == 2:
			out.Version = string(f.bytes)
		case f.number == 5:
			t, err := decodeTensor(f.bytes)
			out.Outputs = append(out.Outputs, t)
			return err
		case f.number == 6:
			raw = append(raw, f.bytes)
		}
		return nil
	})
	if err != nil || len(raw) == 0 {
		return out, err
	}
	if len(raw) != len(out.Outputs) {
		return nil, fmt.Errorf("%d raw contents for %d outputs", len(raw), len(out.Outputs))
	}
	for i := range raw {
		if out.Outputs[i].Data, err = decodeRaw(out.Outputs[i].Datatype, raw[i]); err != nil {
			return nil, fmt.Errorf("output %q: %w", out.Outputs[i].Name, err)
		}
	}
	return out, nil
}

// decodeTensor reads InferOutputTensor{name: 1, datatype: 2, shape: 3,
// contents: 5}.
func decodeTensor(b []byte) (t outputTensor, err error) {
	t.Data = []any{}
	err = eachField(b, func(f field) error {
		switch f.number {
		case 1:
			t.Name = string(f.bytes)
		case 2:
			t.Datatype = string(f.bytes)
		case 3:
			return eachPacked(f, protowire.VarintType, func(v uint64) { t.Shape = append(t.Shape, int64(v)) })
		case 5:
			return eachField(f.bytes, func(g field) error { return t.add(g) })
		}
		return nil
	})
	return t, err
}

// add takes one field of InferTensorContents.
func (t *outputTensor) add(f field) error {
	put := func(read func(uint64) any) func(uint64) {
		return func(v uint64) { t.Data = append(t.Data, read(v)) }
	}
	switch f.number {
	case 1:
		return eachPacked(f, protowire.VarintType, put(func(v uint64) any { return v != 0 }))
	case 2, 3:
		return eachPacked(f, protowire.VarintType, put(func(v uint64) any { return int64(v) }))
	case 4, 5:
		return eachPacked(f, protowire.VarintType, put(func(v uint64) any { return v }))
	case 6:
		return eachPacked(f, protowire.Fixed32Type, put(func(v uint64) any { return shownFloat(float64(math.Float32frombits(uint32(v)))) }))
	case 7:
		return eachPacked(f, protowire.Fixed64Type, put(func(v uint64) any { return shownFloat(math.Float64frombits(v)) }))
	case 8:
		t.Data = append(t.Data, string(f.bytes))
	}
	return nil
}

// eachPacked reads a repeated number, packed or not.
func eachPacked(f field, kind protowire.Type, fn func(uint64)) error {
	if f.kind != protowire.BytesType {
		fn(f.varint)
		return nil
	}
	for b := f.bytes; len(b) > 0; {
		var v uint64
		var n int
		switch kind {
		case protowire.Fixed32Type:
			var w uint32
			w, n = protowire.ConsumeFixed32(b)
			v = uint64(w)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(b)
		default:
			v, n = protowire.ConsumeVarint(b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		fn(v)
		b = b[n:]
	}
	return nil
}

// shownFloat keeps what JSON has no number for as text.
func shownFloat(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return v
}

// rawReaders read one little-endian value each, by its size in bytes.
var rawReaders = map[string]struct {
	size int
	read func([]byte) any
}{
	"BOOL":   {1, func(b []byte) any { return b[0] != 0 }},
	"INT8":   {1, func(b []byte) any { return int8(b[0]) }},
	"UINT8":  {1, func(b []byte) any { return uint16(b[0]) }},
	"INT16":  {2, func(b []byte) any { return int16(binary.LittleEndian.Uint16(b)) }},
	"UINT16": {2, func(b []byte) any { return binary.LittleEndian.Uint16(b) }},
	"INT32":  {4, func(b []byte) any { return int32(binary.LittleEndian.Uint32(b)) }},
	"UINT32": {4, func(b []byte) any { return binary.LittleEndian.Uint32(b) }},
	"INT64":  {8, func(b []byte) any { return int64(binary.LittleEndian.Uint64(b)) }},
	"UINT64": {8, func(b []byte) any { return binary.LittleEndian.Uint64(b) }},
	"FP32":   {4, func(b []byte) any { return shownFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))) }},
	"FP64":   {8, func(b []byte) any { return shownFloat(math.Float64frombits(binary.LittleEndian.Uint64(b))) }},
}

func decodeRaw(datatype string, b []byte) ([]any, error) {
	out := []any{}
	if datatype == "BYTES" { // each with its length in four bytes before it
		for len(b) > 0 {
			if len(b) < 4 || uint64(len(b)-4) < uint64(binary.LittleEndian.Uint32(b)) {
				return nil, errors.New("a text is cut off")
			}
			n := int(binary.LittleEndian.Uint32(b))
			out = append(out, string(b[4:4+n]))
			b = b[4+n:]
		}
		return out, nil
	}
	r, ok := rawReaders[datatype]
	if !ok {
		return nil, fmt.Errorf("the datatype %q is not known here", datatype)
	}
	if len(b)%r.size != 0 {
		return nil, fmt.Errorf("%d bytes are no whole number of %s", len(b), datatype)
	}
	for ; len(b) > 0; b = b[r.size:] {
		out = append(out, r.read(b))
	}
	return out, nil
}

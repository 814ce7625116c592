package probe

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

// kserveCheck speaks inference.GRPCInferenceService, the gRPC form of KServe V2
// (grpc_predict_v2.proto): ModelReady, or ModelInfer with a golden input. The
// few messages are written and read field by field, so that no generated code
// is needed; what comes back is put into the JSON form, so that paths and
// expectations are the same over HTTP and gRPC.
type kserveCheck struct {
	dialer
	infer  []byte // encoded ModelInferRequest; nil asks for readiness
	answer *answer
}

const kserveService = "/inference.GRPCInferenceService/"

func newKServeGRPC(d dialer) (checker, []Problem) {
	c := &kserveCheck{dialer: d}
	s := &d.spec
	var err error
	if c.answer, err = newAnswer(&s.Expect, "$.outputs[0].data"); err != nil {
		return nil, []Problem{{"expect", err.Error()}}
	}
	if s.Body == "" {
		return c, nil
	}
	var in inferRequest
	if err = json.Unmarshal([]byte(s.Body), &in); err == nil {
		c.infer, err = in.encode(s.ServedModel, s.Version)
	}
	if err != nil {
		return nil, []Problem{{"body", "it is not the body of an infer request of KServe V2: " + err.Error()}}
	}
	return c, nil
}

func (c *kserveCheck) check(ctx context.Context, r *Result) error {
	var answered []byte
	err := c.call(ctx, r, func(ctx context.Context, conn *grpc.ClientConn) error {
		if c.infer == nil {
			return c.ready(ctx, conn)
		}
		return conn.Invoke(ctx, kserveService+"ModelInfer", &c.infer, &answered, grpc.ForceCodec(bytesCodec{}))
	})
	if err != nil || c.infer == nil {
		return err
	}
	out, err := decodeInfer(answered)
	if err != nil {
		return failed(codeProtocol, "the answer is no ModelInferResponse: %s", err)
	}
	if c.answer == nil {
		return nil
	}
	body, err := json.Marshal(out)
	if err != nil {
		return failed(codeProtocol, "the answer cannot be shown as JSON: %s", err)
	}
	return c.answer.check(ctx, body)
}

// ready asks ModelReady{name: 1, version: 2}, which answers {ready: 1}.
func (c *kserveCheck) ready(ctx context.Context, conn *grpc.ClientConn) error {
	request := appendString(nil, 1, c.spec.ServedModel)
	request = appendString(request, 2, c.spec.Version)
	var answered []byte
	if err := conn.Invoke(ctx, kserveService+"ModelReady", &request, &answered, grpc.ForceCodec(bytesCodec{})); err != nil {
		return err
	}
	ready := false
	err := eachField(answered, func(f field) error {
		if f.number == 1 && f.kind == protowire.VarintType {
			ready = f.varint != 0
		}
		return nil
	})
	if err != nil {
		return failed(codeProtocol, "the answer is no ModelReadyResponse: %s", err)
	}
	if !ready {
		return failed(codeStatus, "the model %q is not ready", c.spec.ServedModel)
	}
	return nil
}

// bytesCodec hands messages on as they are. Its name is that of protobuf, for
// the content type says so.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) ([]byte, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("a message of the type %T", v)
	}
	return *b, nil
}

func (bytesCodec) Unmarshal(data []byte, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("a message of the type %T", v)
	}
	*b = append([]byte(nil), data...)
	return nil
}

// field is one field of a message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	varint uint64 // of varint and fixed fields
	bytes  []byte
}

// eachField walks through a message.
func eachField(b []byte, fn func(field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		f := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.varint = uint64(v)
		case protowire.Fixed64Type:
			f.varint, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}

func appendString(b []byte, number protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), s)
}

func appendBytes(b []byte, number protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), v)
}

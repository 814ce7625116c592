package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

func listen(t *testing.T, srv *grpc.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	t.Cleanup(srv.Stop)
	return l.Addr().String()
}

func TestGRPCHealth(t *testing.T) {
	state := health.NewServer()
	state.SetServingStatus("fraud", grpc_health_v1.HealthCheckResponse_SERVING)
	state.SetServingStatus("credit", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	plain := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(plain, state)
	addr := listen(t, plain)
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	cert, ca := certificate(t, "127.0.0.1", end)
	secured := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&cert)))
	grpc_health_v1.RegisterHealthServer(secured, state)
	tlsAddr := listen(t, secured)

	for _, c := range []struct {
		spec         Spec
		code, reason string
	}{
		{Spec{Target: "grpc://" + addr}, "", ""},
		{Spec{Target: "grpc://" + addr, Service: "fraud"}, "", ""},
		{Spec{Target: "grpc://" + addr, Service: "credit"}, codeStatus, `"credit" is NOT_SERVING`},
		{Spec{Target: "grpc://" + addr, Service: "nobody"}, codeStatus, "NotFound"},
		{Spec{Target: "grpcs://" + tlsAddr, CAFile: ca}, "", ""},
		{Spec{Target: "grpcs://" + tlsAddr}, codeTLS, "unknown authority"},
		{Spec{Target: "grpcs://" + tlsAddr, CAFile: ca, ServerName: "other"}, codeTLS, "other"},
		{Spec{Target: "grpcs://" + addr, Insecure: true}, codeTLS, ""},
		{Spec{Target: "grpc://" + strings.TrimPrefix(serve(t, nil), "http://")}, codeStatus, "Unavailable"},
	} {
		c.spec.Kind = GRPC
		r := once(t, c.spec)
		want(t, r, c.code, c.reason)
		if r.Phases["connect"] <= 0 {
			t.Errorf("%+v: phases %v", c.spec, r.Phases)
		}
		if c.spec.CAFile != "" && c.code == "" && (r.CertExpiry != end.UnixMilli() || r.Phases["tls"] <= 0) {
			t.Errorf("the certificate ends at %d, want %d; phases %v", r.CertExpiry, end.UnixMilli(), r.Phases)
		}
	}
}

// predictor answers KServe V2 over gRPC: it doubles FP32 inputs.
func predictor(t *testing.T, raw bool) string {
	return listen(t, grpc.NewServer(grpc.ForceServerCodec(bytesCodec{}), grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
		var in []byte
		if err := s.RecvMsg(&in); err != nil {
			return err
		}
		method, _ := grpc.MethodFromServerStream(s)
		var out []byte
		switch method {
		case "/inference.GRPCInferenceService/ModelReady":
			if bytes.Contains(in, []byte("ready-one")) {
				out = protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
			}
		case "/inference.GRPCInferenceService/ModelInfer":
			if md, _ := metadata.FromIncomingContext(s.Context()); len(md.Get("x-key")) == 0 {
				return status.Error(codes.PermissionDenied, "who are you")
			}
			out = double(t, in, raw)
		}
		return s.SendMsg(&out)
	})))
}

func double(t *testing.T, in []byte, raw bool) []byte {
	var values []float32
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	must(eachField(in, func(f field) error {
		if f.number != 5 {
			return nil
		}
		return eachField(f.bytes, func(g field) error {
			if g.number != 5 {
				return nil
			}
			return eachField(g.bytes, func(h field) error {
				return eachPacked(h, protowire.Fixed32Type, func(v uint64) { values = append(values, 2*math.Float32frombits(uint32(v))) })
			})
		})
	}))
	var packed []byte
	for _, v := range values {
		packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(v))
	}
	tensor := appendString(appendString(nil, 1, "y"), 2, "FP32")
	tensor = appendBytes(tensor, 3, protowire.AppendVarint(nil, uint64(len(values))))
	if !raw {
		tensor = appendBytes(tensor, 5, appendBytes(nil, 6, packed))
	}
	out := appendBytes(appendString(nil, 1, "m"), 5, tensor)
	if raw {
		out = appendBytes(out, 6, packed)
	}
	return out
}

func TestKServeOverGRPC(t *testing.T) {
	golden := `{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[[0.1,0.2],[0.3,-4]]}]}`
	for _, raw := range []bool{false, true} {
		target := "grpc://" + predictor(t, raw)
		key := []Header{{"X-Key", "k"}}
		for _, c := range []struct {
			spec         Spec
			code, reason string
		}{
			{Spec{ServedModel: "ready-one"}, "", ""},
			{Spec{ServedModel: "m"}, codeStatus, `"m" is not ready`},
			{Spec{ServedModel: "m", Body: golden, Headers: key, Expect: Expect{Equals: "[0.2,0.4,0.6,-8]", Relative: 1e-6}}, "", ""},
			{Spec{ServedModel: "m", Body: golden, Headers: key, Expect: Expect{Equals: "[0.2,0.4,0.6,8]", Relative: 1e-6}}, codeWrong, "[3]: -8, expected is 8"},
			{Spec{ServedModel: "m", Body: golden, Headers: key, Expect: Expect{Path: "$.outputs[0].name", Equals: "y"}}, "", ""},
			{Spec{ServedModel: "m", Body: golden}, codeStatus, "PermissionDenied: who are you"},
		} {
			c.spec.Kind, c.spec.Target = KServeGRPC, target
			want(t, once(t, c.spec), c.code, c.reason)
		}
	}
	for body, reason := range map[string]string{
		`{"inputs":[]}`: "no inputs",
		`{"inputs":[{"name":"x","datatype":"FP32","shape":[3],"data":[1]}]}`:    "do not fill the shape",
		`{"inputs":[{"name":"x","datatype":"INT64","shape":[1],"data":[1.5]}]}`: "1.5",
		`{"inputs":[{"name":"x","datatype":"FP7","shape":[1],"data":[1]}]}`:     "not known",
	} {
		_, problems := newChecker(Spec{Name: "x", Kind: KServeGRPC, Target: "grpc://h:1", ServedModel: "m", Body: body}.withDefaults(), &Config{})
		if len(problems) != 1 || problems[0].Key != "body" || !strings.Contains(problems[0].Message, reason) {
			t.Errorf("%s: %v", body, problems)
		}
	}
}

// TestTensors takes each datatype there and back: a request's tensor has the
// same fields as an answer's.
func TestTensors(t *testing.T) {
	for datatype, data := range map[string]string{
		"BOOL": `[true,false]`, "INT8": `[-128,127]`, "INT32": `[-5,7]`, "INT64": `[-9007199254740993,9223372036854775807]`,
		"UINT8": `[0,255]`, "UINT64": `[18446744073709551615,0]`, "FP32": `[0.5,-2]`, "FP64": `[0.1,1e300]`, "BYTES": `["a","日本"]`,
	} {
		in := inputTensor{Name: "x", Datatype: datatype, Shape: []int64{2}, Data: json.RawMessage(data)}
		encoded, err := in.encode()
		if err != nil {
			t.Fatal(datatype, err)
		}
		out, err := decodeTensor(encoded)
		if err != nil {
			t.Fatal(datatype, err)
		}
		got, err := json.Marshal(out.Data)
		if err != nil || strings.ReplaceAll(string(got), "1e+300", "1e300") != data || len(out.Shape) != 1 || out.Shape[0] != 2 {
			t.Errorf("%s: %s, want %s (%v)", datatype, got, data, err)
		}
	}
	raw, err := decodeRaw("FP32", []byte{0, 0, 0xC0, 0x7F, 0, 0, 0, 0x40})
	if err != nil || raw[0] != "NaN" || raw[1] != 2.0 {
		t.Errorf("%v %v", raw, err)
	}
	if texts, err := decodeRaw("BYTES", []byte("\x02\x00\x00\x00ab\x00\x00\x00\x00")); err != nil || len(texts) != 2 || texts[0] != "ab" {
		t.Errorf("%v %v", texts, err)
	}
}

// FuzzInfer finds bytes that bring the reader of answers down.
func FuzzInfer(f *testing.F) {
	f.Add(appendBytes(appendBytes(nil, 5, appendString(nil, 2, "BYTES")), 6, []byte{9, 0, 0, 0}))
	f.Add([]byte{0x2a, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := decodeInfer(b)
		if err != nil {
			return
		}
		if _, err := json.Marshal(out); err != nil {
			t.Errorf("what was read is no JSON: %v", err)
		}
	})
}

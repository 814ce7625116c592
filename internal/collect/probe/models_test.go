package probe

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestModelRequests asks a server that speaks KServe V2 and OpenAI's dialect.
func TestModelRequests(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var in map[string]any
		if len(body) > 0 && (json.Unmarshal(body, &in) != nil || r.Header.Get("Content-Type") != "application/json" || r.Method != "POST") {
			t.Errorf("%s %s %q", r.Method, r.URL, body)
		}
		switch r.URL.Path {
		case "/v2/models/credit/versions/3/ready":
		case "/v2/models/credit/infer":
			io.WriteString(w, `{"model_name":"credit","outputs":[{"name":"p","datatype":"FP32","shape":[2],"data":[0.1000004,0.8999996]}]}`)
		case "/v1/chat/completions":
			if in["temperature"] != 0.0 || in["model"] != "llama" || in["max_tokens"] != 64.0 {
				t.Errorf("asked with %v", in)
			}
			io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":" Paris is the capital."}}]}`)
		case "/openai/completions":
			io.WriteString(w, `{"choices":[{"text":"`+in["prompt"].(string)+` and so on"}]}`)
		case "/v1/embeddings":
			io.WriteString(w, `{"data":[{"embedding":[3,4]}]}`)
		case "/score":
			io.WriteString(w, `{"scores":{"yes":0.75,"no":0.25},"label":"yes","seen":null}`)
		case "/nan":
			io.WriteString(w, `{"score": NaN}`)
		default:
			http.NotFound(w, r)
		}
	})
	infer := `{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}`
	for _, c := range []struct {
		spec         Spec
		code, reason string
	}{
		{Spec{Kind: KServe, ServedModel: "credit", Version: "3"}, "", ""},
		{Spec{Kind: KServe, ServedModel: "other"}, codeStatus, "404"},
		{Spec{Kind: KServe, ServedModel: "credit", Body: infer, Expect: Expect{Equals: "[0.1, 0.9]", Absolute: 1e-6}}, "", ""},
		{Spec{Kind: KServe, ServedModel: "credit", Body: infer, Expect: Expect{Equals: "[0.1, 0.9]", Absolute: 1e-7}}, codeWrong, "$.outputs[0].data[0]: 0.1000004, expected is 0.1 within 1e-07 (off by 4e-07)"},
		{Spec{Kind: KServe, ServedModel: "credit", Body: infer, Expect: Expect{Equals: "[0.1, 0.9, 0]"}}, codeWrong, "2 elements, expected are 3"},
		{Spec{Kind: OpenAI, ServedModel: "llama", Prompt: "capital of France?", Expect: Expect{Match: "(?i)paris"}}, "", ""},
		{Spec{Kind: OpenAI, ServedModel: "llama", Prompt: "capital of France?", Expect: Expect{MaxLength: 5}}, codeWrong, "5 are expected"},
		{Spec{Kind: OpenAI, API: "completions", Target: "/openai/", ServedModel: "llama", Prompt: "a", Expect: Expect{Equals: "a and so on"}}, "", ""},
		{Spec{Kind: OpenAI, API: "embeddings", Target: "/v1?k=v", ServedModel: "e", Prompt: "a", Expect: Expect{Equals: "[3, 4.04]", Relative: 0.011}}, "", ""},
		{Spec{Kind: OpenAI, Body: `{"model":"llama","messages":[],"temperature":0,"max_tokens":64}`, Expect: Expect{Path: "$.choices[0].message.role", Equals: "assistant"}}, "", ""},
		{Spec{Kind: JSON, Target: "/score", Body: `{"age": 3}`, Expect: Expect{Equals: `{"label":"yes","scores":{"yes":0.75,"no":0.25},"seen":null}`}}, "", ""},
		{Spec{Kind: JSON, Target: "/score", Body: `{}`, Expect: Expect{Path: "$.scores", Equals: `{"yes":0.75,"maybe":0.25}`}}, codeWrong, `"maybe" is missing`},
		{Spec{Kind: JSON, Target: "/score", Body: `{}`, Expect: Expect{Path: "$.none", Equals: `1`}}, codeWrong, "nothing at $.none"},
		{Spec{Kind: JSON, Target: "/nan", Body: `{}`, Expect: Expect{Path: "$.score", Equals: `1`}}, codeWrong, "not JSON"},
	} {
		c.spec.Target = url + c.spec.Target
		r := once(t, c.spec)
		want(t, r, c.code, c.reason)
		if asks := c.spec.Expect.answers(); (r.Correct != nil) != (asks && r.Success) || r.Correct != nil && *r.Correct != (c.code == "") {
			t.Errorf("%+v: correct is %v", c.spec, r.Correct)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		e    Expect
		body string
		why  string // empty: it is right
	}{
		{Expect{Equals: "1"}, "1.0", ""},
		{Expect{Equals: "1"}, `"1"`, `"1", expected is 1`},
		{Expect{Equals: "yes"}, `"yes"`, ""},
		{Expect{Equals: "true"}, `true`, ""},
		{Expect{Equals: "null"}, `null`, ""},
		{Expect{Equals: "null"}, `0`, "0, expected is null"},
		{Expect{Equals: "[[1,2],[3,4]]", Absolute: .5}, `[[1.5,2],[3,3.5]]`, ""},
		{Expect{Equals: "[[1,2],[3,4]]", Absolute: .5}, `[[1,2],[3,4.6]]`, "$[1][1]: 4.6, expected is 4 within 0.5"},
		{Expect{Equals: "-100", Relative: .01}, `-101`, ""},
		{Expect{Equals: "-100", Relative: .01}, `-98.9`, "within 1 (off by 1.1)"},
		{Expect{Equals: "0", Relative: .5}, `1e-9`, "expected is 0 within 0"},
		{Expect{Path: "$.a[*].b", Equals: "[1,2]"}, `{"a":[{"b":1},{"b":2}]}`, ""},
		{Expect{Match: "^[0-9]+$"}, `17`, ""},
		{Expect{Match: "^[0-9]+$"}, `{"a":1}`, `{"a":1} does not match`},
		{Expect{Equals: "1"}, ``, "it is empty"},
		{Expect{Equals: "1"}, `1 2`, "something follows"},
	} {
		a, err := newAnswer(&c.e, "$")
		if err != nil {
			t.Fatal(err)
		}
		err = a.check(t.Context(), []byte(c.body))
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%+v, %s: %v, want %q", c.e, c.body, err, c.why)
		}
	}
}

// FuzzAnswer finds answers that bring the comparison down.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}]}`), "[1]")
	f.Add([]byte(`[[[[`), `{"a":"b"}`)
	f.Fuzz(func(t *testing.T, body []byte, equals string) {
		for _, path := range []string{"$", "$.a[0].b", "$..a"} {
			a, err := newAnswer(&Expect{Equals: equals, Match: "x"}, path)
			if err != nil || a == nil {
				return
			}
			if err := a.check(t.Context(), body); err != nil && len(shown(err.Error(), nil)) > 310 {
				t.Error("a long reason")
			}
		}
	})
}

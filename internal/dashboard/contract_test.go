package dashboard

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// contract holds what goes over the wire against api/openapi.yaml.
type contract struct {
	v validator.Validator
}

// theContract is read once: compiling its schemas takes a second.
var theContract = sync.OnceValues(func() (*contract, error) {
	text, err := os.ReadFile("../../api/openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc)
	for _, err := range errs {
		return nil, err
	}
	return &contract{v}, nil
})

func openContract(t testing.TB) *contract {
	t.Helper()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// check reports where a request that was taken, or an answer, is not as the
// contract says.
func (c *contract) check(t testing.TB, req *http.Request, body []byte, res *http.Response, answer []byte) {
	t.Helper()
	res.Body = io.NopCloser(bytes.NewReader(answer))
	if strings.HasPrefix(req.URL.Path, "/prometheus/") || strings.HasPrefix(req.URL.Path, "/alertmanager/") {
		return // another contract's
	}
	if res.StatusCode == http.StatusNotModified || strings.HasPrefix(res.Header.Get("Content-Type"), "text/") {
		return
	}
	ok, problems := c.v.GetResponseBodyValidator().ValidateResponseBody(req, res)
	if !ok {
		for _, p := range problems {
			t.Errorf("%s %s: the answer: %s: %s", req.Method, req.URL, p.Message, p.Reason)
			for _, s := range p.SchemaValidationErrors {
				t.Errorf("    %s at %s", s.Reason, s.FieldPath)
			}
		}
		t.Logf("%.2000s", answer)
	}
	if res.StatusCode >= 400 {
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	if ok, problems := c.v.ValidateHttpRequest(req); !ok {
		for _, p := range problems {
			t.Errorf("%s %s: the request: %s: %s", req.Method, req.URL, p.Message, p.Reason)
		}
	}
}

func TestContractIsAnOpenAPIDocument(t *testing.T) {
	ok, problems := openContract(t).v.ValidateDocument()
	for _, p := range problems {
		t.Errorf("%s: %s", p.Message, p.Reason)
		for _, s := range p.SchemaValidationErrors {
			t.Errorf("    %s at %s", s.Reason, s.FieldPath)
		}
	}
	if !ok && len(problems) == 0 {
		t.Error("the document is not valid")
	}
}

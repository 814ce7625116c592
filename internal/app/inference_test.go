package app

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestKServesLoggerIsWatched sends what the logger of the example sends.
func TestKServesLoggerIsWatched(t *testing.T) {
	s := start(t, options(t, t.TempDir()))
	send := func(path, half, body string) {
		t.Helper()
		r, err := http.NewRequest("POST", s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]string{
			"Content-Type": "application/json", "Ce-Id": "4d8f", "Ce-Specversion": "1.0", "Ce-Source": "http://localhost:9081/",
			"Ce-Type": "org.kubeflow.serving.inference." + half, "Ce-Inferenceservicename": "sklearn-iris", "Ce-Namespace": "default",
			"Ce-Component": "predictor", "Ce-Endpoint": "default", "Ce-Metadata": "{}",
		} {
			r.Header.Set(name, v)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(res, err)
		}
		res.Body.Close()
	}
	send("/api/v1/inference", "request", `{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}`)
	send("/api/v1/cloudevents", "response", `{"predictions": [1, 2]}`)
	eventually(t, "the model has two predictions", func() bool {
		status, text, err := call("GET", s.url+"/api/v1/models/sklearn-iris", "")
		if err != nil || status != http.StatusOK {
			return false
		}
		return strings.Contains(text, `"x_3"`)
	})
}

// TestKServeExampleNamesThisServer: the example is YAML of the kind that it
// says, and its logger sends to a path that is served.
func TestKServeExampleNamesThisServer(t *testing.T) {
	text, err := os.ReadFile("../../examples/kserve-inferenceservice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var service struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct{ Name string }
		Spec       struct {
			Predictor struct {
				Logger struct {
					Mode, URL string
				}
				Model map[string]any
			}
		}
	}
	if err := yaml.Unmarshal(text, &service); err != nil {
		t.Fatal(err)
	}
	logger := service.Spec.Predictor.Logger
	if service.APIVersion != "serving.kserve.io/v1beta1" || service.Kind != "InferenceService" || logger.Mode != "all" || !strings.HasSuffix(logger.URL, "/api/v1/inference") {
		out, _ := json.Marshal(service)
		t.Errorf("%s", out)
	}
}

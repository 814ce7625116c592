package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	goyaml "github.com/goccy/go-yaml"
	yaml3 "gopkg.in/yaml.v3"
)

func TestSecretNeverPrints(t *testing.T) {
	const text = "hunter2"
	v := struct {
		Password Secret `json:"password" yaml:"password"`
	}{text}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, "s", v.Password)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, "s", v.Password)
	asJSON, _ := json.Marshal(v)
	asYAML, _ := goyaml.Marshal(v)
	asYAML3, _ := yaml3.Marshal(v)
	out := []string{
		fmt.Sprint(v), fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v.Password, v.Password),
		log.String(), string(asJSON), string(asYAML), string(asYAML3),
	}
	for _, s := range out {
		if strings.Contains(s, text) {
			t.Errorf("the secret shows in %s", s)
		}
		if !strings.Contains(s, "redacted") {
			t.Errorf("no sign that something was hidden in %s", s)
		}
	}
	if v.Password.Reveal() != text {
		t.Error("Reveal does not give the text")
	}
}

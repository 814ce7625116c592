package config

import (
	"os"
	"testing"
)

// Whatever a file holds, reading it ends without a crash, and gives either a
// configuration or problems with places inside the file.
func FuzzParse(f *testing.F) {
	body, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	for _, s := range []string{
		"", "a: &a [*a]", "queue: {max_bytes: 1e400}", "rules:\n- name: [x]\n", "? a\n: b", "models: {<<: {a: {}}}",
		"alertmanager:\n  - x\nlog:", "tls: {cert_file: /dev/zero, key_file: .}", "%YAML 1.2\n---\na: |\n  b\n...\n", "listen: !!int 'x'",
		"models: {a: {threshold: .nan}}", "alerting: {channels: [{type: email, password_file: /dev/stdin}]}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, errs := Parse("fuzz.yml", body)
		if (c == nil) != (len(errs) > 0) {
			t.Fatalf("configuration %v with problems %v", c, errs)
		}
		for _, p := range errs {
			if p.Message == "" || p.Line < 0 || p.Column < 0 || p.Error() == "" {
				t.Errorf("strange problem %+v", p)
			}
		}
	})
}

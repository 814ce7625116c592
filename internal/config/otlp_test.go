package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestOTLP(t *testing.T) {
	c := mustParse(t, "otlp:\n  grpc_listen: 127.0.0.1:4317\n  prices:\n    gpt-4o: {input: 2.5, output: 10, cached_input: 0}\n    local: {}\n")
	if p := c.OTLP.Prices["gpt-4o"]; p.Input != 2.5 || p.CachedInput == nil || c.OTLP.Prices["local"].CachedInput != nil || !c.OTLP.Enabled {
		t.Errorf("%+v", c.OTLP)
	}
	for body, want := range map[string]string{
		"grpc_listen: here":             "not an address",
		"grpc_message_bytes: 1KiB":      "between 64KiB",
		"grpc_connections: 0":           "between 1",
		"delta_series: 0":               "between 1",
		"prices: {m: {input: -1}}":      "million tokens",
		"prices: {m: {per_token: 1.5}}": "unknown key",
	} {
		_, errs := Parse(filepath.Join(t.TempDir(), "leeway.yml"), []byte("otlp:\n  "+body+"\n"))
		if len(errs) != 1 || !strings.Contains(errs[0].Message, want) {
			t.Errorf("%s: %v", body, errs)
		}
	}
}

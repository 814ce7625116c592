package config

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "250ms": 250 * time.Millisecond, "30s": 30 * time.Second, "10m": 10 * time.Minute,
		"1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "30d": 30 * day, "2w": 14 * day, "2y": 730 * day, "1d12h": 36 * time.Hour,
	} {
		got, err := ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
		if back, err := ParseDuration(FormatDuration(got)); err != nil || back != got {
			t.Errorf("FormatDuration(%v) = %q does not read back", got, FormatDuration(got))
		}
	}
	for _, bad := range []string{"", "5", "5 days", "-1h", "1h1h", "30m1h", "h", "1.2.3h", "1e3s", "1H", "200y", "NaNs", "1h ", "∞d", "."} {
		if got, err := ParseDuration(bad); err == nil {
			t.Errorf("ParseDuration(%q) = %v", bad, got)
		}
	}
	for d, want := range map[time.Duration]string{15 * day: "15d", 14 * day: "2w", 730 * day: "2y", 90 * time.Second: "1m30s"} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "1_000": 1000, "64MiB": 64 << 20, "64 MiB": 64 << 20, "1.5GiB": 3 << 29, "2GB": 2e9, "3kB": 3000, "5B": 5, "1TiB": 1 << 40,
	} {
		got, err := ParseSize(text)
		if err != nil || got != want {
			t.Errorf("ParseSize(%q) = %v, %v; want %v", text, got, err, want)
		}
		if back, err := ParseSize(FormatSize(got)); err != nil || back != got {
			t.Errorf("FormatSize(%v) = %q does not read back", got, FormatSize(got))
		}
	}
	for _, bad := range []string{"", "MiB", "-1", "1.5", "0x10", "1e9", "Inf", "NaN", "10 apples", "9999999TiB", "1mib"} {
		if got, err := ParseSize(bad); err == nil {
			t.Errorf("ParseSize(%q) = %v", bad, got)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"partitions", "retention", "retention_bytes", "max_bytes"}
	for word, want := range map[string]string{
		"partition": `did you mean "partitions"?`, "retnetion": `did you mean "retention"?`, "Max_Bytes": `did you mean "max_bytes"?`,
		"zzz": "there is max_bytes, partitions, retention, retention_bytes",
	} {
		if got := suggest(word, known); got != want {
			t.Errorf("suggest(%q) = %s", word, got)
		}
	}
}

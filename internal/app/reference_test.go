package app

import (
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/config"
)

func TestReferencesOfTheFileAreChecked(t *testing.T) {
	for text, ok := range map[string]bool{"7d": true, "version:a": true, "same_day_last_week": true, "sometime": false, "range": false} {
		cfg, problems := config.Parse("f.yml", []byte("models: {m: {reference: \""+text+"\"}}\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		problems = Check(cfg)
		if ok != (len(problems) == 0) {
			t.Errorf("%s: %v", text, problems)
		}
		if !ok && !strings.Contains(problems.Error(), "same_day_last_week") {
			t.Errorf("%s: %v does not say what is taken", text, problems)
		}
	}
}

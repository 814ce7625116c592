package report

import (
	"context"
	"os"
	"testing"
)

func TestProf(t *testing.T) {
	if os.Getenv("RPT") == "" {
		t.Skip()
	}
	_, err := Make(context.Background(), Options{Reference: os.Getenv("RPT") + "/reference-1000000-50-false-true.parquet", Current: os.Getenv("RPT") + "/current-1000000-50-false-true.parquet"})
	if err != nil {
		t.Fatal(err)
	}
}

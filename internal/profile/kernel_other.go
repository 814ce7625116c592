//go:build !amd64

package profile

// foldVectors folds what it can of values and returns the rest: all.
func foldVectors(values []float64, _ float64, _ *dense, _ *sums) []float64 { return values }

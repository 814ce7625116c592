// Package datasketches writes summaries of a profile as sketches of Apache
// DataSketches, for who has tools that read those. The bytes are those of the
// project's own libraries (serial version 1, little-endian); test/parity reads
// them with the Python one. What a summary does not know cannot be written: of
// strings past those that are kept by name there is no sketch.
//
// It is a way out, not a way in: nothing here is read back, and a profile that
// is merged and then written is better than sketches that are merged.
package datasketches

import "errors"

// ErrNotComplete tells of a summary that does not keep all that a sketch needs.
var ErrNotComplete = errors.New("the summary does not keep every value by name")

// The families, as the libraries number them.
const (
	familyHLL      = 7
	familyFrequent = 10
	familyKLL      = 15
)

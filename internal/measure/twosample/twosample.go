// Package twosample compares two samples of one column: distances, divergences
// and tests, each by the exact definition that its name stands for. It knows
// nothing of profiles, windows or verdicts: it takes counts by value (Point),
// counts by bin (Bin) or plain slices. Everything here is a pure function and
// may be called concurrently.
package twosample

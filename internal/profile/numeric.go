package profile

// Numeric is a column of numbers. Within one grid centre a merge is exact.
type Numeric struct {
	N              int64 // finite values
	NaN            int64
	PosInf, NegInf int64
	Min, Max       float64 // of the finite values; 0 when there is none

	moments moments
	parts   []part // by (epoch, centre), ascending
}

// part is the values that came under one grid centre.
type part struct {
	epoch  uint32
	centre float64
	// Values ascending, or cells ascending; never both.
	values []float64
	cells  []cell
	// integral: all values are whole numbers, so that a cell that has room for
	// only one of them is known to be an atom.
	integral bool
}

// Merge adds o to x.
func (x *Numeric) Merge(o *Numeric, limit int) {}

package profile

// moments is the count, mean and squared deviation of finite values. The mean
// has two parts, so that a large offset costs a small spread nothing.
type moments struct {
	n            int64
	mean, meanLo float64
	m2           float64
}

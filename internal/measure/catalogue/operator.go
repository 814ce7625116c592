package catalogue

// Operator compares a value with a limit: the rule holds when
// `value operator limit` is true.
type Operator string

// The operators, by the names that rules use.
const (
	GT  Operator = "gt"
	GTE Operator = "gte"
	LT  Operator = "lt"
	LTE Operator = "lte"
	EQ  Operator = "eq"
	NE  Operator = "ne"
)

// Operators lists all of them.
func Operators() []Operator { return []Operator{GT, GTE, LT, LTE, EQ, NE} }

// PromQL is the operator in PromQL, or empty when it is not one of ours.
func (o Operator) PromQL() string {
	switch o {
	case GT:
		return ">"
	case GTE:
		return ">="
	case LT:
		return "<"
	case LTE:
		return "<="
	case EQ:
		return "=="
	case NE:
		return "!="
	}
	return ""
}

// Valid tells whether the operator is one of ours.
func (o Operator) Valid() bool { return o.PromQL() != "" }

// Breaks tells whether the value breaks the limit. NaN breaks none, not even
// NE: an undefined number never alerts.
func (o Operator) Breaks(value, limit float64) bool {
	switch o {
	case GT:
		return value > limit
	case GTE:
		return value >= limit
	case LT:
		return value < limit
	case LTE:
		return value <= limit
	case EQ:
		return value == limit
	case NE:
		return value < limit || value > limit
	}
	return false
}

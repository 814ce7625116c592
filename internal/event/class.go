package event

// SameClass tells whether two names are of one class, also where one tool
// writes 1 and another true or yes.
func SameClass(a, b string) bool {
	if a == b {
		return true
	}
	x, y := truthOf(a), truthOf(b)
	return x == y && x != ""
}

// truthOf is what the usual words for two classes say; empty for all others.
func truthOf(class string) string {
	switch class {
	case "1", "true", "True", "yes":
		return "yes"
	case "0", "false", "False", "no":
		return "no"
	}
	return ""
}

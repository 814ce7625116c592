package config

import (
	"reflect"
	"slices"
	"strings"
)

// fields are the keys that a section knows.
type fields struct {
	byName map[string]field
	names  []string // in the order of the struct
}

type field struct {
	index   int
	options []string
}

func (f field) has(option string) bool { return slices.Contains(f.options, option) }

func fieldsOf(t reflect.Type) fields {
	out := fields{byName: map[string]field{}}
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("yaml")
		if tag == "" {
			continue
		}
		parts := strings.Split(tag, ",")
		out.byName[parts[0]] = field{index: i, options: parts[1:]}
		out.names = append(out.names, parts[0])
	}
	return out
}

// suggest says what a misspelt word may have meant, or what there is.
func suggest(word string, known []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(word), k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return `did you mean "` + best + `"?`
	}
	sorted := slices.Sorted(slices.Values(known))
	return "there is " + strings.Join(sorted, ", ")
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours (optimal string alignment). Words longer than any key are far.
func editDistance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

package decode

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/leewayhq/leeway/internal/event"
)

// clean is a name or a short value as it is kept: what is no UTF-8 and what
// controls a terminal becomes U+FFFD, so that it can stand in a key, a label, a
// message and a page.
func clean(s string) string {
	return validUTF8(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, s))
}

func cleanBytes(s []byte) []byte {
	if isClean(s) {
		return s
	}
	return []byte(clean(string(s)))
}

func isClean(s []byte) bool {
	if !slices.ContainsFunc(s, func(c byte) bool { return c < ' ' || c >= 0x7f }) {
		return true
	}
	return utf8.Valid(s) && !bytes.ContainsFunc(s, unicode.IsControl)
}

func validUTF8(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// compact drops the strings that no row uses: names that stand in a dictionary
// alone were said of no row, or of rows that were left out. The codes are
// changed in place.
func compact(d *event.Dict) {
	used := make([]bool, len(d.Values))
	n := 0
	for _, code := range d.Codes {
		if code >= 0 && !used[code] {
			used[code] = true
			if n++; n == len(used) {
				return
			}
		}
	}
	to, values := make([]int32, len(used)), make([]string, 0, n)
	for code, yes := range used {
		if yes {
			to[code] = int32(len(values))
			values = append(values, d.Values[code])
		}
	}
	for row, code := range d.Codes {
		if code >= 0 {
			d.Codes[row] = to[code]
		}
	}
	d.Values = values
}

// compactAll is for a batch that is finished.
func compactAll(b *event.Batch) {
	for _, d := range []*event.Dict{&b.Version, &b.Pred, &b.Label, &b.Err} {
		compact(d)
	}
	for _, list := range [][]event.Dict{b.Segments, b.Cats} {
		for i := range list {
			compact(&list[i])
		}
	}
}

// distinct gives equal strings one code, after they were changed.
func distinct(codes []int32, values []string) []string {
	var d dict
	to := make([]int32, len(values))
	for code, v := range values {
		to[code] = d.code([]byte(v))
	}
	for row, code := range codes {
		if code >= 0 {
			codes[row] = to[code]
		}
	}
	return d.values
}

//go:build linux

package host

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// maxKernelFile bounds one file of /proc or /sys; the longest that are read, of
// machines with thousands of devices, are far below.
const maxKernelFile = 4 << 20

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKernelFile))
	return strings.TrimSpace(string(b)), err
}

// readNumber reads a file that holds one number; ok is false for "max" and
// other words.
func readNumber(path string) (n float64, ok bool, err error) {
	text, err := readFile(path)
	if err != nil {
		return 0, false, err
	}
	n, err = strconv.ParseFloat(text, 64)
	return n, err == nil, nil
}

// readPairs reads lines of a name and a number. Other lines are passed over.
func readPairs(path string) (map[string]float64, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = n
		}
	}
	if len(out) == 0 && text != "" {
		return nil, fmt.Errorf("%s holds no names with numbers", path)
	}
	return out, nil
}

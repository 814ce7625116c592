//go:build !linux || !cgo

package gpu

import "fmt"

func openDriver() (driver, error) {
	return nil, fmt.Errorf("%w: this program was built without NVML, which needs Linux and cgo", errNoDriver)
}

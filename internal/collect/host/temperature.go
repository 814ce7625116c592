//go:build linux

package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// temperatures reads the sensors of /sys/class/hwmon, in degrees Celsius; where
// there are none, the zones of /sys/class/thermal.
type temperatures struct {
	*machine
	places *places
}

func (t *temperatures) read(context.Context, time.Time) ([]value, error) {
	found, err := t.chips()
	if err != nil || len(found) == 0 {
		if found, err = t.zones(); err != nil {
			return nil, there(err)
		}
	}
	var out []value
	for _, id := range seatAll(t.places, found) {
		out = append(out, found[id])
	}
	return out, nil
}

const maxSensors = 10_000 // files that are looked at

// chips reads hwmonN/tempM_input, named by hwmonN/name and tempM_label.
func (t *temperatures) chips() (map[string]value, error) {
	out := map[string]value{}
	dirs, err := os.ReadDir(filepath.Join(t.sys, "class/hwmon"))
	if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		dir := filepath.Join(t.sys, "class/hwmon", d.Name())
		inputs, err := filepath.Glob(filepath.Join(dir, "temp*_input"))
		if err != nil || len(inputs) > maxSensors {
			continue
		}
		for _, input := range inputs {
			sensor := strings.TrimSuffix(filepath.Base(input), "_input")
			v, ok := celsius(input, nameOr(filepath.Join(dir, "name"), d.Name()), nameOr(filepath.Join(dir, sensor+"_label"), sensor))
			if _, twice := out[v.id()]; twice { // two chips of one kind
				v.with[1] += " " + d.Name()
			}
			if ok {
				out[v.id()] = v
			}
		}
	}
	return out, nil
}

func (t *temperatures) zones() (map[string]value, error) {
	out := map[string]value{}
	dirs, err := os.ReadDir(filepath.Join(t.sys, "class/thermal"))
	if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		if !strings.HasPrefix(d.Name(), "thermal_zone") {
			continue
		}
		dir := filepath.Join(t.sys, "class/thermal", d.Name())
		if v, ok := celsius(filepath.Join(dir, "temp"), nameOr(filepath.Join(dir, "type"), d.Name()), d.Name()); ok {
			out[v.id()] = v
		}
	}
	return out, nil
}

// celsius reads a file of thousandths of a degree. Sensors that are switched
// off or have no chip behind them answer with errors, and with absurd numbers.
func celsius(path, chip, sensor string) (value, bool) {
	milli, ok, err := readNumber(path)
	v := number("temperature", milli/1000, "chip", chip, "sensor", sensor)
	return v, err == nil && ok && v.value > -100 && v.value < 1000
}

func nameOr(path, otherwise string) string {
	if name, err := readFile(path); err == nil && name != "" {
		return name
	}
	return otherwise
}

//go:build linux

package host

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// interfaces tells what each network interface carries and loses. The near
// ends of containers' cables (veth and its kind) come and go with them and
// carry what the real interfaces carry: they are left out.
type interfaces struct {
	*machine
	places *places
	meter  meter
}

func (n *interfaces) read(_ context.Context, now time.Time) ([]value, error) {
	f, err := n.procfs()
	if err != nil {
		return nil, err
	}
	all, err := f.NetDev()
	if err != nil {
		return nil, there(err)
	}
	maps.DeleteFunc(all, func(name string, _ procfs.NetDevLine) bool { return inside(name) })
	n.meter.begin(now)
	var out []value
	for _, name := range seatAll(n.places, all) {
		line := all[name]
		add := func(key string, count uint64, with ...string) {
			out = n.meter.addRate(out, number(key, float64(count), append(with, "interface", name)...), 1)
		}
		add("interface_in", line.RxBytes)
		add("interface_out", line.TxBytes)
		add("interface_errors", line.RxErrors, "direction", "in")
		add("interface_errors", line.TxErrors, "direction", "out")
		add("interface_drops", line.RxDropped, "direction", "in")
		add("interface_drops", line.TxDropped, "direction", "out")
	}
	return out, nil
}

func inside(name string) bool {
	if name == "lo" {
		return true
	}
	for _, prefix := range []string{"veth", "cali", "lxc", "azv", "eni"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

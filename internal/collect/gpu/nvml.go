//go:build linux && cgo

package gpu

import (
	"fmt"
	"strconv"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// nvidia reads NVIDIA's cards. Calls that older drivers lack must not be made
// at all: the library binds them when they are called, and ends the program.
type nvidia struct {
	lib     nvml.Interface
	version string
	reasons func(nvml.Device) (uint64, nvml.Return) // nil: the driver does not tell
}

func openDriver() (driver, error) { return openNVML(nvml.New()) }

func openNVML(lib nvml.Interface) (driver, error) {
	switch ret := lib.Init(); ret {
	case nvml.SUCCESS:
	case nvml.ERROR_LIBRARY_NOT_FOUND, nvml.ERROR_DRIVER_NOT_LOADED:
		return nil, fmt.Errorf("%w: %s", errNoDriver, ret.Error())
	default:
		return nil, fmt.Errorf("gpu: start NVML: %s", ret.Error())
	}
	n := &nvidia{lib: lib}
	n.version, _ = lib.SystemGetDriverVersion() // empty: a label less
	switch {
	case n.has("nvmlDeviceGetCurrentClocksEventReasons"):
		n.reasons = nvml.Device.GetCurrentClocksEventReasons
	case n.has("nvmlDeviceGetCurrentClocksThrottleReasons"):
		n.reasons = nvml.Device.GetCurrentClocksThrottleReasons
	}
	return n, nil
}

func (n *nvidia) has(symbol string) bool { return n.lib.Extensions().LookupSymbol(symbol) == nil }

func (n *nvidia) close() { n.lib.Shutdown() }

func (n *nvidia) read() ([]card, error) {
	count, ret := n.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("gpu: count the cards: %s", ret.Error())
	}
	cards := make([]card, 0, count)
	for i := range count {
		c := card{index: strconv.Itoa(i)}
		device, ret := n.lib.DeviceGetHandleByIndex(i)
		if ret == nvml.ERROR_NO_PERMISSION {
			continue // given to somebody else
		}
		if ret == nvml.SUCCESS {
			ret = n.one(&c, device)
		}
		if ret != nvml.SUCCESS {
			c.values = []value{{key: "up", value: 0}}
		}
		cards = append(cards, c)
	}
	return cards, nil
}

// one reads a card. The return is about the card as a whole.
func (n *nvidia) one(c *card, d nvml.Device) nvml.Return {
	memory, ret := d.GetMemoryInfo()
	if ret != nvml.SUCCESS && ret != nvml.ERROR_NOT_SUPPORTED && ret != nvml.ERROR_NO_PERMISSION {
		return ret
	}
	c.add("up", 1)
	if ret == nvml.SUCCESS && memory.Total > 0 {
		c.add("memory_bytes", float64(memory.Total), "state", "total")
		c.add("memory_bytes", float64(memory.Used), "state", "used")
		c.add("memory_usage", float64(memory.Used)/float64(memory.Total))
	}
	name, _ := d.GetName()
	uuid, _ := d.GetUUID()
	c.add("info", 1, "name", name, "uuid", uuid, "driver", n.version)
	if u, ret := d.GetUtilizationRates(); ret == nvml.SUCCESS { // not in MIG mode
		c.add("utilisation", float64(u.Gpu)/100)
		c.add("memory_utilisation", float64(u.Memory)/100)
	}
	c.power(d)
	c.clocks(d)
	c.errors(d)
	n.throttling(c, d)
	return nvml.SUCCESS
}

func (c *card) add(key string, v float64, with ...string) {
	c.values = append(c.values, value{key, v, with})
}

func (c *card) power(d nvml.Device) {
	if t, ret := d.GetTemperature(nvml.TEMPERATURE_GPU); ret == nvml.SUCCESS {
		c.add("temperature", float64(t))
	}
	const milli = 1e-3
	used, ret := d.GetPowerUsage()
	if ret != nvml.SUCCESS {
		return
	}
	c.add("power_watts", float64(used)*milli)
	if limit, ret := d.GetEnforcedPowerLimit(); ret == nvml.SUCCESS && limit > 0 {
		c.add("power_limit_watts", float64(limit)*milli)
		c.add("power_usage", float64(used)/float64(limit))
	}
}

func (c *card) clocks(d nvml.Device) {
	for _, k := range []struct {
		name string
		kind nvml.ClockType
	}{{"sm", nvml.CLOCK_SM}, {"memory", nvml.CLOCK_MEM}, {"graphics", nvml.CLOCK_GRAPHICS}} {
		if mhz, ret := d.GetClockInfo(k.kind); ret == nvml.SUCCESS {
			c.add("clock_hertz", float64(mhz)*1e6, "clock", k.name)
		}
	}
}

// errors are counted since the driver was loaded.
func (c *card) errors(d nvml.Device) {
	if n, ret := d.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_CORRECTED, nvml.VOLATILE_ECC); ret == nvml.SUCCESS {
		c.add("ecc_corrected", float64(n))
	}
	if n, ret := d.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC); ret == nvml.SUCCESS {
		c.add("ecc_uncorrected", float64(n))
	}
}

// throttling tells for each reason whether it slows the card down now. That a
// card is idle, or runs at clocks that somebody chose, is not among them.
func (n *nvidia) throttling(c *card, d nvml.Device) {
	if n.reasons == nil {
		return
	}
	bits, ret := n.reasons(d)
	if ret != nvml.SUCCESS {
		return
	}
	for _, r := range []struct {
		name string
		bits uint64
	}{
		{"power_cap", nvml.ClocksEventReasonSwPowerCap},
		{"thermal", nvml.ClocksEventReasonSwThermalSlowdown | nvml.ClocksThrottleReasonHwThermalSlowdown},
		{"power_brake", nvml.ClocksThrottleReasonHwPowerBrakeSlowdown},
		{"hardware", nvml.ClocksThrottleReasonHwSlowdown},
		{"reliability", nvml.ClocksEventReasonReliability},
	} {
		on := 0.0
		if bits&r.bits != 0 {
			on = 1
		}
		c.add("throttled", on, "reason", r.name)
	}
}

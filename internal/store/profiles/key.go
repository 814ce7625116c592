package profiles

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Set is which account of a model a window belongs to.
type Set byte

// The sets.
const (
	// ByPrediction is the truth: what happened to the predictions of a time.
	ByPrediction Set = 'p'
	// ByEvaluation is by time of arrival, for the rule series: live rows only,
	// labels counted when they came, never revised.
	ByEvaluation Set = 'e'
	// ByReference is the rows that were sent as reference, by their own time.
	ByReference Set = 'r'
)

type level byte

const (
	minutes level = 'm'
	hours   level = 'h'
)

const (
	minuteMS = int64(60_000)
	hourMS   = 60 * minuteMS

	before1970 = math.MinInt32 * minuteMS // the first minute that a key can name
)

// Key names one window.
type Key struct {
	Set     Set
	Model   string
	Segment string // "field=value", or empty for all rows
	Version string
	Start   int64 // unix ms, a whole minute; of a read window perhaps a whole hour
}

// Encoded: set, level, model length and model, segment length and segment,
// minute, version to the end. So one model's windows of one segment lie
// together in order of time.
func (k *Key) append(dst []byte, l level) []byte {
	dst = appendPrefix(dst, k.Set, l, k.Model)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(k.Segment)))
	dst = append(dst, k.Segment...)
	dst = appendMinute(dst, k.Start)
	return append(dst, k.Version...)
}

// appendPrefix is the part that all windows of a model share.
func appendPrefix(dst []byte, s Set, l level, model string) []byte {
	dst = append(dst, byte(s), byte(l), byte(len(model)))
	return append(dst, model...)
}

// Minutes are offset so that times before 1970 stay in order.
func appendMinute(dst []byte, ms int64) []byte {
	minute := min(max(floorDiv(ms, minuteMS), math.MinInt32), math.MaxInt32)
	return binary.BigEndian.AppendUint32(dst, uint32(minute+1<<31))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func parseKey(b []byte) (k Key, l level, err error) {
	bad := fmt.Errorf("profiles: malformed key %x", b)
	if len(b) < 3 || len(b) < 3+int(b[2])+2 {
		return k, 0, bad
	}
	k.Set, l = Set(b[0]), level(b[1])
	k.Model = string(b[3 : 3+b[2]])
	b = b[3+int(b[2]):]
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+n+4 {
		return k, 0, bad
	}
	k.Segment = string(b[2 : 2+n])
	b = b[2+n:]
	k.Start = (int64(binary.BigEndian.Uint32(b)) - 1<<31) * minuteMS
	k.Version = string(b[4:])
	return k, l, nil
}

package decode

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// pow10 are the powers that a float64 holds exactly.
var pow10 = [23]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// pow10int are the powers that a uint64 holds.
var pow10int = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// digits8 reads up to eight digits at b[i:], which must have 8 bytes: their
// value and how many they are.
func digits8(b []byte, i int) (uint64, int) {
	t := binary.LittleEndian.Uint64(b[i:i+8]) ^ 0x3030303030303030
	// A byte of 10 or more gets its high bit; a carry can only spoil the bytes
	// after the first such one.
	n := bits.TrailingZeros64((t+0x7676767676767676|t)&0x8080808080808080) >> 3
	t <<= uint(64 - 8*n) // the digits to the end, zeros before them; n = 0 gives 0
	t = t*10 + t>>8
	const mask = 0x000000ff000000ff
	return (t&mask*(100+1000000<<32) + t>>16&mask*(1+10000<<32)) >> 32, n
}

// digits reads the digits at b[i:] onto m. It counts all, and m is right while
// they are at most 19.
func digits(b []byte, i int, m uint64) (uint64, int) {
	for i+8 <= len(b) {
		v, n := digits8(b, i)
		m = m*pow10int[n] + v
		i += n
		if n < 8 {
			return m, i
		}
	}
	for i < len(b) && b[i]-'0' <= 9 {
		m = m*10 + uint64(b[i]-'0')
		i++
	}
	return m, i
}

// number reads the JSON number at b[i:]: its value, rounded to nearest even as
// strconv does, and where it ends. A negative end is an error; an infinite
// value is a number too large for float64.
//
// This is the short way for what nearly all numbers are: up to 7 digits, a
// point and more digits, 19 at most together, in a text that goes on.
func number(b []byte, i int) (v float64, end int) {
	if i+33 > len(b) {
		return anyNumber(b, i)
	}
	j := i
	if b[j] == '-' {
		j++
	}
	m, n := digits8(b, j)
	if n == 8 || n == 0 || n > 1 && b[j] == '0' {
		return anyNumber(b, i)
	}
	k, exp := j+n, 0
	if b[k] == '.' {
		m, exp = fraction(b, k+1, m)
		if k += 1 + exp; exp == 0 || n+exp > 19 {
			return anyNumber(b, i)
		}
	}
	if b[k]|0x20 == 'e' {
		return anyNumber(b, i)
	}
	if m <= 1<<53 {
		v = float64(m) / pow10[exp]
	} else {
		v = divide(m, pow10int[exp])
	}
	if j > i {
		v = -v
	}
	return v, k
}

// fraction reads up to 24 digits at b[i:] onto m.
func fraction(b []byte, i int, m uint64) (uint64, int) {
	f, n := digits8(b, i)
	if m = m*pow10int[n] + f; n < 8 {
		return m, n
	}
	f, n = digits8(b, i+8)
	if m = m*pow10int[n] + f; n < 8 {
		return m, 8 + n
	}
	f, n = digits8(b, i+16)
	return m*pow10int[n] + f, 16 + n
}

// anyNumber is number without a guess.
func anyNumber(b []byte, i int) (v float64, end int) {
	start := i
	neg := i < len(b) && b[i] == '-'
	if neg {
		i++
	}
	first := i
	m, i := digits(b, i, 0)
	if i == first || i > first+1 && b[first] == '0' {
		return 0, -1
	}
	count, exp := i-first, 0
	if b[first] == '0' {
		count--
	}
	if i < len(b) && b[i] == '.' {
		point := i + 1
		m, i = digits(b, point, m)
		if i == point {
			return 0, -1
		}
		exp = point - i
		count += i - point
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		e, j := exponent(b, i+1)
		if j < 0 {
			return 0, -1
		}
		exp, i = exp+e, j
	}
	if count > 19 {
		return slowNumber(b[start:i]), i
	}
	v, ok := scale(m, exp)
	if !ok {
		return slowNumber(b[start:i]), i
	}
	if neg {
		v = -v
	}
	return v, i
}

func exponent(b []byte, i int) (e, end int) {
	neg := false
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		neg = b[i] == '-'
		i++
	}
	first := i
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		e = min(e*10+int(b[i]-'0'), 1<<20)
	}
	if i == first {
		return 0, -1
	}
	if neg {
		e = -e
	}
	return e, i
}

// scale is m * 10^exp, correctly rounded, for the exponents that can be done
// in one operation; ok is false for others.
func scale(m uint64, exp int) (v float64, ok bool) {
	if m <= 1<<53 {
		switch {
		case exp == 0:
			return float64(m), true
		case exp < 0 && exp >= -22:
			return float64(m) / pow10[-exp], true
		case exp > 0 && exp <= 22:
			return float64(m) * pow10[exp], true
		}
	}
	switch {
	case m == 0:
		return 0, true
	case exp >= -19 && exp < 0:
		return divide(m, pow10int[-exp]), true
	}
	return 0, false
}

// divide is m / d rounded to nearest even, by one division of 128 bits: the
// quotient has at least 62 bits, and the remainder says whether it is exact.
// d is a power of ten from 10, m is not 0.
func divide(m, d uint64) float64 {
	zm, zd := bits.LeadingZeros64(m), bits.LeadingZeros64(d)
	m, d = m<<zm, d<<zd
	q, r := bits.Div64(m>>1, m<<63, d) // (m << 63) / d; m>>1 < d since d has its top bit
	exp := zd - zm - 63
	drop := 64 - bits.LeadingZeros64(q) - 53
	half := uint64(1) << (drop - 1)
	rest := q & (2*half - 1)
	q >>= drop
	if rest > half || rest == half && (r != 0 || q&1 == 1) {
		q++
	}
	return math.Float64frombits(uint64(exp+drop+1023)<<52) * float64(q)
}

// slowNumber reads a number that is known to be well-formed.
func slowNumber(b []byte) float64 {
	v, _ := strconv.ParseFloat(unsafe.String(&b[0], len(b)), 64)
	return v
}

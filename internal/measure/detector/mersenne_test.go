package detector

import "math/bits"

// mersenne is MT19937 (Matsumoto and Nishimura 1998) as CPython's random.Random
// seeds and reads it, so that the published indices of River's KSWIN can be
// had from the same draws.
type mersenne struct {
	state [624]uint32
	at    int
}

// newMersenne seeds by an array of one key, as CPython does with small integers.
func newMersenne(seed uint32) *mersenne {
	m := &mersenne{at: 624}
	s := &m.state
	s[0] = 19650218
	for i := 1; i < 624; i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + uint32(i)
	}
	i := 1
	step := func() {
		if i++; i == 624 {
			s[0], i = s[623], 1
		}
	}
	for range 624 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + seed
		step()
	}
	for range 623 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i)
		step()
	}
	s[0] = 1 << 31
	return m
}

func (m *mersenne) next() uint32 {
	s := &m.state
	if m.at == 624 {
		for i := range 624 {
			y := s[i]&(1<<31) | s[(i+1)%624]&(1<<31-1)
			s[i] = s[(i+397)%624] ^ y>>1 ^ y&1*0x9908b0df
		}
		m.at = 0
	}
	y := s[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (m *mersenne) below(n int) int {
	width := bits.Len(uint(n))
	for {
		if v := int(m.next() >> (32 - width)); v < n {
			return v
		}
	}
}

// cpython is random.Random(seed).sample(range(n), k) for small n.
func cpython(seed uint32) Sampler {
	return func() func(n, k int) []int {
		m := newMersenne(seed)
		return func(n, k int) []int {
			pool := make([]int, n)
			for i := range pool {
				pool[i] = i
			}
			out := make([]int, k)
			for i := range out {
				j := m.below(n - i)
				out[i], pool[j] = pool[j], pool[n-i-1]
			}
			return out
		}
	}
}

package twosample

import "math"

// mt is numpy's legacy RandomState, of which published fixtures are made
// (Matsumoto and Nishimura 1998, init_genrand).
type mt struct {
	state [624]uint32
	at    int
	spare float64
	has   bool
}

func newMT(seed uint32) *mt {
	r := &mt{at: 624}
	r.state[0] = seed
	for i := 1; i < 624; i++ {
		r.state[i] = 1812433253*(r.state[i-1]^r.state[i-1]>>30) + uint32(i)
	}
	return r
}

func (r *mt) next() uint32 {
	if r.at == 624 {
		for i := range r.state {
			y := r.state[i]&0x80000000 | r.state[(i+1)%624]&0x7fffffff
			v := r.state[(i+397)%624] ^ y>>1
			if y&1 == 1 {
				v ^= 0x9908b0df
			}
			r.state[i] = v
		}
		r.at = 0
	}
	y := r.state[r.at]
	r.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (r *mt) float() float64 {
	a, b := r.next()>>5, r.next()>>6
	return (float64(a)*67108864 + float64(b)) / 9007199254740992
}

// normal is the polar method, which makes two at a time.
func (r *mt) normal() float64 {
	if r.has {
		r.has = false
		return r.spare
	}
	for {
		x, y := 2*r.float()-1, 2*r.float()-1
		if d := x*x + y*y; d < 1 && d != 0 {
			f := math.Sqrt(-2 * math.Log(d) / d)
			r.spare, r.has = f*x, true
			return f * y
		}
	}
}

func (r *mt) normals(n int, mean, sd float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = mean + sd*r.normal()
	}
	return out
}

// below is a whole number up to most, by rejection under a mask.
func (r *mt) below(most uint32) uint32 {
	mask := most
	for s := 1; s < 32; s *= 2 {
		mask |= mask >> s
	}
	for {
		if v := r.next() & mask; v <= most {
			return v
		}
	}
}

func (r *mt) choices(n int, of []float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = of[r.below(uint32(len(of)-1))]
	}
	return out
}

// permutation is numpy's shuffle of 0 .. n-1.
func (r *mt) permutation(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := r.below(uint32(i))
		out[i], out[j] = out[j], out[i]
	}
	return out
}

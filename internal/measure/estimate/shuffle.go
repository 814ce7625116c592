package estimate

import "math"

// twister is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998) with
// the draws of numpy's RandomState, so that a stratified shuffle takes the same
// rows as scikit-learn's with the same seed.
type twister struct {
	state [624]uint32
	next  int
}

func newTwister(seed uint32) *twister {
	t := &twister{next: len(twister{}.state)}
	t.state[0] = seed
	for i := 1; i < len(t.state); i++ {
		t.state[i] = 1812433253*(t.state[i-1]^t.state[i-1]>>30) + uint32(i)
	}
	return t
}

func (t *twister) uint32() uint32 {
	const n, m = 624, 397
	if t.next == n {
		for i := range n {
			y := t.state[i]&0x80000000 | t.state[(i+1)%n]&0x7fffffff
			t.state[i] = t.state[(i+m)%n] ^ y>>1 ^ -(y&1)&0x9908b0df
		}
		t.next = 0
	}
	y := t.state[t.next]
	t.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// below is a number of 0..most, by throwing away what is too large.
func (t *twister) below(most uint32) uint32 {
	mask := most
	for shift := 1; shift < 32; shift *= 2 {
		mask |= mask >> shift
	}
	for {
		if v := t.uint32() & mask; v <= most {
			return v
		}
	}
}

func (t *twister) shuffle(rows []int32) {
	for i := len(rows) - 1; i > 0; i-- {
		j := t.below(uint32(i))
		rows[i], rows[j] = rows[j], rows[i]
	}
}

func (t *twister) permutation(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	t.shuffle(rows)
	return rows
}

// share divides draws between two classes in proportion to their sizes; where
// a row is left that both have the same right to, chance decides.
func (t *twister) share(sizes [2]int, draws int) [2]int {
	var got [2]int
	var rest [2]float64
	left := draws
	for i, size := range sizes {
		exact := float64(size) / float64(sizes[0]+sizes[1]) * float64(draws)
		got[i] = int(math.Floor(exact))
		rest[i] = exact - math.Floor(exact)
		left -= got[i]
	}
	switch {
	case left <= 0:
	case left > 1:
		got[0]++
		got[1]++
	case rest[0] == rest[1]:
		got[t.permutation(2)[0]]++
	case rest[0] > rest[1]:
		got[0]++
	default:
		got[1]++
	}
	return got
}

// split divides rows into nine tenths for training and one tenth for testing,
// class by class. negatives and positives list the rows of each class.
func (t *twister) split(negatives, positives []int32) (train, test []int32) {
	sizes := [2]int{len(negatives), len(positives)}
	n := sizes[0] + sizes[1]
	tests := int(math.Ceil(0.1 * float64(n)))
	forTrain := t.share(sizes, n-tests)
	forTest := t.share([2]int{sizes[0] - forTrain[0], sizes[1] - forTrain[1]}, tests)
	for class, rows := range [2][]int32{negatives, positives} {
		order := t.permutation(len(rows))
		for _, at := range order[:forTrain[class]] {
			train = append(train, rows[at])
		}
		for _, at := range order[forTrain[class]:][:forTest[class]] {
			test = append(test, rows[at])
		}
	}
	t.shuffle(train)
	t.shuffle(test)
	return train, test
}

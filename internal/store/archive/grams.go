package archive

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// gramSet is a set of hashed runs of bytes of texts in lower case: a text that
// holds a word has all of the word's runs. Runs of three serve short words; in
// groups whose lines hold random ids they are all taken, and runs of five serve
// longer words there.
type gramSet struct {
	run int      // 3 or 5
	set []uint64 // a power of two of bits
}

const (
	mostBits  = 1 << 20
	leastBits = 1 << 10
	// A set is made half as large while fewer than a quarter of its bits would
	// be taken: a word of nine letters is then missed in 99.6 % of the groups
	// that lack it.
	fullBits = 4
)

func newGrams(run int) *gramSet { return &gramSet{run: run, set: make([]uint64, mostBits/64)} }

// hashGram hashes the run at the beginning of s to 20 bits, of which a set of
// 2ⁿ bits uses the lowest n.
func hashGram(s string, run int) uint32 {
	var v uint64
	for i := range run {
		v = v<<8 | uint64(s[i])
	}
	return uint32(v * 0x9e3779b97f4a7c15 >> 44)
}

// add takes the runs of a text that is folded.
func (g *gramSet) add(s string) {
	mask := uint64(1)<<(8*g.run) - 1
	var v uint64
	for i := range len(s) {
		v = v<<8 | uint64(s[i])
		if i+1 >= g.run {
			h := (v & mask) * 0x9e3779b97f4a7c15 >> 44
			g.set[h>>6] |= 1 << (h & 63)
		}
	}
}

// pack is the set in as few bytes as keep it sparse, little endian.
func (g *gramSet) pack() []byte {
	set := g.set
	for len(set)*64 > leastBits {
		half := make([]uint64, len(set)/2)
		taken := 0
		for i := range half {
			half[i] = set[i] | set[i+len(half)]
			taken += bits.OnesCount64(half[i])
		}
		if taken*fullBits > len(half)*64 {
			break
		}
		set = half
	}
	out := make([]byte, 0, len(set)*8)
	for _, w := range set {
		for range 8 {
			out = append(out, byte(w))
			w >>= 8
		}
	}
	return out
}

// place is where a set stands in a file of grams.
type place struct {
	at   int64
	size int // bytes
	run  int
}

// mayHold tells whether a text with this word, folded, can be in the group of
// the set.
func (p place) mayHold(file io.ReaderAt, word string) (bool, error) {
	size := p.size
	if size < leastBits/8 || size > mostBits/8 || size&(size-1) != 0 {
		return false, fmt.Errorf("a set of %d bytes", size)
	}
	var b [1]byte
	for i := 0; i+p.run <= len(word); i++ {
		h := hashGram(word[i:], p.run) & uint32(size*8-1)
		if _, err := file.ReadAt(b[:], p.at+int64(h>>3)); err != nil {
			return false, err
		}
		if b[0]>>(h&7)&1 == 0 {
			return false, nil
		}
	}
	return true, nil
}

// oldGrams are those of files of version 1: hashed runs of three bytes, 16 bits
// each.
type oldGrams [1 << 13]byte

func (g *oldGrams) mayHold(s string) bool {
	for i := 0; i+3 <= len(s); i++ {
		h := (uint32(s[i])<<16 | uint32(s[i+1])<<8 | uint32(s[i+2])) * 0x9e3779b1 >> 16
		if g[h>>3]>>(h&7)&1 == 0 {
			return false
		}
	}
	return true
}

func unpackOld(s string) (*oldGrams, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	packed, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, err
	}
	b, err := z.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	g := new(oldGrams)
	if len(b) != len(g) {
		return nil, fmt.Errorf("grams of %d bytes", len(b))
	}
	copy(g[:], b)
	return g, nil
}

package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"time"
)

const (
	// tokenPrefix lets secret scanners and people recognise a token.
	tokenPrefix = "lw_"
	// secretBytes of randomness make guessing hopeless, so a fast hash is safe.
	secretBytes = 32
	// secretDigits is the length of 32 bytes in base 62, zero-padded.
	secretDigits = 43
	// maxName bounds a token's name, in bytes.
	maxName = 100
	// maxTokens bounds the store.
	maxTokens = 10_000
	// coarse is the resolution of LastUsed: enough to find forgotten tokens,
	// too rough to follow a person.
	coarse = time.Hour
)

// Errors of the store that callers tell apart.
var (
	ErrNotFound = errors.New("no such token")
	ErrName     = errors.New("a token's name is 1 to 100 bytes of printable text")
	ErrExists   = errors.New("a token of that name exists")
	ErrFull     = errors.New("there are 10,000 tokens already")
)

// Token is what is known of a token, without its secret.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
	// LastUsed is cut to the hour; zero when it was never used.
	LastUsed time.Time `json:"last_used,omitzero"`
}

// hash is the SHA-256 of a secret, its hex form in files.
type hash [sha256.Size]byte

func hashOf(secret string) hash { return sha256.Sum256([]byte(secret)) }

// MarshalText writes hex.
func (h hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads hex of exactly 32 bytes.
func (h *hash) UnmarshalText(b []byte) error {
	raw, err := hex.DecodeString(string(b))
	if err != nil || len(raw) != len(h) {
		return errors.New("a hash is 64 hexadecimal digits")
	}
	copy(h[:], raw)
	return nil
}

// newSecret gives prefix + base 62 of 32 random bytes.
func newSecret(prefix string) string {
	var raw [secretBytes]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	digits := new(big.Int).SetBytes(raw[:]).Text(62)
	return prefix + strings.Repeat("0", secretDigits-len(digits)) + digits
}

// newID gives a short public name for a token.
func newID() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(raw[:])
}

func validName(name string) bool {
	if name == "" || len(name) > maxName || strings.TrimSpace(name) != name {
		return false
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return false
		}
	}
	return true
}

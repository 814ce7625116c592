// Package endtoend looks at the real binary from outside: real data through
// its commands and its API, its configuration, its tokens, its alerts.
package endtoend

import (
	"testing"

	"github.com/leewayhq/leeway/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

// Package access decides who may do what over HTTP, and where Leeway itself
// may connect to.
//
// Callers prove themselves with a token (Authorization: Bearer lw_…) or with
// a session cookie that was given for a token. A token has one [Role]; the
// [Guard] wraps each handler with the role that it needs. On a loopback
// listener without tokens everybody on the machine is admin, as long as the
// request really comes from the machine: the Host header must name it (DNS
// rebinding) and the Origin of a change must be the page's own (CSRF).
//
// Invariants:
//   - A secret is shown once, when it is created; only its SHA-256 is stored.
//   - A non-loopback listener without a token refuses to start ([Guard.Check]).
//   - A valid credential is never refused because somebody else failed often.
//   - Tables are bounded: tokens, sessions, and addresses that failed.
//
// The package starts no goroutines. Files live in one folder (data/access):
// tokens.json, which the command line may change while a server runs, and
// sessions.json, which only the server writes. Both are described in
// docs/operate/access.md.
//
// [Outgoing] guards the other direction: connections that Leeway opens because
// a configuration or a user named an address.
package access

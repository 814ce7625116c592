package access

import "fmt"

// Role is what a caller may do. The zero value may do nothing.
type Role uint8

// The roles, from least to most power. What each includes is decided by
// [Role.Includes] alone:
//
//	ingest  send predictions, labels, logs and samples; reads nothing
//	read    read everything but tokens; sends nothing
//	edit    ingest and read; change rules, silences, references, models
//	admin   edit; manage tokens, reload
const (
	None Role = iota
	Ingest
	Read
	Edit
	Admin
)

var roleNames = [...]string{None: "none", Ingest: "ingest", Read: "read", Edit: "edit", Admin: "admin"}

// Includes reports whether a caller with role r may do what needs the role
// need. The order is total but for one step: read does not include ingest,
// since a token that hangs on a wall screen must not be able to change numbers.
func (r Role) Includes(need Role) bool {
	if need == None {
		return true
	}
	if need == Ingest {
		return r == Ingest || r >= Edit
	}
	return r >= need && r <= Admin
}

// String gives the name that files, the API and the command line use.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// ParseRole is the inverse of String; "none" is not a role to give.
func ParseRole(name string) (Role, error) {
	for r := Ingest; r <= Admin; r++ {
		if roleNames[r] == name {
			return r, nil
		}
	}
	return None, fmt.Errorf("role %q is unknown; the roles are ingest, read, edit and admin", name)
}

// MarshalText writes the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the role's name.
func (r *Role) UnmarshalText(b []byte) error {
	parsed, err := ParseRole(string(b))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

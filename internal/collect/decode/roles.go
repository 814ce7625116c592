package decode

import (
	"strings"

	"github.com/leewayhq/leeway/internal/event"
)

// role is what a top-level key or a column means.
type role uint8

const (
	roleNone role = iota
	roleID
	roleTime
	roleVersion
	rolePrediction
	roleScore
	roleLabel
	roleLatency
	roleError
	roleFeature
	roleSegment
	roleClass    // the score of one class
	roleFeatures // a JSON object of features
	roleSegments // a JSON object of segments
	roleLevel
	roleMessage
	roleService
	roleModel
	roleItems    // the answer to a query, a list
	roleRelevant // what of it was wanted, a list
	roles        // how many there are
)

var mappable = []string{"id", "time", "version", "prediction", "score", "label", "latency_ms", "error"}

func (r role) String() string {
	return [roles]string{"", "id", "time", "version", "prediction", "score", "label", "latency_ms", "error", "feature", "segment", "score", "features", "segments", "level", "message", "service", "model", "items", "relevant"}[r]
}

// roleOf is the meaning of a role's name, as it stands in a mapping or as the
// reserved name of a column; name is the feature's, segment's or class's.
func roleOf(s string) (r role, name string) {
	for i, n := range mappable {
		if s == n {
			return roleID + role(i), ""
		}
	}
	if n, ok := strings.CutPrefix(s, "segment."); ok && n != "" {
		return roleSegment, n
	}
	if n, ok := strings.CutPrefix(s, "score."); ok && n != "" {
		return roleClass, n
	}
	return roleNone, ""
}

// target is the meaning of one column or key in this body.
func (o *Options) target(column string) (role, string) {
	if o.Kind == event.Logs {
		return logRole(column), ""
	}
	for mapped, c := range o.Map {
		if c == column {
			return o.allowed(roleOf(mapped))
		}
	}
	if n, ok := strings.CutPrefix(column, "feature."); ok && n != "" {
		return o.allowed(roleFeature, n)
	}
	reserved := column
	if column == "timestamp" {
		reserved = "time"
	}
	if _, taken := o.Map[reserved]; taken {
		return roleNone, ""
	}
	return o.allowed(roleOf(reserved))
}

// allowed drops what a label row has no use for.
func (o *Options) allowed(r role, name string) (role, string) {
	if o.Kind == event.Labels && r != roleID && r != roleTime && r != roleLabel {
		return roleNone, ""
	}
	return r, name
}

// column is target for the formats where every other column is a feature.
func (o *Options) column(name string) (role, string) {
	r, n := o.target(name)
	if r == roleNone && o.Kind != event.Labels && o.Kind != event.Logs {
		return roleFeature, name
	}
	return r, n
}

// listRole is the meaning of a list, which can be no feature. A key or column of
// such a name that holds no list is whatever other ones are.
func (o *Options) listRole(name string) role {
	switch {
	case o.Kind == event.Logs:
	case name == "items" && o.Kind != event.Labels:
		return roleItems
	case name == "relevant":
		return roleRelevant
	}
	return roleNone
}

func logRole(key string) role {
	switch key {
	case "time", "timestamp":
		return roleTime
	case "level":
		return roleLevel
	case "message", "msg":
		return roleMessage
	case "service", "source":
		return roleService
	case "model":
		return roleModel
	}
	return roleNone
}

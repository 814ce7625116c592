package lint

import (
	"path"
	"slices"
	"strings"
)

// order is STYLE's order of rooms. A package imports rooms to the left of its
// own only, never a room of its own group.
var order = [][]string{
	{"event"},
	{"profile", "model"},
	{"measure", "queue", "store", "access"},
	{"collect", "process", "alert"},
	{"notify"},
	{"dashboard", "report", "demo"},
	{"config"},
	{"app"},
	{"cmd"},
}

// shared are packages inside a room that its other packages may import beside
// their parents, each with its reason.
var shared = map[string]string{
	"internal/collect/decode":    "every source turns bodies into batches in the same way",
	"internal/collect/logs":      "sources that bring log lines beside other things make them in the same way",
	"internal/measure/catalogue": "the table of metrics belongs to the kernels that it names",
	"internal/measure/twosample": "distances and tests of two samples, which drift in every form is made of",
}

// room gives the room of a package of this module ("queue" for
// internal/queue/segment), and its place in the order; -1 when it has none.
func room(pkg string) (name string, group int) {
	rel, ok := strings.CutPrefix(pkg, Module+"/")
	if !ok {
		return "", -1
	}
	parts := strings.Split(rel, "/")
	name = parts[0]
	if name == "internal" && len(parts) > 1 {
		name = parts[1]
	}
	for i, rooms := range order {
		if slices.Contains(rooms, name) {
			return name, i
		}
	}
	return name, -1
}

// outside are folders beside the rooms. leaf packages import nothing of ours
// but what the map names, and may be imported by all; the others may import
// everything and are imported by nobody.
var outside = map[string]struct {
	leaf bool
	may  []string
}{
	"ui":      {leaf: true},                                                                         // embeds the built pages
	"client":  {leaf: true, may: []string{"event"}},                                                 // the public SDK
	"api":     {leaf: true},                                                                         // embeds the contract
	"deploy":  {leaf: true},                                                                         // embeds dashboards
	"engine":  {may: []string{"event", "profile", "model", "measure", "queue", "store", "process"}}, // a binary of its own
	"test":    {},                                                                                   // the long suites
	"scripts": {},                                                                                   // the build
	"lint":    {leaf: true},                                                                         // these rules
}

// forbidden says why package from may not import package to, both of this
// module; empty when it may.
func forbidden(from, to string) string {
	fromRoom, fromGroup := room(from)
	toRoom, toGroup := room(to)
	if fromGroup < 0 {
		return forbiddenOutside(fromRoom, toRoom)
	}
	if o, ok := outside[toRoom]; ok {
		if o.leaf && toRoom != "lint" {
			return ""
		}
		return "nothing imports " + toRoom
	}
	if toGroup < 0 {
		return toRoom + " is not a room of the house; give it its place in internal/lint/order.go"
	}
	if fromRoom == toRoom {
		return forbiddenInside(from, to)
	}
	if toGroup == fromGroup {
		return "rooms of one group do not know each other: what both need belongs to the left, what joins them to app"
	}
	if toGroup > fromGroup {
		return toRoom + " stands right of " + fromRoom + ": data flows to the right, so knowledge points to the left; pass a value or a function instead"
	}
	return ""
}

func forbiddenOutside(from, to string) string {
	o, ok := outside[from]
	if !ok {
		return from + " is not a room of the house; give it its place in internal/lint/order.go"
	}
	if (o.leaf || len(o.may) > 0) && from != to && !slices.Contains(o.may, to) {
		return from + " stands on its own, so that it can be used and built without the rest"
	}
	return ""
}

// forbiddenInside: within a room, drivers know their parent, and a parent does
// not know its drivers.
func forbiddenInside(from, to string) string {
	if strings.HasPrefix(from, to+"/") {
		return ""
	}
	if _, ok := shared[strings.TrimPrefix(to, Module+"/")]; ok {
		return ""
	}
	if room, _ := room(from); room == "cmd" {
		return ""
	}
	return path.Base(from) + " and " + path.Base(to) + " are parts of one room: a driver imports its parent, and app joins the parts"
}

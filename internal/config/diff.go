package config

import (
	"bytes"
	"reflect"
)

// Diff says which keys differ, and which of these a running server can take
// up. A reload with a key that needs a restart is refused whole.
func Diff(old, changed *Config) (reloadable, needsRestart []string) {
	diffFields(reflect.ValueOf(old).Elem(), reflect.ValueOf(changed).Elem(), at{}, func(path string, f field) {
		if f.has("reload") {
			reloadable = append(reloadable, path)
		} else {
			needsRestart = append(needsRestart, path)
		}
	})
	return reloadable, needsRestart
}

func diffFields(a, b reflect.Value, where at, found func(path string, f field)) {
	known := fieldsOf(a.Type())
	for _, name := range known.names {
		f := known.byName[name]
		va, vb, child := a.Field(f.index), b.Field(f.index), where.key(name)
		if raw, ok := va.Interface().(Raw); ok {
			if !bytes.Equal(bytes.TrimSpace(raw.Text), bytes.TrimSpace(vb.Interface().(Raw).Text)) {
				found(child.path, f)
			}
			continue
		}
		if va.Kind() == reflect.Struct {
			diffFields(va, vb, child, found)
			continue
		}
		if !same(va, vb) {
			found(child.path, f)
		}
	}
}

// same is DeepEqual, but an empty list is as good as none.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Slice, reflect.Map:
		if a.Len() == 0 && b.Len() == 0 {
			return true
		}
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

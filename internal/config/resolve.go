package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/leewayhq/leeway/internal/access"
)

// maxSecret bounds a file with a secret in it.
const maxSecret = 64 << 10

var secretType = reflect.TypeFor[access.Secret]()

// resolve finishes what the file does not say by itself: default paths become
// relative to the file, and each secret X is read from X_file.
func (d *decoder) resolve(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			d.resolve(v.Index(i), at{path: path}.index(i).path)
		}
	case reflect.Struct:
		d.resolveFields(v, path)
	}
}

func (d *decoder) resolveFields(v reflect.Value, path string) {
	known := fieldsOf(v.Type())
	for _, name := range known.names {
		f := known.byName[name]
		value, child := v.Field(f.index), at{path: path}.key(name).path
		if value.Kind() == reflect.String && f.has("path") && value.String() != "" && !filepath.IsAbs(value.String()) {
			if _, written := d.places[child]; !written {
				value.SetString(filepath.Join(d.dir, value.String()))
			}
		}
		if value.Type() == secretType {
			if file, ok := known.byName[name+"_file"]; ok {
				d.readSecret(value, v.Field(file.index).String(), child)
			}
			continue
		}
		d.resolve(value, child)
	}
}

func (d *decoder) readSecret(into reflect.Value, file, path string) {
	if file == "" {
		return
	}
	if into.Len() > 0 {
		d.semantic(path+"_file", "give either %s or %s_file", lastKey(path), lastKey(path))
		return
	}
	text, err := readSecretFile(file)
	if err != nil {
		d.semantic(path+"_file", "%s cannot be used: %s", file, err)
		return
	}
	into.SetString(text)
}

func readSecretFile(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", plain(err)
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is not a regular file")
	}
	f, err := os.Open(file)
	if err != nil {
		return "", plain(err)
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", plain(err)
	}
	if len(body) > maxSecret {
		return "", fmt.Errorf("it is longer than %s", FormatSize(maxSecret))
	}
	text := strings.TrimRight(string(body), "\r\n")
	if text == "" {
		return "", errors.New("it is empty")
	}
	return text, nil
}

// plain drops the operation and the path, which the message has already.
func plain(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

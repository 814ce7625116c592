// Package lint holds the rules of the house. Each rule is an ordinary test in
// this folder that reads the source tree and says, at each finding, why the
// rule exists. A rule that no machine checks is not kept.
//
// The package itself reads and parses the tree; it imports nothing of Leeway
// and nothing imports it.
package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Module is the import path of the repository's root.
const Module = "github.com/leewayhq/leeway"

// skipped folders hold nothing that people write.
var skipped = map[string]bool{
	".git": true, "node_modules": true, "dist": true, "bin": true, "leeway-data": true,
	"internal/scratch": true, // holds dependencies in go.mod until their users are written
}

// File is one Go file of the tree.
type File struct {
	Path      string // from the root, with slashes
	Dir       string
	Test      bool
	Generated bool
	Lines     int
	Fset      *token.FileSet
	AST       *ast.File
}

// At gives path:line of a node.
func (f *File) At(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.Path, f.Fset.Position(n.Pos()).Line)
}

// Imports gives the import paths of the file.
func (f *File) Imports() []string {
	var out []string
	for _, spec := range f.AST.Imports {
		out = append(out, strings.Trim(spec.Path.Value, `"`))
	}
	return out
}

// Root finds the folder of go.mod, from the working folder up.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working folder")
		}
		dir = parent
	}
}

// Walk calls fn with the path of each file that people write.
func Walk(root string, fn func(path string) error) error {
	return filepath.WalkDir(root, func(full string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, full)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if e.IsDir() && (skipped[e.Name()] || skipped[rel]) {
			return filepath.SkipDir
		}
		if !e.Type().IsRegular() {
			return nil
		}
		return fn(rel)
	})
}

// Load parses every Go file below root.
func Load(root string) ([]*File, error) {
	fset := token.NewFileSet()
	var files []*File
	err := Walk(root, func(rel string) error {
		if path.Ext(rel) != ".go" || strings.Contains(rel, "/testdata/") {
			return nil
		}
		body, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(fset, rel, body, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, &File{
			Path: rel, Dir: path.Dir(rel), Test: strings.HasSuffix(rel, "_test.go"),
			Generated: ast.IsGenerated(parsed), Lines: strings.Count(string(body), "\n"),
			Fset: fset, AST: parsed,
		})
		return nil
	})
	return files, err
}

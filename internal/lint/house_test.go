package lint

import (
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var loaded = sync.OnceValues(func() ([]*File, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	return Load(root)
})

func tree(t *testing.T) []*File {
	t.Helper()
	files, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go file was found: the rules would hold for nothing")
	}
	return files
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	documented, names := map[string]bool{}, map[string]string{}
	for _, f := range tree(t) {
		if f.Test {
			continue
		}
		names[f.Dir] = f.AST.Name.Name
		doc := f.AST.Doc.Text()
		if f.AST.Name.Name == "main" && doc != "" || strings.HasPrefix(doc, "Package "+f.AST.Name.Name+" ") {
			documented[f.Dir] = true
		}
	}
	for dir, name := range names {
		if !documented[dir] {
			t.Errorf("%s has no comment \"Package %s …\": a newcomer reads it first; it gives purpose, invariants, and who owns what", dir, name)
		}
	}
}

func TestNamesSayTheThing(t *testing.T) {
	vague := []string{"util", "utils", "common", "types", "base", "core", "manager", "helper", "helpers", "service", "misc", "lib"}
	for _, f := range tree(t) {
		for _, part := range append(strings.Split(f.Dir, "/"), f.AST.Name.Name) {
			if slices.Contains(vague, part) {
				t.Errorf("%s: nobody can guess what a package %q holds, and so it comes to hold everything", f.Path, part)
			}
		}
	}
}

func TestNothingRunsAtImport(t *testing.T) {
	for _, f := range tree(t) {
		if f.Generated {
			continue
		}
		for _, decl := range f.AST.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: no init: what an import does in silence cannot be ordered, configured or tested; app calls it by name", f.At(fn))
			}
		}
	}
}

var metricMaker = regexp.MustCompile(`^(New(Counter|Gauge|Histogram|Summary|Untyped)(Vec|Func)?|MustRegister|Register)$`)

func TestNoMetricsInPackageVariables(t *testing.T) {
	for _, f := range tree(t) {
		if f.Test || f.Generated {
			continue
		}
		for _, decl := range f.AST.Decls {
			vars, ok := decl.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			ast.Inspect(vars, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if sel, ok := call.Fun.(*ast.SelectorExpr); ok && metricMaker.MatchString(sel.Sel.Name) && isPackage(sel.X, "prometheus", "promauto") {
						t.Errorf("%s: metrics belong to an object and its registerer: two servers in one test must not share them", f.At(call))
					}
				}
				return true
			})
		}
	}
}

func isPackage(e ast.Expr, names ...string) bool {
	id, ok := e.(*ast.Ident)
	return ok && slices.Contains(names, id.Name)
}

func TestFilesAreShort(t *testing.T) {
	const limit, aim = 800, 400
	for _, f := range tree(t) {
		switch {
		case f.Generated || f.Test:
		case f.Lines > limit:
			t.Errorf("%s has %d lines, more than %d: it is more than one idea", f.Path, f.Lines, limit)
		case f.Lines > aim:
			t.Logf("%s has %d lines; aim at %d", f.Path, f.Lines, aim)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	const long, share = 80, 0.04
	var all int
	var over []string
	for _, f := range tree(t) {
		if f.Test || f.Generated {
			continue
		}
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			all++
			if f.Fset.Position(fn.End()).Line-f.Fset.Position(fn.Pos()).Line+1 > long {
				over = append(over, f.At(fn)+" "+fn.Name.Name)
			}
		}
	}
	if float64(len(over)) >= share*float64(all) {
		t.Errorf("%d of %d functions are longer than %d lines; less than %.0f %% may be, since a function is read whole:\n%s",
			len(over), all, long, share*100, strings.Join(over, "\n"))
		return
	}
	t.Logf("%d of %d functions are longer than %d lines: %v", len(over), all, long, over)
}

// manyParameters may have more than four parameters, each for its reason. It
// grows only for signatures that another library dictates.
var manyParameters = map[string]string{
	"internal/notify.Log":            "Alertmanager's notify.NotificationLog",
	"internal/collect/otlp.Append":   "Prometheus's storage.AppenderV2",
	"internal/collect/scrape.Append": "Prometheus's storage.AppenderV2",
}

// counted is how many parameters a caller has to keep apart. A context and the
// test itself come first everywhere and nobody confuses them.
func counted(fn *ast.FuncDecl) int {
	n := fn.Type.Params.NumFields()
	if n == 0 {
		return 0
	}
	switch typ := fn.Type.Params.List[0].Type.(type) {
	case *ast.SelectorExpr:
		if typ.Sel.Name == "Context" || typ.Sel.Name == "TB" {
			return n - 1
		}
	case *ast.StarExpr:
		if sel, ok := typ.X.(*ast.SelectorExpr); ok && sel.Sel.Name == "T" {
			return n - 1
		}
	}
	return n
}

func TestParametersAreFew(t *testing.T) {
	const limit = 4
	used := map[string]bool{}
	for _, f := range tree(t) {
		if f.Test || f.Generated {
			continue
		}
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || counted(fn) <= limit {
				continue
			}
			name := f.Dir + "." + fn.Name.Name
			if used[name] = true; manyParameters[name] == "" {
				t.Errorf("%s: %s has %d parameters: a caller cannot tell the fifth from the fourth; from %d on they are a struct",
					f.At(fn), fn.Name.Name, counted(fn), limit+1)
			}
		}
	}
	for name := range manyParameters {
		if !used[name] {
			t.Errorf("%s is an exception and needs none: delete it", name)
		}
	}
}

// Fake time is the one place where sleeping is exact: inside synctest.Test it
// only moves the clock.
func TestTestsDoNotSleep(t *testing.T) {
	for _, f := range tree(t) {
		if !f.Test {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if sel.Sel.Name == "Test" && isPackage(sel.X, "synctest") {
				return false
			}
			if sel.Sel.Name == "Sleep" && isPackage(sel.X, "time") {
				t.Errorf("%s: a sleep is too long on a fast machine and too short on a slow one: wait on a channel, poll with a ticker and a deadline, or use synctest", f.At(call))
			}
			return true
		})
	}
}

var (
	// machinePath finds folders of one person's or one machine's disk.
	machinePath = regexp.MustCompile(`(^|[^A-Za-z0-9_.~$}-])/(work|farm|home|Users)/`)
	textFile    = regexp.MustCompile(`(\.(go|md|ya?ml|json|ts|tsx|mjs|js|css|html|sh|py|txt|tmpl)|^Makefile|/run)$`)
)

func TestNoPathOfOneMachine(t *testing.T) {
	dir := root(t)
	err := Walk(dir, func(rel string) error {
		if !textFile.MatchString(rel) || strings.HasSuffix(rel, "package-lock.json") {
			return nil
		}
		body, err := os.ReadFile(filepath.Join(dir, rel))
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(body), "\n") {
			if m := machinePath.FindString(line); m != "" {
				t.Errorf("%s:%d: %q is a folder of one machine; name it relative to the root, or by a variable", rel, i+1, strings.TrimSpace(m))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An example that nothing loads is wrong within a month.
func TestExamplesAreLoadedByTests(t *testing.T) {
	dir := root(t)
	var tests strings.Builder
	for _, f := range tree(t) {
		if f.Test && f.Dir != "internal/lint" {
			body, err := os.ReadFile(filepath.Join(dir, f.Path))
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(body)
		}
	}
	python, err := filepath.Glob(filepath.Join(dir, "clients", "python", "tests", "test_*.py"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range python {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(body)
	}
	err = Walk(filepath.Join(dir, "examples"), func(rel string) error {
		if path.Ext(rel) != ".md" && !strings.Contains(tests.String(), path.Base(rel)) {
			t.Errorf("examples/%s is named by no test; load it in one", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

package fuzz_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tree is what the module's source has, by package.function.
type tree struct {
	functions map[string]bool
	targets   []string
	decoders  []string // that look like one
}

const root = "../.."

func parse(t *testing.T) (found tree) {
	t.Helper()
	found.functions = map[string]bool{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "bin" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && p != root):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		found.add(filepath.ToSlash(rel), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.functions) < 500 || len(found.targets) < 8 {
		t.Fatalf("found %d functions and %d targets: the walk is broken", len(found.functions), len(found.targets))
	}
	return found
}

func (found *tree) add(file string, syntax *ast.File) {
	pkg := path.Dir(file)
	if pkg == "." {
		pkg = "txc"
	}
	for _, d := range syntax.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil {
			continue
		}
		name := pkg + "." + f.Name.Name
		found.functions[name] = true
		switch test := strings.HasSuffix(file, "_test.go"); {
		case test && strings.HasPrefix(f.Name.Name, "Fuzz"):
			found.targets = append(found.targets, name)
		case !test && looksLikeADecoder(pkg, f):
			found.decoders = append(found.decoders, name)
		}
	}
}

var reading = regexp.MustCompile(`^(?i:parse|decode|unmarshal|read)([A-Z]|$)`)

// looksLikeADecoder: by its name it parses, decodes or reads, it takes bytes, text or a stream, and can say no.
// Generated code, tests and examples do not count.
func looksLikeADecoder(pkg string, f *ast.FuncDecl) bool {
	for _, elsewhere := range []string{"api/txcpb", "api/gen", "tests", "examples", "wal/waltest", "participant/resourcetest"} {
		if pkg == elsewhere || strings.HasPrefix(pkg, elsewhere+"/") {
			return false
		}
	}
	if !reading.MatchString(f.Name.Name) || f.Type.Results == nil {
		return false
	}
	for _, p := range f.Type.Params.List {
		switch kind := p.Type.(type) {
		case *ast.ArrayType:
			if e, ok := kind.Elt.(*ast.Ident); ok && (e.Name == "byte" || e.Name == "string") {
				return true
			}
		case *ast.Ident:
			if kind.Name == "string" {
				return true
			}
		case *ast.SelectorExpr:
			if kind.Sel.Name == "Reader" {
				return true
			}
		}
	}
	return false
}

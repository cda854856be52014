package tests

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/txc-dev/txc"

// floorOf says on which floor a package of this module stands; imports point down only, or stay inside one tree.
func floorOf(pkg string) int {
	switch rel := strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/"); {
	case rel == "":
		return 0
	case rel == "internal/failpoint" || rel == "internal/assert":
		return 0 // beside: the standard library only
	case rel == "internal/protocol" || rel == "wal" || rel == "wal/mem" || rel == "wal/filling" || rel == "wal/waltest":
		return 1
	case rel == "coordinator" || rel == "participant" || rel == "participant/resourcetest":
		return 2
	case under(rel, "cmd", "examples", "tests"):
		return 4
	default:
		return 3
	}
}

func under(rel string, dirs ...string) bool {
	for _, d := range dirs {
		if rel == d || strings.HasPrefix(rel, d+"/") {
			return true
		}
	}
	return false
}

// shared floor-3 packages may be imported by others of floor 3.
var shared = map[string]bool{"api/txcpb": true, "api/frame": true, "internal/badgerdb": true, "participant/kv/engine": true, "participant/sqlwork": true, "participant/staged": true, "participant/turns": true}

type source struct {
	path    string // from the module's root, with slashes
	pkg     string
	imports []string
	lines   int
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(p, ".."+string(filepath.Separator)))
		s := source{path: rel, pkg: strings.TrimSuffix(module+"/"+path.Dir(rel), "/."), lines: bytes.Count(text, []byte("\n"))}
		for _, im := range file.Imports {
			name, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatalf("read the sources: %v", err)
	}
	if len(all) < 50 {
		t.Fatalf("found only %d source files: the walk is broken", len(all))
	}
	return all
}

func TestImportsPointDown(t *testing.T) {
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, im := range s.imports {
			if why := forbidden(s.pkg, im); why != "" {
				t.Errorf("%s imports %s: %s", s.path, im, why)
			}
		}
	}
}

// forbidden says why pkg may not import im; "" if it may.
func forbidden(pkg, im string) string {
	floor := floorOf(pkg)
	if !strings.HasPrefix(im, module) {
		std := !strings.Contains(strings.Split(im, "/")[0], ".")
		if !std && floor < 3 {
			return "below floor 3 the standard library is all there is"
		}
		return ""
	}
	a, b := strings.TrimPrefix(pkg, module+"/"), strings.TrimPrefix(im, module+"/")
	switch to := floorOf(im); {
	case to < floor:
		return ""
	case to > floor:
		return "imports point down only"
	case floor == 3 && (shared[b] || strings.HasPrefix(b, a+"/") || strings.HasPrefix(a, b+"/")):
		return ""
	case floor == 4 || floor == 1 && strings.HasPrefix(a, "wal/") && b == "wal":
		return ""
	case floor == 2 && a == "participant/resourcetest" && b == "participant":
		return ""
	case floor == 3 && path.Dir(a) == "api" && path.Dir(b) == "api":
		return ""
	case floor == 3 && (a == "client" && b == "api/rpc" || a == "participant/staged" && b == "participant/kv"):
		return ""
	default:
		return "packages of one floor do not import each other"
	}
}

// The rules themselves must be able to say no.
func TestForbiddenImportsAreSeen(t *testing.T) {
	for _, c := range [][2]string{
		{"coordinator", "participant"}, {"participant", "coordinator"}, {"wal", "wal/badgerwal"},
		{"internal/protocol", "coordinator"}, {"participant/kv", "wal/badgerwal"}, {"participant/postgres", "participant/kv"}, {"", "wal"},
	} {
		if forbidden(strings.TrimSuffix(module+"/"+c[0], "/"), module+"/"+c[1]) == "" {
			t.Errorf("%q may import %q", c[0], c[1])
		}
	}
	if forbidden(module+"/coordinator", "google.golang.org/grpc") == "" {
		t.Error("the coordinator may import gRPC")
	}
}

// Where a file has outgrown one subject. Tables of tests may be longer.
const (
	maxLines     = 350
	maxTestLines = 500
)

func TestFilesHaveOneSubject(t *testing.T) {
	for _, s := range sources(t) {
		limit := maxLines
		if strings.HasSuffix(s.path, "_test.go") {
			limit = maxTestLines
		}
		if s.lines > limit && !strings.HasSuffix(s.path, ".pb.go") {
			t.Errorf("%s has %d lines, more than %d: split it by subject", s.path, s.lines, limit)
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	has, all := map[string]bool{}, map[string]string{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") || strings.HasSuffix(s.path, ".pb.go") || under(s.path, "cmd", "examples") {
			continue
		}
		all[s.pkg] = s.path
		has[s.pkg] = has[s.pkg] || path.Base(s.path) == "doc.go"
	}
	for pkg, file := range all {
		if !has[pkg] {
			t.Errorf("%s has no doc.go (see %s)", pkg, file)
		}
	}
}

// The simulator must stay deterministic: it runs the cores and the codecs, and nothing that starts goroutines of its own
// or reads a clock, such as Badger, gRPC and generated code.
func TestSimulationIsPure(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-test", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./tests/simulation")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list what the simulation imports: %v", err)
	}
	pure := []string{"", "/internal/protocol", "/wal", "/wal/mem", "/coordinator", "/participant", "/participant/kv/engine", "/api/frame", "/tests/internal/suite"}
	seen := 0
	for _, pkg := range strings.Fields(string(out)) {
		own, is := strings.CutPrefix(pkg, module)
		switch {
		case is && slices.Contains(pure, own):
			seen++
		case is && strings.HasPrefix(own, "/tests/simulation") || strings.HasPrefix(pkg, "["): // itself, and its test
		case pkg == protobuf+"encoding/protowire" || strings.HasPrefix(pkg, protobuf+"internal/"):
		default:
			t.Errorf("tests/simulation depends on %s", pkg)
		}
	}
	if seen != len(pure) {
		t.Errorf("it depends on %d of the %d packages that it is about", seen, len(pure))
	}
}

const protobuf = "google.golang.org/protobuf/"

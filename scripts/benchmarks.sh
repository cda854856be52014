#!/bin/sh
# Measures everything that docs/benchmarks.md shows, and writes it there, with its pictures and, as JSON, beside them: about
# ten minutes on a machine that does nothing else. Figures between the document's markers are never typed.
set -eu
cd "$(dirname "$0")/.."
go build -o bin/ ./cmd/txc ./cmd/participant-demo
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
pictures=docs/benchmarks
mkdir -p "$pictures"

# A section of the document, by its name, is replaced by what a command prints.
section() { # name, command...
	name=$1
	shift
	echo "== $name: $*" >&2
	"$@" --save "$pictures/$name.json" >"$tmp/$name" 2>"$tmp/err" || { cat "$tmp/err" >&2; exit 1; }
	awk -v name="$name" -v from="$tmp/$name" -v called="$*" '
		$0 == "<!-- " name " -->" { print; print "```"; print "$ " called; while ((getline line < from) > 0) print line; print "```"; skip = 1; next }
		$0 == "<!-- end -->" { skip = 0 }
		!skip { print }
	' docs/benchmarks.md >"$tmp/new"
	cp "$tmp/new" docs/benchmarks.md
}

section throughput bin/txc bench --clients 1,64,512,4096 --wait decided,applied --duration 3s --rounds 3
section rate bin/txc bench --clients 512 --rate 20000 --duration 3s --rounds 1
section three bin/txc bench --participants 3 --clients 512 --duration 3s --rounds 3
section unary bin/txc bench --unary --clients 512 --duration 3s --rounds 3
section inprocess bin/txc bench --in-process --clients 1,10,50,100,300 --duration 2s --rounds 3
section overload bin/txc bench --suite overload --duration 10s --rounds 2
section soak bin/txc bench --suite soak --duration 120s
section scale bin/txc bench --suite scale --duration 3s --history 10000000 --in-flight 100000
section pictures bin/txc bench --clients 1,16,64,256,512,1024 --duration 2s --rounds 1 --pictures "$pictures"

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txc-dev/txc/cmd/internal/bench"
)

// The whole benchmark with real processes, briefly: it is about what is reported, never about a number.
func TestBenchReports(t *testing.T) {
	stdout, stderr, exit := command(t, "", "bench", "--clients", "4,1", "--duration", "300ms", "--rounds", "1", "--wait", "decided,applied", "--history", "1000", "--dir", t.TempDir(), "-o", "json")
	if exit != 0 {
		t.Fatalf("exit %d: %s%s", exit, stdout, stderr)
	}
	valid(t, "bench", stdout)
	var r bench.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if f := r.Floors; f.Unary <= 0 || f.UnaryRTT <= 0 || f.Stream <= 0 || f.StreamRTT <= 0 || f.Fdatasync <= 0 || f.Log <= 0 || f.Latency <= 0 {
		t.Errorf("a floor is missing: %+v", f)
	}
	if len(r.Rows) != 4 || r.Rows[0].Clients != 1 || r.Open == nil || r.Open.TxPerS <= 0 {
		t.Fatalf("%d rows, open loop %+v", len(r.Rows), r.Open)
	}
	for _, x := range r.Rows {
		// Two branches: a promise, a decision and an applied commit are synced and said, however they are grouped.
		if x.TxPerS <= 0 || x.RatioUnary <= 0 || x.P99 < x.P50 || x.CPU <= 0 || x.Syncs <= 0 || x.LogBytes <= 0 || x.Messages < 4 || len(x.CPUBy) != 4 {
			t.Errorf("%d clients, %s: %+v", x.Clients, x.Wait, x)
		}
	}
}

func TestBenchOfTheUnaryMode(t *testing.T) {
	stdout, stderr, exit := command(t, "", "bench", "--unary", "--clients", "2", "--duration", "200ms", "--rounds", "1", "--dir", t.TempDir())
	if exit != 0 || !strings.Contains(stdout, "unary") || !strings.Contains(stdout, "CLIENTS") {
		t.Errorf("exit %d: %s%s", exit, stdout, stderr)
	}
}

func TestBenchInProcess(t *testing.T) {
	stdout, stderr, exit := command(t, "", "bench", "--in-process", "--clients", "8", "--duration", "200ms", "--rounds", "1", "--dir", t.TempDir(), "-o", "json")
	if exit != 0 {
		t.Fatalf("exit %d: %s%s", exit, stdout, stderr)
	}
	valid(t, "bench", stdout)
}

func TestBenchSuites(t *testing.T) {
	for suite, args := range map[string]string{
		"scale": "--history 2000 --in-flight 50", "overload": "--in-flight 50 --duration 400ms", "soak": "--duration 1200ms",
	} {
		args := append(strings.Fields("bench --suite "+suite+" --duration 100ms --rounds 1 --dir "+t.TempDir()), strings.Fields(args)...)
		stdout, stderr, exit := command(t, "", append(args, "-o", "json")...)
		if exit != 0 {
			t.Fatalf("%s: exit %d: %s%s", suite, exit, stdout, stderr)
		}
		valid(t, "bench_"+suite, stdout)
		if suite == "scale" {
			continue // it takes the longest, and its table is made like the others
		}
		if stdout, stderr, exit := command(t, "", args...); exit != 0 || strings.Count(stdout, "\n") < 4 {
			t.Errorf("%s as a table: exit %d: %s%s", suite, exit, stdout, stderr)
		}
	}
}

// Nothing is left in the directory that the data was put in.
func TestBenchCleansUp(t *testing.T) {
	dir := t.TempDir()
	if _, stderr, exit := command(t, "", "bench", "--in-process", "--clients", "1", "--duration", "100ms", "--rounds", "1", "--dir", dir); exit != 0 {
		t.Fatal(stderr)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

func TestBenchUsage(t *testing.T) {
	for _, args := range []string{"--clients x", "--clients 0", "--wait never", "--store oracle", "--workload hard", "--at 127.0.0.1:1", "--in-process --unary", "--suite hard", "--suite soak --unary", "--in-flight 0", "--duration 1ns", "--dir /nowhere/at/all"} {
		_, stderr, exit := command(t, "", append([]string{"bench"}, strings.Fields(args)...)...)
		if exit != 2 || !strings.HasPrefix(stderr, "txc: ") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d: %q", args, exit, stderr)
		}
	}
}

package main

import (
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{Name: "version", Usage: "tell which version this is", Action: p.do(0, 0, p.version)}
}

type versionObject struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // "" where the build did not record it
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (p *program) version(*cli.Context) error {
	o := versionOf()
	if p.asJSON {
		return p.writeJSON(o)
	}
	s := p.sheet()
	rev := ""
	if o.Revision != "" {
		rev = ", revision " + o.Revision
	}
	if o.Modified {
		rev += " with changes"
	}
	s.line("txc %s%s, %s on %s", o.Version, rev, o.Go, o.Platform)
	return s.done()
}

func versionOf() versionObject {
	o := versionObject{Version: "unreleased", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return o
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		o.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			o.Revision = s.Value
		case "vcs.modified":
			o.Modified = s.Value == "true"
		}
	}
	return o
}

// software is the version as peers and logs see it.
func software() string { return versionOf().Version }

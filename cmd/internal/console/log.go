package console

import (
	"io"
	"log/slog"
)

// Logger makes a server's logger. level: debug, info, warn, error; format: text or json.
func Logger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, BadInput("--log-level %q", level).With("use debug, info, warn or error")
	}
	o := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, BadInput("--log-format %q", format).With("use text or json")
}

// ToldFault logs an armed fault just before it acts: whoever armed it waits for this line.
func ToldFault(log *slog.Logger) func(point, fault string) {
	return func(point, fault string) { log.Warn("fault", "point", point, "fault", fault) }
}

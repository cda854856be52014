package badgerdb

import (
	"fmt"
	"log/slog"
	"strings"
)

// badgerLogger passes Badger's words on. What Badger calls information is nothing that a person who runs a coordinator
// wants to read.
type badgerLogger struct{ logger *slog.Logger }

func words(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}

func (l badgerLogger) Errorf(format string, args ...any) {
	l.logger.Error("badger", "text", words(format, args))
}

func (l badgerLogger) Warningf(format string, args ...any) {
	l.logger.Warn("badger", "text", words(format, args))
}

func (l badgerLogger) Infof(format string, args ...any) {
	l.logger.Debug("badger", "text", words(format, args))
}

func (l badgerLogger) Debugf(string, ...any) {}

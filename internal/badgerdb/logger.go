package badgerdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// badgerLogger passes Badger's words on. What Badger calls information is nothing that a person who runs a coordinator
// wants to read.
//
// What it calls an error or a warning is, with our options, a failure that no caller hears of: a sync of the value log, a
// table that could not be written (it tries again for ever, over a MANIFEST that may name the one that failed), a
// compaction. Any failure of a disk is fatal (C3), so the database poisons itself.
type badgerLogger struct {
	logger *slog.Logger
	fail   func(error) error
}

func words(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}

func (l badgerLogger) Errorf(format string, args ...any) {
	l.report(slog.LevelError, words(format, args))
}

func (l badgerLogger) Warningf(format string, args ...any) {
	l.report(slog.LevelWarn, words(format, args))
}

func (l badgerLogger) report(level slog.Level, text string) {
	l.logger.Log(context.Background(), level, "badger", "text", text)
	_ = l.fail(errors.New("badger: " + text)) // it returns the error that later callers get
}

func (l badgerLogger) Infof(format string, args ...any) {
	l.logger.Debug("badger", "text", words(format, args))
}

func (l badgerLogger) Debugf(string, ...any) {}

package main

import (
	"errors"

	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/txfile"
)

// about adds to an error which transaction it is about.
func about(err error, id, key string) error {
	return console.Failed(err).About(id, key)
}

// fileFailure makes an error of a transaction file, or of operations, one of bad input.
func fileFailure(err error, name string) error {
	if err == nil {
		return nil
	}
	f := &console.Failure{Exit: console.Usage, Code: console.CodeUsage, Text: console.OneLine(err.Error()), Err: err}
	var bad *txfile.Error
	if !errors.As(err, &bad) {
		f.Hint = "check that " + name + " can be read"
		return f
	}
	if bad.Code != "" {
		f.Code = string(bad.Code)
	}
	return f
}

// firstOf is the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

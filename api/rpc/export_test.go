package rpc

import "github.com/txc-dev/txc/internal/protocol"

// ParseBranch reads what stands in a joined call's trailer, and FormatBranch writes it.
func ParseBranch(s string) (string, protocol.Enlistment, error) { return parseBranch(s) }

func FormatBranch(name string, e protocol.Enlistment) string { return formatBranch(name, e) }

// Bearing is how the calls of one link share a watermark.
func Bearing() (bear func(*protocol.Sender) (*protocol.Sender, bool), untold func(bool)) {
	c := &calls{}
	return c.bear, c.untold
}

package rpc

import "github.com/txc-dev/txc/internal/protocol"

// ParseBranch reads what stands in a joined call's trailer, and FormatBranch writes it.
func ParseBranch(s string) (string, protocol.Enlistment, error) { return parseBranch(s) }

func FormatBranch(name string, e protocol.Enlistment) string { return formatBranch(name, e) }

package nats

import "net"

// What only tests look at.
var (
	Matches = matches
	Address = address
)

// ParsePermissions reads the server's answer.
func ParsePermissions(data []byte) (known bool, allow, deny []string) {
	p := parsePermissions(data)
	return p.known, p.allow, p.deny
}

// Dial makes a connection as the client does.
func Dial(address string) (net.Conn, error) { return dialer{}.Dial("tcp", address) }

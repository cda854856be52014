// Package api is the wire: one file in Protocol Buffers, and what speaks it.
//
//	txc.proto ──▶ txcpb   generated code: messages, services
//	          ──▶ frame   the streams' frames, read and written by hand; pure functions
//	              rpc     servers and links over gRPC
//
// The package itself holds nothing but the check that txc.proto, the generated code and what was once published agree.
package api

//go:generate go run ./gen

// Command gen writes the generated code of txc.proto with the tools that go.mod pins: a compiler of .proto files as a
// library, protoc-gen-go and protoc-gen-go-grpc by `go tool`. Nothing has to be installed.
//
//	txc.proto ─ parse ─▶ descriptor ─▶ protoc-gen-go ──────▶ txcpb/txc.pb.go
//	                          └──────▶ protoc-gen-go-grpc ─▶ txcpb/txc_grpc.pb.go
//
// Run it in the folder api, by `go generate`. With -check it writes nothing and fails if a file would change. Both fail
// when txc.proto lacks something that was published before: see published.txt.
package main

// Package pb is the API of the example's services, generated.
//
//	unsubscribe.proto ──▶ unsubscribe.pb.go, unsubscribe_grpc.pb.go
package pb

//go:generate go run ../../../api/gen -source unsubscribe.proto -target . -published=

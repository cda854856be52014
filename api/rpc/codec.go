package rpc

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec that everything but a Session's frames goes through
	"google.golang.org/grpc/mem"
)

// Frame is a frame of a Session whose bytes package frame reads and writes: what goes to SendMsg and RecvMsg there.
type Frame struct {
	Bytes []byte // sent: copied before SendMsg returns. Received: a buffer of its own, which nobody else uses
}

// Codec moves a Frame as it is, and every other message as generated code does. Its name is proto's, so that peers see
// ordinary Protocol Buffers.
type Codec struct{}

// Name is "proto".
func (Codec) Name() string { return "proto" }

// Marshal encodes v.
func (Codec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*Frame); ok {
		return mem.BufferSlice{mem.Copy(f.Bytes, mem.DefaultBufferPool())}, nil
	}
	return generated().Marshal(v)
}

// Unmarshal decodes into v.
func (Codec) Unmarshal(data mem.BufferSlice, v any) error {
	if f, ok := v.(*Frame); ok {
		f.Bytes = data.Materialize()
		return nil
	}
	return generated().Unmarshal(data, v)
}

func generated() encoding.CodecV2 {
	c := encoding.GetCodecV2("proto")
	if c == nil {
		panic(fmt.Sprintf("%T: gRPC has no codec for Protocol Buffers", Codec{})) // its package is imported above
	}
	return c
}

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// What is read and written, in the directory that the program runs in.
var (
	source    = flag.String("source", "txc.proto", "the `FILE` to generate code from")
	target    = flag.String("target", "txcpb", "the `DIRECTORY` of the generated code")
	published = flag.String("published", "published.txt", "the `FILE` of what was published and must not change; empty: none")
)

var plugins = []string{"protoc-gen-go", "protoc-gen-go-grpc"}

func main() {
	check := flag.Bool("check", false, "write nothing; fail if a file would change")
	flag.Parse()
	if err := run(context.Background(), *check); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, check bool) error {
	parsed, err := parse(ctx)
	if err != nil {
		return fmt.Errorf("parse %s: %w", *source, err)
	}
	if *published != "" {
		if err := publish(facts(parsed), *published, check); err != nil {
			return err
		}
	}
	file := protodesc.ToFileDescriptorProto(parsed)
	var drift []error
	for _, plugin := range plugins {
		files, err := generate(ctx, plugin, file)
		if err != nil {
			return fmt.Errorf("%s: %w", plugin, err)
		}
		for _, f := range files {
			path := filepath.Join(*target, f.GetName())
			if !check {
				if err := os.WriteFile(path, []byte(f.GetContent()), 0o644); err != nil {
					return err
				}
				continue
			}
			if old, err := os.ReadFile(path); err != nil || !bytes.Equal(old, []byte(f.GetContent())) {
				drift = append(drift, fmt.Errorf("%s is not what %s gives: run `make generate`", path, *source))
			}
		}
	}
	return errors.Join(drift...)
}

// parse reads the source with its comments, which the generated code repeats.
func parse(ctx context.Context) (protoreflect.FileDescriptor, error) {
	c := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := c.Compile(ctx, *source)
	if err != nil {
		return nil, err
	}
	return files[0], nil
}

// generate speaks the plugins' protocol: a request on standard input, a response on standard output.
func generate(ctx context.Context, plugin string, file *descriptorpb.FileDescriptorProto) ([]*pluginpb.CodeGeneratorResponse_File, error) {
	in, err := proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{*source},
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      []*descriptorpb.FileDescriptorProto{file},
	})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "tool", plugin)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	var reply pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out.Bytes(), &reply); err != nil {
		return nil, err
	}
	if reply.Error != nil {
		return nil, errors.New(reply.GetError())
	}
	return reply.File, nil
}

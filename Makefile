# txc: what can be done here. `make help` lists it.
GO ?= go

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/txc and bin/participant-demo
	$(GO) build -o bin/ ./cmd/txc ./cmd/participant-demo

.PHONY: demo
demo: ## the main job as a story: commit, abort, a coordinator killed at the worst moment, recovery, audit
	$(GO) run ./cmd/txc demo

.PHONY: deps
deps: ## what the tests need beside Go, where it is missing (Debian, as root)
	@sh scripts/deps.sh

.PHONY: test
test: deps ## every test
	$(GO) test -timeout 9m ./...

.PHONY: race
race: ## the race detector where goroutines meet
	$(GO) test -race -timeout 9m ./coordinator ./participant/... ./wal/... ./internal/... ./api/... ./client

.PHONY: lint
lint: ## format, modules, vet, staticcheck, complete type switches, generated code up to date
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt wants to change:"; echo "$$out"; exit 1; fi
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) tool go-check-sumtype ./...
	cd api && $(GO) run ./gen -check
	cd examples/unsubscribe/pb && $(GO) run ../../../api/gen -source unsubscribe.proto -target . -published= -check

.PHONY: generate
generate: ## api/txcpb from api/txc.proto
	$(GO) generate ./api/... ./examples/...

.PHONY: mutants
mutants: ## every mutant: a one-line mistake in the shipped source that the tests must catch
	$(GO) test ./tests/mutants -timeout 2h -size all -v

SEED ?=
.PHONY: faults
faults: deps ## the fault-injection campaign as CI runs it, with a summary under .cache/faults; SEED=1 repeats CI's
	$(GO) run ./tests/faults $(if $(SEED),-seed $(SEED))

FOR ?= 2h
.PHONY: faults-long
faults-long: deps ## the same with new seeds, round after round: make faults-long FOR=2h
	$(GO) run ./tests/faults -for $(FOR)

.PHONY: servers
servers: build ## real databases and brokers to play with, in temporary directories; Ctrl-C ends them
	$(GO) run ./tests/servers

.PHONY: bench
bench: ## short benchmarks
	$(GO) test -run xxx -bench . -benchtime 1s ./...

.PHONY: benchmarks
benchmarks: ## everything that docs/benchmarks.md shows, measured again and written there: ten minutes
	sh scripts/benchmarks.sh

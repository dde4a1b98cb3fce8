# Each target is a script in .ci/, which CI calls too.
.DEFAULT_GOAL := build
.PHONY: build fmt lint test unit fuzz mutants readme examples console socketio ldlm proto proto-check soak docker bench clean

build:    ## the static binary: dist/natslock; VERSION is what it calls itself
	@VERSION=$(VERSION) bash .ci/build.sh
fmt:      ## format the Go files
	@bash .ci/fmt.sh
lint:     ## vet, lint, go.mod
	@bash .ci/lint.sh
test:     ## install what the tests need, and run all of them
	@bash .ci/test.sh
unit:     ## the Go tests, with the race detector
	@bash .ci/unit.sh
fuzz:     ## every fuzz target for TIME (3s)
	@bash .ci/fuzz.sh $(TIME)
mutants:  ## faults in the core that its tests must find
	@bash .ci/mutants.sh
readme:   ## the commands and listings of the README
	@bash .ci/readme.sh
examples: ## the programs in examples/
	@bash .ci/examples.sh
socketio: ## the socket.io clients of npm against the gateway's socket.io
	@bash .ci/socketio.sh
ldlm:     ## the gRPC client of npm against natslock, as a client of LDLM
	@bash .ci/ldlm.sh
console:  ## the console, with a browser; pictures in dist/console
	@bash .ci/console.sh
proto:    ## the Go code of the gRPC service, from its proto file
	@bash .ci/proto.sh
proto-check: ## that it is what the proto file makes
	@bash .ci/proto.sh --check
soak:     ## many callers, kills and restarts, a checked history, for TIME (10m)
	@bash .ci/soak.sh $(TIME)
docker:   ## the image, as far as it can be built here
	@bash .ci/docker.sh
bench:    ## the figures of docs/performance.md
	@go run ./cmd/natslock bench
clean:    ## what the targets above have made
	rm -rf dist .ci/bin examples/node/node_modules service/gateway/console/testdata/browser/node_modules service/gateway/socketio/*/node_modules service/gateway/socketio/testdata/node/node_modules service/gateway/ldlm/testdata/node/node_modules

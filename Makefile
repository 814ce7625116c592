# Leeway: the commands of a developer. README.md names the two that matter:
# `make run` and `make test`. All need only Go and Node.js.

.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := bash

# One set of flags for building, testing and vetting: other flags would compile
# every dependency a second time.
export GOFLAGS := -trimpath
# Data that is kept beside the project; tests that read it skip without it.
LEEWAY_DATA ?= $(abspath ../shared/data)
export LEEWAY_DATA
# LEEWAY_REQUIRE=1 makes a skipped test a failure. CI sets it.
export LEEWAY_REQUIRE

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
STEP := scripts/step.sh
UI_SOURCES := $(shell find ui/src ui/public ui/scripts -type f 2>/dev/null) \
	$(wildcard ui/package.json ui/package-lock.json ui/index.html ui/vite.config.ts ui/tsconfig.json)

.PHONY: help run build binary ui test test-setup lint fmt bench crash verify clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: build ## build everything and start the demo
	@$(STEP) "start the demo; Ctrl-C ends it" bin/leeway demo

build: ui binary ## build bin/leeway with its pages

binary: ## build bin/leeway with the pages that are there, without Node
	@scripts/need.sh go
	@$(STEP) "compile bin/leeway (the first time takes some minutes)" \
		go build -ldflags "-s -w -X main.version=$(VERSION)" -o bin/leeway ./cmd/leeway

ui: ui/dist/index.html ## build the pages into ui/dist

ui/dist/index.html: $(UI_SOURCES)
	@scripts/need.sh node
	@$(STEP) "install what the web UI needs" scripts/ui-deps.sh
	@$(STEP) "build the web UI" npm --prefix ui run --silent build
	@touch $@

test-setup: ## install what the tests need
	@scripts/need.sh go node
	@$(STEP) "install what the tests need" scripts/test-setup.sh

test: test-setup build ## install what the tests need and run all of them
	@scripts/test.sh

lint: ## check formatting and the rules of the house
	@scripts/need.sh go node
	@$(STEP) "gofmt" scripts/gofmt.sh
	@$(STEP) "go vet" bash -c 'go vet $$(go list ./... | grep -v /node_modules/)'
	@$(STEP) "rules of the house" go test ./internal/lint
	@$(STEP) "install what the web UI needs" scripts/ui-deps.sh
	@$(STEP) "biome" npm --prefix ui run --silent lint
	@$(STEP) "types of the web UI" npm --prefix ui run --silent typecheck

fmt: ## format Go and the web UI
	@gofmt -w $$(git ls-files --cached --others --exclude-standard '*.go')
	@npm --prefix ui run --silent format

bench: ## measure against the physical floor; the table goes to docs/
	@$(STEP) "bench" go run ./test/bench

crash: binary ## the long run of kill -9 under load
	@$(STEP) "crash" env LEEWAY_VERIFY=1 LEEWAY_BIN="$(abspath bin/leeway)" go test -count=1 -timeout 4h ./test/crash/...

verify: build ## the long suites: everything that begins its skip with "verify:"
	@$(STEP) "verify" bash -c 'LEEWAY_VERIFY=1 LEEWAY_BIN="$(abspath bin/leeway)" go test -count=1 -timeout 4h $$(go list ./... | grep -v /node_modules/)'
	@$(STEP) "fuzz each target for a minute" scripts/fuzz.sh 1m

clean: ## delete what was built
	rm -rf bin ui/node_modules
	find ui/dist -mindepth 1 ! -name .gitkeep -delete

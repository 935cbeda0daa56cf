# govs: the commands are
#
#   make            build every program to bin/ (those of test/ and bench/ to bin/aux/) (with DPDK where pkg-config finds it)
#   make deps       install what building, testing and measuring need (Debian; root or sudo)
#   make test       everything that must hold: formatting, vet, staticcheck, all tests
#   make run        the switch with two vhost-user guests and a live table ([FOR=10s])
#   make bench      cycles per packet beside testpmd and OVS-DPDK, and the database ([ROW=emc-1k], [ROW=ovsdb], [ROW=upcalls], [ROW=openflow], [ROW=idle],
#                   [ROW=million], [ROW=storm], [ROW=churn] and [ROW=jitter] with [LENGTH=30s])
#   make generate   write the generated files; make check-generate compares them
#   make clean
#
# Variables: GO, GOAMD64 (v3 unless set), NODPDK=1 (build without DPDK), FOR, ROW.

SHELL   := /bin/bash
GO      ?= $(or $(shell command -v go 2>/dev/null),/usr/local/go/bin/go)
GOAMD64 ?= v3

export PATH := $(PATH):$(patsubst %/,%,$(dir $(GO)))
export GO GOAMD64 NODPDK
export GOFLAGS ?= -buildvcs=false
export CGO_CFLAGS_ALLOW  := .*
export CGO_LDFLAGS_ALLOW := .*
export CGO_CFLAGS  ?= -O3
export CGO_ENABLED ?= 1

STATICCHECK_VERSION := v0.8.2
export STATICCHECK_VERSION

# Evaluated when a recipe runs, because `make deps` may have just installed DPDK.
TAGS = $(shell tools/scripts/tags.sh)

.PHONY: all build deps test bench run fresh generate check-generate clean
.NOTPARALLEL:

all: build

build:
	@tools/scripts/build.sh

deps:
	@tools/scripts/deps.sh

test:
	@tools/scripts/test.sh

bench: deps build
ifeq ($(filter ovsdb upcalls openflow idle million storm churn jitter,$(ROW)),)
	@bin/aux/dataplane $(if $(ROW),-row '$(ROW)') $(BENCHFLAGS)
endif
ifneq ($(filter ovsdb all,$(or $(ROW),all)),)
	@bin/aux/ovsdb -bin bin/ovsdb-server
endif
ifneq ($(filter upcalls all,$(or $(ROW),all)),)
	@bin/aux/upcalls
endif
ifneq ($(filter openflow all,$(or $(ROW),all)),)
	@bin/aux/openflow
endif
ifneq ($(filter idle all,$(or $(ROW),all)),)
	@bin/aux/idle
endif
ifneq ($(filter million all,$(or $(ROW),all)),)
	@bin/aux/million
endif
ifneq ($(filter storm all,$(or $(ROW),all)),)
	@bin/aux/storm $(if $(LENGTH),-length '$(LENGTH)')
endif
ifneq ($(filter churn all,$(or $(ROW),all)),)
	@bin/aux/churn $(if $(LENGTH),-length '$(LENGTH)')
endif
ifneq ($(filter jitter all,$(or $(ROW),all)),)
	@bin/aux/jitter $(if $(LENGTH),-length '$(LENGTH)')
endif

run: deps build
	@bin/aux/demo $(if $(FOR),-for '$(FOR)') $(RUNFLAGS)

# Both commands in a Debian 12 root that has only Go, gcc, make and git (root, network).
fresh:
	@test/fresh/fresh.sh

generate:
	@$(GO) generate ./...

check-generate:
	@tools/scripts/check-generate.sh

clean:
	rm -rf bin bench/out coverage.out

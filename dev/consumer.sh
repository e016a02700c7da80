#!/usr/bin/env bash
# Builds the example consumer in Go into the cache, unless it is there, and prints its path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../examples/consumers/go"
# shellcheck source=dev/cache.sh
. ../../../dev/cache.sh

hash=$(sha256sum ./*.go go.mod go.sum | sha256sum | cut -c1-12)
target=$cache/consumer/$hash/consumer

build() {
  need_go
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$1/consumer" .
}

build_once "$target" "client-go from source: a minute or two the first time" build
echo "$target"

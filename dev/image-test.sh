#!/usr/bin/env bash
# Makes an image from the debug program, since a release takes minutes to build, and runs it as `dev/image.sh --check`
# does, by itself. Nothing stays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() { say "$*"; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

image() { # BINARY FILE
  BINARY=$1 dev/image.sh "$2"
}

cargo build --quiet --locked
program=${CARGO_TARGET_DIR:-target}/debug/directory-sync
image "$program" "$scratch/first.tar"
dev/image.sh --check "$scratch/first.tar"

say "the same program again"
image "$program" "$scratch/second.tar"
cmp "$scratch/first.tar" "$scratch/second.tar" || fail "the same program has given other bytes"

# A check that finds nothing proves nothing.
say "another program, which has to be refused"
image "$(type -P true)" "$scratch/other.tar"
if dev/image.sh --check "$scratch/other.tar"; then fail "an image without the operator passes"; fi
say "done"

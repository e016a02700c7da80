#!/usr/bin/env bash
# Copies crds/ into the chart, since Helm cannot read outside of it. With --check it only compares.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

copy=charts/directory-sync/files/crds
if [[ ${1:-} == --check ]]; then
  diff -r crds "$copy" >&2 && exit
  echo "${0##*/}: $copy differs from crds/; run 'make crds'" >&2
  exit 1
fi
rm -rf "$copy"
mkdir -p "$copy"
cp crds/*.yaml "$copy"

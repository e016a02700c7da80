#!/usr/bin/env bash
# Brings the definitions of Prometheus Operator's kinds that the chart renders into the cache, unless they are there, and
# prints their folder.
set -euo pipefail
# shellcheck source=dev/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

# A Go module, so that Go's database of checksums vouches for it.
module=github.com/prometheus-operator/prometheus-operator@v0.85.0
kinds=(servicemonitors prometheusrules)
target=$cache/monitoring-crds/${module##*@}-$(IFS=-; echo "${kinds[*]}")/crds

fetch() {
  need_go
  local said folder kind
  said=$(go mod download -json "$module") || { say "$module cannot be had: $said"; exit 1; }
  folder=$(sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' <<<"$said")
  mkdir "$1/crds"
  for kind in "${kinds[@]}"; do
    install -m 0644 "$folder/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" "$1/crds"
  done
}

build_once "$target" "the definitions of ${module##*/}: seconds" fetch
echo "$target"

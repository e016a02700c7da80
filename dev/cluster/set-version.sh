#!/usr/bin/env bash
# Rewrites go.mod for another Kubernetes version: `dev/cluster/set-version.sh v1.34.3`.
# go.mod is the one place that names the version; everything else reads it from there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version=${1:?usage: set-version.sh vMAJOR.MINOR.PATCH}
not_a_release() {
  echo "set-version.sh: not a Kubernetes release: $version" >&2
  exit 1
}
[[ $version =~ ^v1\.[0-9]+\.[0-9]+$ ]] || not_a_release

# Kubernetes publishes its libraries as v0.x modules and replaces them by folders of its own tree in
# its go.mod. A module that depends on k8s.io/kubernetes has to name the published ones itself.
libraries=v0.${version#v1.}
upstream=$(go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p') || not_a_release

{
  echo "module directory-sync.io/dev/cluster"
  echo
  grep -E '^go ' "$upstream"
  echo
  grep -E '^godebug ' "$upstream" || true
  echo
  echo "require k8s.io/kubernetes $version"
  echo
  echo "replace ("
  sed -n "s,^\t\(k8s.io/[^ ]*\) => ./staging/.*,\t\1 => \1 $libraries,p" "$upstream"
  echo ")"
} >go.mod.new
mv go.mod.new go.mod
rm -f go.sum
go mod tidy

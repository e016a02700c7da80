#!/usr/bin/env bash
# Builds the control plane's binary into the cache, unless it is there, and prints its path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=dev/cache.sh
. ../cache.sh

# go.mod is the one place that names the Kubernetes version; set-version.sh changes it.
version=$(sed -n 's,^\tk8s.io/kubernetes \(v[0-9.]*\)$,\1,p' go.mod)
IFS=. read -r major minor _ <<<"${version#v}"

# Without its own version in it kube-apiserver gives an answer to /version that clients cannot read.
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
done

sources() {
  find . -type f \( -name '*.go' -o -name '*.yaml' -o -name go.mod -o -name go.sum \) ! -name '*_test.go' -print0 |
    LC_ALL=C sort -z
}
hash=$({ echo "$flags"; sources | xargs -0 sha256sum; } | sha256sum | cut -c1-12)
target=$cache/cluster/$version-$hash/cluster

build() {
  need_go
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$flags" -o "$1/cluster" .
}

build_once "$target" "Kubernetes $version from source: 5 minutes or more the first time, seconds after a change" build
echo "$target"

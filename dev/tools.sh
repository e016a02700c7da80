#!/usr/bin/env bash
# Builds a tool of the table below into the cache, unless it is there, and prints its path: `dev/tools.sh helm`.
set -euo pipefail
# shellcheck source=dev/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

# From Go modules, as PACKAGE@VERSION or PACKAGE@VERSION:BUILD-TAG, and from crates, as crate:NAME@VERSION. The tag
# leaves the clients of every cloud out of a program that is here to test alerts.
declare -A tools=(
  [helm]=helm.sh/helm/v3/cmd/helm@v3.22.0
  [kubeconform]=github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
  [promtool]=github.com/prometheus/prometheus/cmd/promtool@v0.316.0:remove_all_sd
  [crane]=github.com/google/go-containerregistry/cmd/crane@v0.22.1
  [cargo-deny]=crate:cargo-deny@0.20.2
  [cargo-fuzz]=crate:cargo-fuzz@0.13.2
  [cargo-mutants]=crate:cargo-mutants@27.1.0
)

name=${1:-}
package=${tools[${name:-none}]:-}
if [[ -z $package ]]; then
  say "usage: ${0##*/} NAME, where NAME is one of: ${!tools[*]}"
  exit 2
fi
tag=''
if [[ $package == *@*:* ]]; then
  tag=${package##*:} package=${package%:*}
fi
target=$cache/tools/$name-${package##*@}${tag:+-$tag}/$name

install_tool() {
  if [[ $package == crate:* ]]; then
    # `cargo install` wants a folder bin/ below its root.
    # Not optimised: these run for seconds, and building them takes minutes.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
      cargo install --locked --quiet --no-track --root "$1" "${package#crate:}"
    mv "$1/bin/$name" "$1/$name"
    rmdir "$1/bin"
  else
    need_go
    GOBIN=$1 CGO_ENABLED=0 go install -trimpath -ldflags "-s -w" -tags "$tag" "$package"
  fi
}

build_once "$target" "$package: up to 4 minutes" install_tool
echo "$target"

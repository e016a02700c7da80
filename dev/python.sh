#!/usr/bin/env bash
# Makes a private Python with the packages of dev/python-requirements.txt in the cache, unless it is there, and prints
# its path: `$(dev/python.sh) -m moto.server -H 127.0.0.1 -p PORT`.
set -euo pipefail
# shellcheck source=dev/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

requirements=$(dirname "${BASH_SOURCE[0]}")/python-requirements.txt
target=$cache/python/$(sha256sum "$requirements" | cut -c 1-12)/python

install_packages() {
  if ! python3 -m venv "$1/venv"; then
    say "Python 3.10 or newer with its module venv is missing"
    say "to bring it: apt-get install python3-venv"
    exit 1
  fi
  "$1/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
  # A program that stays right when the folder is moved to its place.
  printf '#!/bin/sh\nexec "${0%%/*}/venv/bin/python" "$@"\n' >"$1/python"
  chmod +x "$1/python"
}

build_once "$target" "Python packages from PyPI: up to a minute" install_packages
echo "$target"

#!/usr/bin/env bash
# Installs moto's server, an imitation of Amazon S3 in Python, into the cache, unless it is there, and prints the
# path of a program that starts it: `$(dev/moto.sh) -H 127.0.0.1 -p PORT`.
set -euo pipefail
# shellcheck source=dev/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

requirements=$(dirname "${BASH_SOURCE[0]}")/moto-requirements.txt
target=$cache/tools/moto-$(sha256sum "$requirements" | cut -c 1-12)/moto-server

install_moto() {
  if ! python3 -m venv "$1/venv"; then
    say "Python 3.10 or newer with its module venv is missing"
    say "to bring it: apt-get install python3-venv"
    exit 1
  fi
  "$1/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
  # The folder is moved when it is complete; programs of pip would still name the old place.
  printf '#!/bin/sh\nexec "${0%%/*}/venv/bin/python" -m moto.server "$@"\n' >"$1/moto-server"
  chmod +x "$1/moto-server"
}

build_once "$target" "moto's server from PyPI: up to a minute" install_moto
echo "$target"

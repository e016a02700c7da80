#!/usr/bin/env bash
# Provisions a Samba Active Directory domain with the entries of an LDIF file, unless that very domain is in the
# cache, and prints its folder: `dev/samba/template.sh LDIF PASSWORD`. The folder can be copied anywhere; a
# configuration with the paths of the copy makes it a domain controller. Needs root, as domain controllers do.
set -euo pipefail
ldif=$(realpath "$1") password=$2
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=dev/cache.sh
. ../cache.sh

if ! command -v samba-tool >/dev/null; then
  say "samba-tool is not installed: run dev/servers.sh, which installs what the tests need"
  exit 1
fi
version=$(dpkg-query -W -f '${Version}' samba-ad-dc 2>/dev/null || samba-tool --version)
hash=$(cat "$ldif" domain.py template.sh - <<<"$version $password" | sha256sum | cut -c1-12)
target=$cache/samba/$hash/domain.py

build() {
  # Without a configuration of its own, samba-tool copies what the system's says.
  printf '[global]\n' >"$1/base.conf"
  samba-tool domain provision -s "$1/base.conf" --realm=AD.EXAMPLE.TEST --domain=ADTEST --server-role=dc \
    --dns-backend=NONE --targetdir="$1/domain" --host-name=dc1 --host-ip=127.0.0.1 --adminpass="$password" \
    --option="interfaces=lo" --option="bind interfaces only=yes" >"$1/log" 2>&1 || { cat "$1/log"; return 1; }
  rm -rf "$1/domain/state/sysvol"
  /usr/bin/python3 domain.py "$1/domain" load "$ldif" "$password"
  cp domain.py "$1/"
}

build_once "$target" "a Samba domain: some ten seconds for each thousand people" build
echo "${target%/*}/domain"

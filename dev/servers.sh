#!/usr/bin/env bash
# Installs the Debian packages that tests and demo need, by sets: directory servers that they talk to, a library that
# moves a process's clock, programs that examples and fixtures run: `dev/servers.sh [SET]...`. Without arguments it
# installs every set. Where everything is there it does nothing, at once.
set -euo pipefail

declare -A sets=(
  [ldap]="slapd ldap-utils"
  [samba]="samba samba-ad-dc samba-ad-provision samba-dsdb-modules winbind python3-samba ldb-tools ldap-utils"
  [sftp]="openssh-server openssh-client openssh-sftp-server"
  [certificates]="openssl"
  [clock]="libfaketime"
  [consumer]="jq"
  [python]="python3 python3-venv"
)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

missing() { # PACKAGE...: prints those that are not installed
  local package
  for package; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

(($#)) || set -- "${!sets[@]}"
wanted=()
for name; do
  if [[ -z ${sets[${name:-none}]:-} ]]; then
    say "no set of packages is called \"$name\"; there are: ${!sets[*]}"
    exit 2
  fi
  read -ra packages <<<"${sets[$name]}"
  wanted+=("${packages[@]}")
done

mapfile -t needed < <(missing "${wanted[@]}")
((${#needed[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
  say "missing, by their Debian names: ${needed[*]}"
  exit 1
fi
if ((EUID)); then
  say "missing: ${needed[*]}"
  say "to bring them, as root: $0 $*"
  exit 1
fi

exec {lock}>/var/lock/directory-sync-servers
flock "$lock"
mapfile -t needed < <(missing "${wanted[@]}") # another process may have installed them meanwhile
((${#needed[@]})) || exit 0

# The packages would start their servers on the well-known ports; the tests start their own, on others.
# A policy that refuses that is needed for the time of the installation only.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
say "installing: ${needed[*]}"
# One repository of this machine that does not answer need not be the one that has the packages.
apt-get update >&2 || say "apt-get update failed, trying with the lists that are there"
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${needed[@]}" >&2

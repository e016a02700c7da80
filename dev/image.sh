#!/usr/bin/env bash
# Makes a container image from the release binary without a container engine: `dev/image.sh [FILE]`.
# FILE (default: target/image/directory-sync.tar) is a docker-archive, as `docker load`, `podman load`,
# `ctr images import` and `crane push` read it. The same binary gives the same bytes.
#
# `dev/image.sh --check [FILE]` runs the program of such a file in a root folder that holds nothing else,
# as the image's user.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

check=false
if [[ ${1:-} == --check ]]; then
  check=true
  shift
fi
file=${1:-target/image/directory-sync.tar}
binary=${BINARY:-${CARGO_TARGET_DIR:-target}/release/directory-sync}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
name=${IMAGE:-directory-sync:$version}
user=65532

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A tar whose bytes depend on names and contents alone. Names do not begin with "./": not every reader of
# images looks for "./manifest.json".
pack() { # FOLDER FILE
  local -a entries
  mapfile -t entries < <(ls -A "$1")
  tar --create --file "$2" --directory "$1" --format=ustar --sort=name --mtime="@$epoch" \
    --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w -- "${entries[@]}"
}

# The program, and with it what a program that is linked to the C library needs: the loader and the
# libraries at the paths where the loader looks for them.
fill() { # ROOT
  local root=$1 library
  install -D -m 0755 "$binary" "$root/usr/local/bin/directory-sync"
  # `ldd` says "NAME => PATH (ADDRESS)", "PATH (ADDRESS)" for the loader, and nothing for static programs.
  for library in $(ldd "$binary" 2>/dev/null | grep -o '/[^ ]*'); do
    install -D -m 0755 "$library" "$root$library"
  done

  install -D -m 0644 "$(authorities)" "$root/etc/ssl/certs/ca-certificates.crt"
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:%s:%s:nonroot:/:/sbin/nologin\n' "$user" "$user" >"$root/etc/passwd"
  printf 'root:x:0:\nnonroot:x:%s:\n' "$user" >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
}

# Where the distributions keep the certificate authorities that the system trusts.
authorities() {
  local candidate
  for candidate in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
    [[ -s $candidate ]] && echo "$candidate" && return
  done
  say "no bundle of certificate authorities was found; to bring one: apt-get install ca-certificates"
  exit 1
}

digest() { sha256sum "$1" | cut -d' ' -f1; }

architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
  esac
}

make_image() {
  if [[ ! -x $binary ]]; then
    say "$binary is missing; to make it: cargo build --release --locked"
    exit 1
  fi
  local image=$scratch/image layer config
  mkdir -p "$scratch/root" "$image"
  fill "$scratch/root"
  pack "$scratch/root" "$scratch/layer.tar"
  layer=$(digest "$scratch/layer.tar")
  mv "$scratch/layer.tar" "$image/$layer.tar"

  cat >"$scratch/config.json" <<JSON
{
  "architecture": "$(architecture)",
  "os": "linux",
  "created": "$(date --utc --date="@$epoch" +%Y-%m-%dT%H:%M:%SZ)",
  "config": {
    "User": "$user:$user",
    "Env": ["PATH=/usr/local/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
    "Entrypoint": ["/usr/local/bin/directory-sync"],
    "Cmd": ["run"],
    "WorkingDir": "/",
    "Labels": {
      "org.opencontainers.image.title": "directory-sync",
      "org.opencontainers.image.version": "$version",
      "org.opencontainers.image.licenses": "Apache-2.0"
    }
  },
  "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]},
  "history": [{"created_by": "dev/image.sh"}]
}
JSON
  config=$(digest "$scratch/config.json")
  mv "$scratch/config.json" "$image/$config.json"
  printf '[{"Config": "%s.json", "RepoTags": ["%s"], "Layers": ["%s.tar"]}]\n' "$config" "$name" "$layer" >"$image/manifest.json"

  mkdir -p "$(dirname "$file")"
  pack "$image" "$file"
  say "$file: $name, $(du -h "$file" | cut -f1)"
}

run_image() {
  local root=$scratch/run config layer
  mkdir -p "$scratch/unpacked" "$root"
  tar --extract --file "$file" --directory "$scratch/unpacked"
  config=$(field Config) layer=$(field Layers)
  for part in "$config" "$layer"; do
    [[ $(digest "$scratch/unpacked/$part") == "${part%.*}" ]] || { say "$part is not what its name says"; exit 1; }
  done
  grep -q "\"sha256:${layer%.tar}\"" "$scratch/unpacked/$config" || { say "the configuration does not name the layer"; exit 1; }
  grep -q "\"User\": \"$user:$user\"" "$scratch/unpacked/$config" || { say "the image's user is not $user"; exit 1; }

  tar --extract --no-same-owner --file "$scratch/unpacked/$layer" --directory "$root"
  chmod 0755 "$scratch" "$root"
  local -a enter=(chroot "--userspec=$user:$user" "$root")
  ((EUID == 0)) || enter=(unshare --user --map-user="$user" --map-group="$user" --root="$root")
  local said
  said=$("${enter[@]}" /usr/local/bin/directory-sync version)
  [[ $said == *"$version"* ]] || { say "the program says \"$said\" and not version $version"; exit 1; }
  say "$file: runs as user $user and says \"$said\""
}

field() { # of manifest.json, which this script wrote on one line
  sed -n "s/.*\"$1\": \[\{0,1\}\"\([^\"]*\)\".*/\1/p" "$scratch/unpacked/manifest.json"
}

# The time of the last commit, so that time itself changes nothing.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
if $check; then run_image; else make_image; fi

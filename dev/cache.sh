# Owns the cache of programs that are built once: where it is, and that one process at a time builds a thing.
# To be sourced by bash scripts that run with `set -euo pipefail`.

# shellcheck disable=SC2034 # for those scripts
cache=${DIRECTORY_SYNC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/directory-sync}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

need_go() {
  command -v go >/dev/null && return
  say "Go is missing: 1.26 or newer, or any from 1.21 on, which fetches a newer one by itself"
  say "to bring it: apt-get install golang-go (from Debian 13 or Ubuntu 24.04 on), or https://go.dev/doc/install"
  exit 1
}

# build_once TARGET HOW-LONG COMMAND...: makes the program TARGET, unless it is there, by running COMMAND with
# the path of an empty folder as its last argument, in which it has to leave a file with TARGET's name.
# All programs lie one folder deep: cache/KIND/KEY/NAME.
build_once() {
  local target=$1 how_long=$2
  shift 2
  local folder=${target%/*}
  local kind=${folder%/*}
  if [[ -x $target ]]; then
    touch -c "$folder" # the time of the last use, see below
    return
  fi

  mkdir -p "$kind"
  local lock heart
  heartbeat >/dev/null &
  heart=$!
  # shellcheck disable=SC2064 # a local variable has no value any more when the trap runs
  trap "kill $heart 2>/dev/null" EXIT
  exec {lock}>"$folder.lock"
  if ! flock -n "$lock"; then
    say "another process is building $target, waiting for it"
    flock "$lock"
  fi
  if [[ ! -x $target ]]; then # the other process may have made it meanwhile
    say "building $target ($how_long)"
    rm -rf "$folder" "$folder.new" # what a build that was killed has left
    mkdir "$folder.new"
    "$@" "$folder.new" >&2
    # In one step, so that the target is never there in part.
    mv "$folder.new" "$folder"
  fi
  kill "$heart"
  trap - EXIT

  # Each version and each change of the source has a folder of its own: drop those that nobody uses.
  find "$kind" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} +
}

# Says every 15 seconds that the work goes on.
heartbeat() {
  local start=$SECONDS silence
  # Reading from a pipe that nobody writes to waits as `sleep` does, but without a process of its own, which
  # would outlive this one and keep the caller's output open.
  exec {silence}<> <(:)
  while ! read -rt 15 -u "$silence"; do
    kill -0 $$ 2>/dev/null || exit
    say "still building, $((SECONDS - start)) s so far"
  done
}

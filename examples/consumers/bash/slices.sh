# shellcheck shell=bash
# People and groups as the slices of a large Directory have them; docs/slices.md says what is in them. Sourced by
# mirrors.sh.
# shellcheck disable=SC2154 # variables that this file and consumer.sh share

# Makes lists of people and groups of the one view that the manifest describes. Fails where a slice is not the one that
# the manifest means: slices are being written, and the manifest is about to come.
view() {
  payloads || return 1
  unpack <<<"$manifest" >"$work/manifest" || return 1
  jq -es '.[0].format == 1' "$work/manifest" >/dev/null || return 1
  jq -r 'select(.name) | "\(.hash)  \(.name)"' "$work/manifest" >"$work/named" || return 1
  hashes <"$work/named" >"$work/there" && cmp --quiet "$work/there" "$work/named" || return 1
  entries u >"$work/user" && entries g >"$work/group" && entries m >"$work/chunk" || return 1
  as_list <"$work/user" >"$work/directoryusers" && as_list <"$work/group" >"$work/directorygroups"
}

# Each slice's payload in a file of its name.
payloads() {
  local name payload
  rm -rf "$work/slices" && mkdir "$work/slices" || return 1
  jq -r '.items[] | "\(.metadata.name) \(.spec.payload)"' "$work/directoryslices" >"$work/payloads" || return 1
  while read -r name payload; do
    printf %s "$payload" >"$work/slices/$name" || return 1
  done <"$work/payloads"
}

# From lines of hash and name to the same lines, with the hashes that the payloads have.
hashes() { cut --characters=35- | on_slices sha256sum | cut --complement --characters=33-64; }

# entries KIND: the lines of all slices of people (u), groups (g) or members (m) that the manifest names.
entries() {
  jq -r --arg start "$source-s-$1" '.name // empty | select(startswith($start))' "$work/manifest" >"$work/names" ||
    return 1
  if [[ -s $work/names ]]; then unpack <"$work/names"; fi
}

# The lines of the slices whose names come in. One after the other, base64 and gzip are still what they are.
unpack() { on_slices cat | base64 --decode | gunzip; }

# on_slices COMMAND: runs it on the payloads of the slices whose names come in.
on_slices() { (cd "$work/slices" && xargs --no-run-if-empty "$1"); }

as_list() { jq -cs --slurpfile chunks "$work/chunk" -f "$here/slices.jq"; }

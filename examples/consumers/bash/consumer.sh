#!/usr/bin/env bash
# Keeps a table of one Directory's people and their groups in step with the cluster, as a script would.
# `consumer.sh DIRECTORY FILE`, or `configmap/NAME` for DIRECTORY; README.md beside this file says more.
set -euo pipefail

gather=0.2 # seconds that the table waits after a change for others that come with it
pause=2    # seconds before another attempt

say() { printf '%(%FT%TZ)T %s\n' -1 "$*" >&2; }

if (($# != 2)); then
  echo "usage: ${0##*/} DIRECTORY|configmap/NAME FILE" >&2
  exit 2
fi
source=$1 file=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The namespace of the kubeconfig's context; in a pod, which has none, its own.
namespace=$(kubectl config view --minify --output 'jsonpath={..namespace}' 2>/dev/null) || true
mounted=/var/run/secrets/kubernetes.io/serviceaccount/namespace
if [[ -z $namespace && -e $mounted ]]; then namespace=$(<"$mounted"); fi
namespaced=namespaces/${namespace:-default}

umask 077 # personal data: only this account may read what is written here
work=$(mktemp -d)
watcher=
trap 'rm -rf "$work"; [[ -z $watcher ]] || kill "$watcher" 2>/dev/null || true' EXIT

version_of() { jq -r .metadata.resourceVersion "$1"; }

# `snapshot` puts what is there now into the work folder and names the watches that tell of changes since.
case $source in
configmap/*)
  # shellcheck source=examples/consumers/bash/files.sh
  . "$here/files.sh"
  ;;
*)
  # shellcheck source=examples/consumers/bash/mirrors.sh
  . "$here/mirrors.sh"
  ;;
esac

# Replaces the table: who reads it sees the old one or the new one, never a part.
write_table() {
  rm -f "$file.new" # of a run that was killed
  jq -nc --slurpfile users "$work/directoryusers" --slurpfile groups "$work/directorygroups" \
    -f "$here/table.jq" >"$file.new"
  sync "$file.new"
  mv "$file.new" "$file"
}

# watch PATH...: prints a line for each change, until one of the watches ends.
watch() {
  trap 'kill $(jobs -p) 2>/dev/null' EXIT
  trap exit TERM
  local path
  for path; do
    kubectl get --raw "$path" &
  done
  wait -n
}

while true; do
  if ! snapshot; then
    say "people and groups cannot be read, trying again"
    sleep "$pause"
    continue
  fi
  write_table
  say "the table is up to date"

  # A watch is only a bell here: whatever it says, everything is read anew, so an expired one (410 Gone) does no
  # harm. It begins where the reading ended, so that nothing falls in between.
  exec {events}< <(watch "${watches[@]}")
  watcher=$!
  if read -r _ <&"$events"; then
    sleep "$gather" # a sync may change many mirrors, and more changes do not put the table off
  else
    sleep "$pause" # the apiserver has ended a watch, which it may do at any time, or cannot be reached
  fi
  kill "$watcher" 2>/dev/null || true
  exec {events}<&-
done

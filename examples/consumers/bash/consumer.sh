#!/usr/bin/env bash
# Keeps a table of one Directory's people and their groups in step with the cluster, as a script would.
# `consumer.sh DIRECTORY FILE`; README.md beside this file says more.
set -euo pipefail

gather=0.2 # seconds that the table waits after a change for others that come with it
pause=2    # seconds before another attempt

say() { printf '%(%FT%TZ)T %s\n' -1 "$*" >&2; }

if (($# != 2)); then
  echo "usage: ${0##*/} DIRECTORY FILE" >&2
  exit 2
fi
directory=$1 file=$2

# The namespace of the kubeconfig's context; in a pod, which has none, its own.
namespace=$(kubectl config view --minify --output 'jsonpath={..namespace}' 2>/dev/null) || true
mounted=/var/run/secrets/kubernetes.io/serviceaccount/namespace
if [[ -z $namespace && -e $mounted ]]; then namespace=$(<"$mounted"); fi
path=/apis/directory-sync.io/v1alpha1/namespaces/${namespace:-default}
selector=labelSelector=directory-sync.io%2Fdirectory%3D$directory

umask 077 # personal data: only this account may read what is written here
work=$(mktemp -d)
watcher=
trap 'rm -rf "$work"; [[ -z $watcher ]] || kill "$watcher" 2>/dev/null || true' EXIT

# list PLURAL: all mirrors of a kind. `kubectl get PLURAL` would not say which version the list is of.
list() { kubectl get --raw "$path/$1?$selector" >"$work/$1"; }

version_of() { jq -r .metadata.resourceVersion "$work/$1"; }

# Replaces the table: who reads it sees the old one or the new one, never a part.
write_table() {
  rm -f "$file.new" # of a run that was killed
  jq -nc --slurpfile users "$work/directoryusers" --slurpfile groups "$work/directorygroups" \
    -f "${BASH_SOURCE[0]%/*}/table.jq" >"$file.new"
  sync "$file.new"
  mv "$file.new" "$file"
}

# watch USERS GROUPS: prints a line for each change since these versions, until one of both watches ends.
watch() {
  trap 'kill $(jobs -p) 2>/dev/null' EXIT
  trap exit TERM
  kubectl get --raw "$path/directoryusers?watch=true&$selector&resourceVersion=$1" &
  kubectl get --raw "$path/directorygroups?watch=true&$selector&resourceVersion=$2" &
  wait -n
}

while true; do
  # Both or nothing: half a list is not a smaller company.
  if ! list directoryusers || ! list directorygroups; then
    say "the mirrors cannot be listed, trying again"
    sleep "$pause"
    continue
  fi
  write_table
  say "the table is up to date"

  # A watch is only a bell here: whatever it says, a new list follows, so an expired one (410 Gone) does no harm.
  # It begins where the lists ended, so that nothing falls in between.
  users=$(version_of directoryusers) groups=$(version_of directorygroups)
  exec {events}< <(watch "$users" "$groups")
  watcher=$!
  if read -r _ <&"$events"; then
    sleep "$gather" # a sync may change many mirrors, and more changes do not put the table off
  else
    sleep "$pause" # the apiserver has ended a watch, which it may do at any time, or cannot be reached
  fi
  kill "$watcher" 2>/dev/null || true
  exec {events}<&-
done

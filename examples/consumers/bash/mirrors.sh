# shellcheck shell=bash
# People and groups as the mirrors of one Directory have them. Sourced by consumer.sh.
# shellcheck disable=SC2034,SC2154 # variables that this file and consumer.sh share

path=/apis/directory-sync.io/v1alpha1/$namespaced
selector=labelSelector=directory-sync.io%2Fdirectory%3D$source

# list PLURAL: all mirrors of a kind. `kubectl get PLURAL` would not say which version the list is of.
list() { kubectl get --raw "$path/$1?$selector" >"$work/$1"; }

# Lists people and groups into the work folder, and names the watches that begin where the lists ended.
snapshot() {
  # Both or nothing: half a list is not a smaller company.
  list directoryusers && list directorygroups || return 1
  watches=()
  local plural
  for plural in directoryusers directorygroups; do
    watches+=("$path/$plural?watch=true&$selector&resourceVersion=$(version_of "$work/$plural")")
  done
}

# shellcheck shell=bash
# People and groups as the mirrors of one Directory have them, in whatever form: an object each, or many in a slice.
# Sourced by consumer.sh.
# shellcheck disable=SC2034,SC2154 # variables that this file and consumer.sh share

path=/apis/directory-sync.io/v1alpha1/$namespaced
selector=labelSelector=directory-sync.io%2Fdirectory%3D$source
manifest=$source-s-manifest

# shellcheck source=examples/consumers/bash/slices.sh
. "$here/slices.sh"

# list PLURAL: all mirrors of a kind. `kubectl get PLURAL` would not say which version the list is of.
list() { kubectl get --raw "$path/$1?$selector" >"$work/$1"; }

# The form that the last list of slices shows: as long as the manifest is there, slices count and objects do not.
form_listed() {
  jq -er --arg name "$manifest" 'if any(.items[]; .metadata.name == $name) then "slices" else "objects" end' \
    "$work/directoryslices"
}

# Puts people and groups into the work folder as lists of objects, and names the watches that begin where the lists
# ended.
snapshot() {
  local form plural plurals=(directoryslices)
  list directoryslices && form=$(form_listed) || return 1
  if [[ $form == slices ]]; then
    view || return 1
  else
    # Both or nothing: half a list is not a smaller company. The manifest appears before the first object is deleted,
    # so if it is still not there, nobody is missing.
    list directoryusers && list directorygroups && list directoryslices && form=$(form_listed) || return 1
    [[ $form == objects ]] || return 1
    plurals+=(directoryusers directorygroups)
  fi
  watches=()
  for plural in "${plurals[@]}"; do
    watches+=("$path/$plural?watch=true&$selector&resourceVersion=$(version_of "$work/$plural")")
  done
}

# shellcheck shell=bash
# People and groups as a ConfigMap has them (`spec.output.configMap` of a Directory), alone or as the index of
# others. Sourced by consumer.sh.
# shellcheck disable=SC2034,SC2154 # variables that this file and consumer.sh share

name=${source#configmap/}
path=/api/v1/$namespaced/configmaps
selector=fieldSelector=metadata.name%3D$name

# Reads the files into the work folder as if they were lists of mirrors, and names the watch that begins where the
# index was read. The ConfigMaps that it is the index of have other names for each content, so only it is watched.
snapshot() {
  kubectl get --raw "$path?$selector" >"$work/found" || return 1
  watches=("$path?watch=true&$selector&resourceVersion=$(version_of "$work/found")")
  # A ConfigMap that is not there says nothing about anybody, so the table stays.
  jq -e '.items[0]' "$work/found" >"$work/first" || return 1
  jq -er '.data["index.json"]' "$work/first" >"$work/index" || return 1
  jq -er '.files[] | "\(.configMap) \(.key) \(.kind) \(.sha256)"' "$work/index" >"$work/files" || return 1
  local format gzip holder key kind sha256 from
  format=$(jq -r .format "$work/index") gzip=$(jq -r .gzip "$work/index")
  : >"$work/user"
  : >"$work/group"
  while read -r holder key kind sha256; do
    from=$work/first
    if [[ $holder != "$name" ]]; then
      from=$work/part
      kubectl get --raw "$path/$holder" >"$from" || return 1
    fi
    value "$key" <"$from" >"$work/content" || return 1
    # Another file than the index means: there is a new content, and its index is about to come.
    sha256sum --check --status <<<"$sha256  $work/content" || return 1
    if [[ $gzip == true ]]; then gunzip <"$work/content"; else cat "$work/content"; fi |
      records "$format" >>"$work/$kind" || return 1
  done <"$work/files"
  as_list <"$work/user" >"$work/directoryusers" && as_list <"$work/group" >"$work/directorygroups"
}

# value KEY: the bytes under a key of a ConfigMap.
value() {
  if [[ $1 == *.gz ]]; then
    jq -er --arg key "$1" '.binaryData[$key]' | base64 --decode
  else
    jq -j --arg key "$1" '.data[$key]'
  fi
}

# records FORMAT: the records of a file, one JSON object to a line.
records() {
  case $1 in
  JSON) jq -c '.[]' ;;
  JSONLines) jq -c . ;;
  CSV) jq -Rsc -f "$here/csv.jq" ;;
  *) return 1 ;;
  esac
}

as_list() { jq -cs '{items: map({metadata: {name: .objectName}, spec: .})}'; }

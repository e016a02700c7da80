#!/usr/bin/env bash
# Tests what the demo says of CLUSTER=existing: in a cluster that somebody else uses, too, it leaves its definitions where
# there were none, and nothing else that is new, changed or gone. That cluster is a control plane of our own.
set -euo pipefail
umask 077 # the kubeconfig and the demo's folder have tokens in them
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() { # WHAT [LINE]...
  say "$1"
  (($# == 1)) || printf '%s\n' "${@:2}" >&2
  exit 1
}

control_plane='' demo=''
scratch=$(mktemp -d)
mkdir "$scratch/tmp"
# Whatever ends this script, a signal too, the demo has to leave the cluster before that stops.
trap 'end "$demo"; end "$control_plane"; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

end() { # PID
  kill "${1:-none}" 2>/dev/null || return 0
  wait "$1" 2>/dev/null || true
}

kubectl() { dev/kubectl --kubeconfig "$scratch/kubeconfig" "$@"; }

# It also stops when its standard input ends, which is when this script is gone.
start_cluster() {
  local binary
  binary=$(dev/cluster/build.sh)
  coproc CONTROL_PLANE { exec "$binary" up --dir "$scratch/cluster" 2>"$scratch/cluster.log"; }
  control_plane=$CONTROL_PLANE_PID
  read -r _ <&"${CONTROL_PLANE[0]}" || fail "the control plane did not start: $(cat "$scratch/cluster.log")"
}

# Somebody else's objects, with the names of the demo's own, in the namespace that a kubectl takes which is told none.
# One of the definitions is theirs, too, and nobody reconciles their Directory.
move_in() {
  cp "$scratch/cluster/kubeconfig" "$scratch/kubeconfig"
  {
    kubectl create namespace neighbour
    kubectl config set-context --current --namespace neighbour
    kubectl create --filename "$theirs"
    kubectl wait --for condition=Established --timeout 60s --filename "$theirs"
    kubectl create secret generic acme-ldap --from-literal password=theirs
    kubectl create configmap acme-ca --from-literal ca.crt=theirs
    kubectl create serviceaccount directory-sync
    kubectl create role directory-sync --verb get --resource configmaps
    kubectl create rolebinding directory-sync --role directory-sync --serviceaccount neighbour:directory-sync
    kubectl create --filename examples/directories/csv-configmap.yaml
  } >/dev/null
  cp "$scratch/kubeconfig" "$scratch/kubeconfig.before"
}

# Every object of the cluster with its version, by which a change shows even if it was taken back. But for what the control
# plane writes when nobody asks: Leases, which the apiserver renews; Events, which go by themselves; and
# ComponentStatuses, which are made up for each answer.
objects() {
  local kinds
  kinds=$(kubectl api-resources --verbs list --output name |
    grep -Evx 'leases\.coordination\.k8s\.io|events(\.events\.k8s\.io)?|componentstatuses' | paste -sd ,)
  # On standard error it says that some kinds are old.
  kubectl get "$kinds" --all-namespaces --output \
    'jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name} {.metadata.uid} {.metadata.resourceVersion}{"\n"}{end}' \
    2>"$scratch/listing.log" | LC_ALL=C sort
}

# The same, when nothing has changed for a second: controllers come after those whose objects they look after.
settled() { # FILE
  local deadline=$((SECONDS + 60))
  objects >"$1" || fail "the cluster's objects could not be listed: $(cat "$scratch/listing.log")"
  while sleep 1; do
    objects >"$1.next"
    cmp --silent "$1" "$1.next" && return
    ((SECONDS < deadline)) || fail "the cluster does not come to rest:" "$(diff "$1" "$1.next")"
    mv "$1.next" "$1"
  done
}

run_demo() { # LOG
  CLUSTER=existing KUBECONFIG=$scratch/kubeconfig ONCE=1 TMPDIR=$scratch/tmp dev/demo/run.sh >"$1" 2>&1 &
  demo=$!
  local code=0
  wait "$demo" || code=$?
  demo=''
  return "$code"
}

# Compares two lists; what is new must be what is expected.
compare() { # BEFORE AFTER NEW
  local changed new
  changed=$(LC_ALL=C comm -23 "$1" "$2")
  [[ -z $changed ]] || fail "the demo has changed or removed what is not its own:" "$changed"
  new=$(LC_ALL=C comm -13 "$1" "$2" | cut -d ' ' -f 1,2)
  [[ $new == "$3" ]] || fail "the demo is to leave these objects:" "${3:-none}" "and has left these:" "${new:-none}"
  cmp "$scratch/kubeconfig.before" "$scratch/kubeconfig" >&2 || fail "the demo has changed the file that KUBECONFIG names"
  [[ -z $(ls -A "$scratch/tmp") ]] || fail "the demo has left files: $(find "$scratch/tmp")"
}

theirs=crds/directory-sync.io_directories.yaml
say "a cluster that somebody uses"
start_cluster
move_in
settled "$scratch/before"
say "$(wc -l <"$scratch/before") objects"

say "the demo in it"
run_demo "$scratch/demo.log" || { cat "$scratch/demo.log" >&2; fail "the demo failed"; }
grep --quiet "The definitions stay" "$scratch/demo.log" || fail "the demo does not say that its definitions stay"
settled "$scratch/after"
ours=$(kubectl create --dry-run=client --filename crds/ --output 'jsonpath={.kind} /{.metadata.name}{"\n"}' | LC_ALL=C sort)
compare "$scratch/before" "$scratch/after" "$(grep -v ' /directories\.' <<<"$ours")"

say "the demo where a definition is another"
kubectl patch --filename "$theirs" --type json \
  --patch '[{"op": "add", "path": "/spec/versions/0/additionalPrinterColumns/-", "value": {"name": "Theirs", "type": "string", "jsonPath": ".kind"}}]' >/dev/null
settled "$scratch/before"
if run_demo "$scratch/demo.log"; then fail "the demo goes on where a definition is another"; fi
grep --quiet "the demo does not replace them" "$scratch/demo.log" ||
  { cat "$scratch/demo.log" >&2; fail "the demo failed, but not because of the definition"; }
settled "$scratch/after"
compare "$scratch/before" "$scratch/after" ""
say "done"

# Owns the demo's cluster: its own control plane or an existing one, and what is put into it before people are.
# To be sourced by run.sh, which has to set `root` and `folder`.

namespace=''
cluster=''
namespace_made=false
definitions_installed=false

kubectl() { "$root/dev/kubectl" --kubeconfig "$folder/kubeconfig" "$@"; }

# Sets `cluster` to `own` or `existing`. A KUBECONFIG that happens to be in the environment is not a wish.
choose_cluster() {
  case ${CLUSTER:-} in
    '')
      cluster=own
      [[ -z ${KUBECONFIG:-} ]] || note "KUBECONFIG is set, but not used: CLUSTER=existing would use its cluster."
      ;;
    existing)
      cluster=existing
      [[ -n ${KUBECONFIG:-} ]] || fail "CLUSTER=existing needs KUBECONFIG=FILE, which names the cluster"
      ;;
    *) fail "CLUSTER=$CLUSTER is not known; leave it out, or say CLUSTER=existing together with KUBECONFIG=FILE" ;;
  esac
}

# Starts a control plane of our own, of the binary that build.sh made.
start_cluster() { # BINARY
  namespace=demo
  # What is meant for the world outside does not lead to this machine's loopback.
  unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy ALL_PROXY all_proxy
  start control-plane "$1" up --wait-stdin=false --dir "$folder/cluster"
  wait_until 150 "the control plane starts" cluster_is_decided "$pid"
  alive "$pid" || fail "the control plane does not start"
  cp "$folder/cluster/kubeconfig" "$folder/kubeconfig"
}

cluster_is_decided() { # PID
  grep --quiet '"kubeconfig":' "$folder/control-plane.log" 2>/dev/null || ! alive "$1"
}

# Takes the cluster that KUBECONFIG's current context names. The file itself is left alone.
join_cluster() {
  namespace=directory-sync-demo-$(free_name)
  "$root/dev/kubectl" config view --raw --minify --flatten >"$folder/kubeconfig" ||
    fail "KUBECONFIG=$KUBECONFIG has no current context"
  kubectl get --raw /version --request-timeout 20s >/dev/null || fail "the cluster of KUBECONFIG=$KUBECONFIG does not answer"
}

free_name() { printf '%04x%04x' "$RANDOM" "$RANDOM"; }

make_namespace() {
  kubectl create namespace "$namespace" >/dev/null
  namespace_made=true
  kubectl config set-context --current --namespace "$namespace" >/dev/null
}

# Definitions that are there already are left alone, so that whoever installed them need not share them with the demo.
# Without --force-conflicts: those of another version are not replaced, and then none of ours is installed.
install_definitions() {
  local file missing=()
  for file in "$root"/crds/*.yaml; do
    is_installed "$file" || missing+=(--filename "$file")
  done
  if ((${#missing[@]})); then
    { apply_definitions "${missing[@]}" --dry-run=server && apply_definitions "${missing[@]}"; } >"$folder/definitions.log" 2>&1 || {
      tail_of kubectl "$folder/definitions.log"
      fail "the definitions (crds/) could not be installed; if there are others, the demo does not replace them"
    }
    definitions_installed=true
  fi
  kubectl wait --for condition=Established --timeout 60s --filename "$root/crds/" >/dev/null
}

apply_definitions() { # ARGUMENTS...
  kubectl apply --server-side --field-manager directory-sync-demo "$@"
}

# Whether applying a definition would change nothing but who has to do with it.
is_installed() { # FILE
  KUBECTL_EXTERNAL_DIFF=diff kubectl diff --server-side --field-manager directory-sync-demo --filename "$1" >/dev/null 2>&1
}

# What the chart gives the operator, and nothing else: a ServiceAccount, a Role and a RoleBinding.
grant_rights() { # HELM
  local kubernetes
  kubernetes=$(sed -n 's,^\tk8s.io/kubernetes v\([0-9.]*\)$,\1,p' "$root/dev/cluster/go.mod")
  "$1" template directory-sync "$root/charts/directory-sync" --namespace "$namespace" --kube-version "$kubernetes" \
    --show-only templates/serviceaccount.yaml --show-only templates/rbac.yaml | kubectl apply --filename - >/dev/null
}

# The operator's kubeconfig: the same cluster, with its ServiceAccount's token in place of our own rights.
write_operator_kubeconfig() {
  local file=$folder/operator.kubeconfig
  kubectl create token directory-sync --duration 24h >"$folder/token"
  kubectl config view --raw --minify --flatten >"$file"
  {
    kubectl config delete-user --kubeconfig "$file" "$(kubectl config view --minify --output 'jsonpath={.contexts[0].context.user}')"
    kubectl config set --kubeconfig "$file" users.operator.tokenFile "$folder/token"
    kubectl config set-context --kubeconfig "$file" --current --user operator
  } >/dev/null
}

# Who the operator is to the apiserver, by the apiserver's own word.
name_of_operator() {
  kubectl auth whoami --kubeconfig "$folder/operator.kubeconfig" --output 'jsonpath={.status.userInfo.username}'
}

# Removes what is ours in a cluster that stays.
leave_cluster() {
  [[ $cluster == existing ]] && $namespace_made || return 0
  note "Removing the namespace $namespace from the cluster ..."
  kubectl delete namespace "$namespace" --timeout 120s >/dev/null ||
    note "It could not be removed; to do so: kubectl delete namespace $namespace"
  if $definitions_installed; then
    note "The definitions stay. To remove them, with every Directory of the cluster: kubectl delete --filename crds/"
  fi
}

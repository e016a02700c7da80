#!/usr/bin/env bash
# Tests the chart without installing it: what Helm says of it, what it refuses, and whether every object that it
# renders is one that the apiserver knows, field by field. Installing it is the integration tests' part.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

chart=charts/directory-sync
helm=$(dev/tools.sh helm)
kubeconform=$(dev/tools.sh kubeconform)
promtool=$(dev/tools.sh promtool)
cluster=$(dev/cluster/build.sh)
monitoring=$(dev/monitoring-crds.sh)
kubernetes=$(sed -n 's,^\tk8s.io/kubernetes v\([0-9.]*\)$,\1,p' dev/cluster/go.mod)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() { say "$*"; exit 1; }

scratch=$(mktemp -d)
trap 'stop_cluster; rm -rf "$scratch"' EXIT

render() { # ARGUMENTS...
  "$helm" template directory-sync "$chart" --namespace directory-sync --kube-version "$kubernetes" "$@"
}

# A control plane of our own; it stops when its standard input ends.
start_cluster() {
  coproc CONTROL_PLANE { exec "$cluster" up --dir "$scratch/cluster" 2>"$scratch/cluster.log"; }
  control_plane=$CONTROL_PLANE_PID
  read -r handout <&"${CONTROL_PLANE[0]}" || fail "the control plane did not start: $(cat "$scratch/cluster.log")"
}

stop_cluster() {
  [[ -n ${control_plane:-} ]] || return 0
  kill "$control_plane" 2>/dev/null || true
  wait "$control_plane" 2>/dev/null || true
}

refuses() { # WORDS ARGUMENTS...: rendering fails, with these words
  local words=$1 said
  shift
  if said=$(render "$@" 2>&1); then fail "the chart accepts $*"; fi
  [[ $said == *"$words"* ]] || fail "refusing $*, the chart does not say \"$words\" but: $said"
}

say "the definitions"
dev/chart-crds.sh --check
say "lint"
for values in "$chart"/ci/*.yaml; do
  "$helm" lint --strict --quiet "$chart" --values "$values" --kube-version "$kubernetes"
done

say "what is refused"
refuses "needs leaderElection.enabled" --set replicas=2 --set leaderElection.enabled=false
refuses "leaderElection.leaseDuration (5s) must be longer" --set leaderElection.leaseDuration=5s
refuses "leaderElection.leaseDuration (1m) must be longer" --set leaderElection.leaseDuration=1m --set leaderElection.renewDeadline=60s
refuses "leaderElection.retryPeriod (6s) must not be zero, and at most half" --set leaderElection.retryPeriod=6s
refuses "metrics.port and health.port are both 8081" --set metrics.port=8081
render --set leaderElection.leaseDuration=1m1s --set leaderElection.renewDeadline=60s >/dev/null
refuses "watchNamespace" --set watchNamespace=crm # one letter short
refuses "clusterWide: true watches every namespace" --set clusterWide=true --set 'watchNamespaces={crm}'
refuses "ServiceMonitor finds pods through a Service" --set metrics.serviceMonitor.enabled=true --set metrics.service.enabled=false
refuses "serviceAccount.name must name" --set serviceAccount.create=false
refuses "there is no alert DirectoryNotSync;" --set metrics.prometheusRule.enabled=true --set 'metrics.prometheusRule.disabled={DirectoryNotSync}'
refuses "logFormat" --set operator.logFormat=xml

say "the alerts"
cp "$chart/files/alerts.yaml" dev/alerts-test.yaml "$scratch"
"$promtool" check rules --lint=all --lint-fatal "$scratch/alerts.yaml" >&2
"$promtool" test rules "$scratch/alerts-test.yaml" >&2
render --values "$chart/ci/everything-values.yaml" --show-only templates/prometheusrule.yaml |
  sed -n '/^  groups:/,$s/^  //p' >"$scratch/rendered.yaml"
"$promtool" check rules --lint=all --lint-fatal "$scratch/rendered.yaml" >&2

say "every object against Kubernetes $kubernetes"
start_cluster
export KUBECONFIG=$scratch/cluster/kubeconfig
dev/kubectl create --filename crds/ --filename "$monitoring" >/dev/null
(cd dev/schemas && CGO_ENABLED=0 go run -trimpath . --out "$scratch/schemas" --require apis/directory-sync.io/v1alpha1 \
  --require apis/monitoring.coreos.com/v1 <<<"$handout")

validate() { # ARGUMENTS...
  "$kubeconform" -strict -summary -schema-location "$scratch/schemas/{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json" "$@"
}

# Schemas that find nothing prove nothing.
finds() { # FIELD MISSPELT TEMPLATE
  local said
  render --values "$chart/ci/everything-values.yaml" --show-only "templates/$3" | sed "s/\<$1:/$2:/" >"$scratch/misspelt.yaml"
  if said=$(validate "$scratch/misspelt.yaml"); then fail "a misspelt field of $3 passes: $2"; fi
  [[ $said == *$2* ]] || fail "the misspelt field of $3, $2, is not what is found: $said"
}
finds strategy strategie deployment.yaml
finds honorLabels honourLabels servicemonitor.yaml
finds expr expression prometheusrule.yaml

own=(crds/*.yaml)
for values in "$chart"/ci/*.yaml; do
  rendered=$scratch/$(basename "$values")
  render --values "$values" >"$rendered"
  say "$values"
  validate "$rendered"
  definitions=$(grep -c '^kind: CustomResourceDefinition' "$rendered")
  ((definitions == ${#own[@]})) || fail "$values: $definitions definitions are rendered, crds/ has others"
done

shopt -s nullglob
examples=(examples/*.yaml examples/*/*.yaml)
if ((${#examples[@]})); then
  say "the examples"
  validate "${examples[@]}"
fi
say "done"

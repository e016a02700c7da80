#!/usr/bin/env bash
# Shows the product from a clone to users and groups that a real cluster has and keeps in step with a real OpenLDAP:
# `make demo`. With ONCE=1 it ends after the last step, with 0 only if everything was seen. With CLUSTER=existing and
# KUBECONFIG=FILE it uses that cluster, and leaves nothing behind but the definitions.
set -euo pipefail
umask 077 # there are passwords and tokens in the folder

# What all parts use: the clone, and a private folder with everything that the demo writes.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=''

# shellcheck source=dev/demo/show.sh
. "$root/dev/demo/show.sh"
# shellcheck source=dev/demo/processes.sh
. "$root/dev/demo/processes.sh"
# shellcheck source=dev/demo/cluster.sh
. "$root/dev/demo/cluster.sh"
# shellcheck source=dev/demo/openldap.sh
. "$root/dev/demo/openldap.sh"
# shellcheck source=dev/demo/operator.sh
. "$root/dev/demo/operator.sh"
# shellcheck source=dev/demo/changes.sh
. "$root/dev/demo/changes.sh"

# However the demo ends, nothing that it has started stays.
finish() { # EXIT-CODE
  local code=$1
  trap 'code=130' INT # Ctrl-C also ends what runs just now, so that it may look like a failure first
  :
  trap '' INT TERM HUP PIPE
  set +e # the terminal may be gone
  exec >&"$console" 2>&1 # it may have ended where output went elsewhere
  if ((code > 0 && code < 128)); then
    printf '\ndemo: failed at: %s\n' "$step"
    show_logs
  fi
  if [[ -n $folder ]]; then
    headline "Cleaning up"
    leave_cluster
    stop_all
    rm -rf "$folder"
    note "Everything that was started is stopped, and $folder is removed."
  fi
  exit "$code"
}
exec {console}>&1
trap 'finish $?' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE

main() {
  headline "1 Getting what is needed"
  choose_cluster
  need_openldap
  build_operator
  local helm control_plane=''
  helm=$("$root/dev/tools.sh" helm)
  [[ $cluster == existing ]] || control_plane=$("$root/dev/cluster/build.sh")
  folder=$(mktemp -d "${TMPDIR:-/tmp}/directory-sync-demo.XXXXXX")
  note "OpenLDAP, helm, ${control_plane:+a Kubernetes control plane }and the operator are there."

  if [[ $cluster == own ]]; then
    headline "2 Starting etcd, kube-apiserver and kube-controller-manager"
    start_cluster "$control_plane"
  else
    headline "2 Joining the cluster of KUBECONFIG=$KUBECONFIG"
    join_cluster
  fi
  note "Kubernetes $(kubectl get --raw /version | sed -n 's/.*"gitVersion": "\(.*\)".*/\1/p'), $(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')"

  headline "3 Starting OpenLDAP with a company of 300 people"
  prepare_openldap
  start_openldap
  note "ldaps://localhost:$ldap_port has $(grep --count '^uid:' "$folder/ldap/company.ldif") people and $(grep --count '^objectClass: groupOfNames' "$folder/ldap/company.ldif") groups, some of them in others"

  headline "4 Installing the operator"
  make_namespace
  install_definitions
  grant_rights "$helm"
  write_operator_kubeconfig
  start_operator
  note "The definitions are installed, and the operator runs as $(name_of_operator)" \
    "with the Role that the chart gives it in the namespace $namespace. It has no rights elsewhere."

  headline "5 Declaring two Directories: acme in OpenLDAP, and team in tables of a ConfigMap"
  declare_directories
  ask 8 kubectl get directories

  headline "6 Their people and groups, as objects of the cluster"
  ask 8 kubectl get directoryusers
  ask 8 kubectl get directorygroups
  note "" "Contractors and lists for mail are out of scope, photographs are not copied, and roles come from groups:"
  ask 1 kubectl get directoryusers --field-selector spec.userName=grace.hopper --output \
    'custom-columns=NAME:.spec.displayName,TITLE:.spec.title,ROLES:.spec.roles,ROOM:.spec.attributes.room,MANAGER:.spec.manager.displayName'

  headline "7 Changing a person and a group in LDAP, while somebody watches the cluster"
  start_watches
  show_changes

  if [[ -n ${ONCE:-} ]]; then
    headline "Done: everything was seen"
  else
    headline "8 Look around; Ctrl-C ends it all"
    look_around
  fi
}

declare_directories() {
  note "$ kubectl apply --filename dev/demo/acme.yaml --filename examples/directories/csv-configmap.yaml"
  {
    kubectl create secret generic acme-ldap --from-literal "bindDN=$reader" --from-file "password=$folder/ldap/password"
    kubectl create configmap acme-ca --from-file "$folder/ldap/ca.crt"
    sed "s/@PORT@/$ldap_port/" "$root/dev/demo/acme.yaml" | kubectl apply --filename -
    kubectl apply --filename "$root/examples/directories/csv-configmap.yaml"
  } >/dev/null
  note "$ kubectl wait --for condition=Ready directory/acme directory/team"
  local name
  for name in acme team; do # one by one: for the second, kubectl says "timed out" when the first took all the time
    kubectl wait --for condition=Ready --timeout 90s "directory/$name" >/dev/null || {
      kubectl get directories --output wide >&2
      fail "the Directory $name is not Ready; its message above says why"
    }
  done
}

# Tells what there is to see, shows each further event, and waits.
look_around() {
  trap 'exit 0' INT TERM # from here on this is how it is meant to end
  cat <<TEXT
    In another terminal:

      export KUBECONFIG=$folder/kubeconfig
      kubectl get directories --output wide             # no kubectl? $root/dev/kubectl
      kubectl describe directory acme
      kubectl get directoryusers --field-selector spec.userName=ada.lovelace --output yaml
      kubectl get directorygroups
      kubectl edit directory acme                       # change scope, mapping or roles: it takes effect at once

    OpenLDAP, to change more people (title, member, delete); the events appear below:

      export LDAPTLS_CACERT=$folder/ldap/ca.crt
      ldapsearch -x -LLL -H ldaps://127.0.0.1:$ldap_port -D $admin -w $(<"$folder/ldap/password") \\
        -b $suffix '(uid=zoe.hamilton)'
      ldapdelete -x -H ldaps://127.0.0.1:$ldap_port -D $admin -w $(<"$folder/ldap/password") \\
        uid=zoe.hamilton,ou=people,$suffix

    Metrics are at http://127.0.0.1:$metrics_port/metrics, logs are $folder/*.log

TEXT
  launch events tail --quiet --follow=descriptor --lines=0 "$folder/people.log" "$folder/groups.log"
  wait_for_an_end
  fail "something has ended that should not have"
}

main

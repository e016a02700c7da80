# Owns the demo's last act: people change in LDAP, and whoever watches the cluster hears of it.
# To be sourced by run.sh, which has to set `root` and `folder`.

# How long an event may take, in seconds; it comes within two or three.
patience=60

# What an application does with any Kubernetes client: watch. What is there already comes first, as ADDED.
# The output is in `folder`/people.log and `folder`/groups.log.
start_watches() {
  watch people directoryusers "{.object.spec.email}: title \"{.object.spec.title}\", role {.object.spec.role}"
  watch groups directorygroups "{.object.spec.displayName}: {.object.spec.memberCount} members"
  wait_until 60 "the watches begin" have_all_been_seen
}

watch() { # NAME RESOURCE TEMPLATE
  start "$1" "$root/dev/kubectl" --kubeconfig "$folder/kubeconfig" get "$2" --watch --output-watch-events \
    --output "jsonpath={.type} {.object.kind} $3{'\n'}"
}

have_all_been_seen() {
  (($(lines_of people) >= $(count directoryusers) && $(lines_of groups) >= $(count directorygroups)))
}

count() { kubectl get "$1" --output name | wc --lines; } # RESOURCE
lines_of() { wc --lines <"$folder/$1.log"; }             # NAME

# Two changes as an administrator would make them, and the events that they must lead to.
show_changes() {
  local people_before groups_before since
  people_before=$(lines_of people) groups_before=$(lines_of groups)
  since=${EPOCHREALTIME/[.,]/}
  note "$ ldapmodify" && sed 's/^/      /' "$root/dev/demo/change.ldif"
  ldap_tool ldapmodify -f "$root/dev/demo/change.ldif" >/dev/null
  note "" "The watches say:"
  wait_until "$patience" "no event of the person has come" \
    has_come people "$people_before" 'MODIFIED DirectoryUser zoe.hamilton@acme.example: title "Principal engineer", role admin'
  wait_until "$patience" "no event of the group has come" \
    has_come groups "$groups_before" 'MODIFIED DirectoryGroup app-admins: 3 members'
  { new_in people "$people_before" && new_in groups "$groups_before"; } | sed "s/^/      $bold/; s/\$/$plain/"
  { new_in people "$people_before" | grep --invert-match " zoe.hamilton@acme.example: " ||
    new_in groups "$groups_before" | grep --invert-match " app-admins: "; } >&2 && fail "others were written, too"
  note "" "$(seconds_since "$since") s after the change, and nobody else was written."
}

new_in() { tail --lines="+$(($2 + 1))" "$folder/$1.log"; } # NAME LINES
has_come() { grep --quiet --fixed-strings --line-regexp "$3" < <(new_in "$1" "$2"); } # NAME LINES EVENT
seconds_since() { printf '%d.%d' $(((${EPOCHREALTIME/[.,]/} - $1) / 1000000)) $(((${EPOCHREALTIME/[.,]/} - $1) / 100000 % 10)); } # MICROSECONDS

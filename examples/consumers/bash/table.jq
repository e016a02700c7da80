# From lists of mirrors to the application's own table: one row for each person, with all their groups.
# $users and $groups hold one list each; fields that are not named here are not kept.

($groups[0].items | map({key: .metadata.name, value: .spec}) | from_entries) as $by_name

# The names of a group and of all groups in it. Groups may contain each other in a circle, and may name members
# that are not there yet, or no longer.
| def within:
    {pending: [.], seen: {(.): true}}
    | until(.pending == [];
        .pending[-1] as $next
        | .pending |= .[:-1]
        | reduce $by_name[$next].members.groups[]? as $inner (.;
            if .seen[$inner] then . else .seen[$inner] = true | .pending += [$inner] end))
    | .seen | keys[];

# For each person, the groups that they are in, directly or through other groups. An object's keys are a set.
(reduce ($by_name | keys[]) as $name ({};
  reduce ($name | within | $by_name[.].members.users[]?) as $person (.;
    .[$person][$by_name[$name].displayName] = true))) as $memberships

| $users[0].items
| map({
    # The key. E-mail addresses and user names change hands; this does not.
    externalId: .spec.externalId,
    userName: .spec.userName,
    email: .spec.email,
    # Whether the person may be let in.
    active: (.spec.state == "Active"),
    groups: ($memberships[.metadata.name] // {} | keys)
  })
| sort_by(.externalId)[]

# From entries of slices to a list of objects. $chunks hold the members of large groups, some in each.

(reduce $chunks[] as $chunk ({};
  .[$chunk.group].users += $chunk.members.users
  | .[$chunk.group].groups += $chunk.members.groups)) as $members

| {items: map({
    metadata: {name: .objectName},
    spec: (if .memberChunks then .members = $members[.objectName] else . end)
  })}

"""From mirrors to the application's own table: one row for each person, with all their groups."""

import collections
import json
import os


def rows(users, groups):
    """The rows of all people, in the order of their keys. Fields that are not named here are not kept."""
    memberships = collections.defaultdict(set)
    for name, group in groups.items():
        for person in people_in(name, groups):
            memberships[person].add(group["displayName"])
    found = [
        {
            # The key. E-mail addresses and user names change hands; this does not.
            "externalId": user["externalId"],
            "userName": user.get("userName"),
            "email": user.get("email"),
            # Whether the person may be let in.
            "active": user["state"] == "Active",
            # The names of the groups that the person is in, directly or through other groups.
            "groups": sorted(memberships.get(name, ())),
        }
        for name, user in users.items()
    ]
    return sorted(found, key=lambda row: row["externalId"])


def people_in(group, groups):
    """The names of the DirectoryUsers in a group, directly or through other groups. Groups may contain each other
    in a circle, and may name members that are not there yet, or no longer."""
    people, seen, pending = set(), {group}, [group]
    while pending:
        members = groups.get(pending.pop(), {}).get("members", {})
        people.update(members.get("users", ()))
        inner = set(members.get("groups", ())) - seen
        seen |= inner
        pending.extend(inner)
    return people


def write(file, found):
    """Replaces the table, one JSON object to a line: who reads it sees the old one or the new one, never a part.
    Only this account may read it, for it is personal data."""
    # In the table's own folder, for a rename is atomic within one file system only.
    fresh = f"{file}.new"
    private = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode=0o600)
    with open(private, "w", encoding="utf-8") as table:
        for row in found:
            table.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
        table.flush()
        os.fsync(table.fileno())
    os.replace(fresh, file)

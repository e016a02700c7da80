//! From mirrors to the application's own table: one row for each person, with all their groups.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What this application needs of a DirectoryUser. All other fields are ignored.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub external_id: String,
    pub user_name: Option<String>,
    pub email: Option<String>,
    pub state: String,
}

/// What this application needs of a DirectoryGroup.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub display_name: String,
    #[serde(default)]
    pub members: Members,
}

/// Direct members: the names of DirectoryUsers and of DirectoryGroups.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Members {
    pub users: Vec<String>,
    pub groups: Vec<String>,
}

/// One person as the application keeps them.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row<'a> {
    /// The key. E-mail addresses and user names change hands; this does not.
    pub external_id: &'a str,
    pub user_name: Option<&'a str>,
    pub email: Option<&'a str>,
    /// Whether the person may be let in.
    pub active: bool,
    /// The names of the groups that the person is in, directly or through other groups.
    pub groups: BTreeSet<&'a str>,
}

/// The rows of all people, in the order of their keys.
pub fn rows<'a>(users: &'a HashMap<String, User>, groups: &'a HashMap<String, Group>) -> Vec<Row<'a>> {
    let mut memberships: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for (name, group) in groups {
        for user in people_in(name, groups) {
            memberships.entry(user).or_default().insert(&group.display_name);
        }
    }
    let row = |(name, user): (&'a String, &'a User)| Row {
        external_id: &user.external_id,
        user_name: user.user_name.as_deref(),
        email: user.email.as_deref(),
        active: user.state == "Active",
        groups: memberships.remove(name.as_str()).unwrap_or_default(),
    };
    let mut rows: Vec<Row<'a>> = users.iter().map(row).collect();
    rows.sort_by_key(|row| row.external_id);
    rows
}

/// The names of the DirectoryUsers in a group, directly or through other groups. Groups may contain
/// each other in a circle, and may name members that are not there yet, or no longer.
fn people_in<'a>(group: &'a str, groups: &'a HashMap<String, Group>) -> HashSet<&'a str> {
    let mut people = HashSet::new();
    let mut seen = HashSet::from([group]);
    let mut pending = vec![group];
    while let Some(name) = pending.pop() {
        let Some(group) = groups.get(name) else { continue };
        people.extend(group.members.users.iter().map(String::as_str));
        pending.extend(group.members.groups.iter().map(String::as_str).filter(|inner| seen.insert(*inner)));
    }
    people
}

/// Replaces the table, one JSON object to a line: who reads it sees the old one or the new one, never
/// a part. Only this account may read it, for it is personal data.
pub fn write(file: &Path, rows: &[Row<'_>]) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut options = OpenOptions::new();
    let mut table = BufWriter::new(options.write(true).create(true).truncate(true).mode(0o600).open(&new)?);
    for row in rows {
        serde_json::to_writer(&mut table, row)?;
        table.write_all(b"\n")?;
    }
    table.into_inner()?.sync_all()?;
    fs::rename(new, file)
}

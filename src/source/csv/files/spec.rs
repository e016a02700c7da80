//! Which files of a folder are the tables, as it stands in `files` of an origin.

use kube::KubeSchema;
use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::rule;

/// The names of the files. A name may have one `*`: then the files whose `*` stands for the same
/// text are one set, and the newest complete set is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = file_name("users"),
    validation = file_name("userGroups"),
    validation = file_name("groups"),
    validation = one_kind_of_name("userGroups"),
    validation = one_kind_of_name("groups"),
    validation = file_of_its_own("userGroups", &["users"]),
    validation = file_of_its_own("groups", &["users", "userGroups"])
)]
pub struct Files {
    /// The table of people. It must be there.
    #[serde(default = "default_users")]
    #[schemars(length(min = 1, max = 255))]
    pub users: String,
    /// The table of memberships. If it is named, it must be there. Default: `user_groups.csv`,
    /// if it is there; none where `users` has a `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub user_groups: Option<String>,
    /// The table of groups. If it is named, it must be there. Default: `groups.csv`, if it is
    /// there; none where `users` has a `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub groups: Option<String>,
    /// What must stand at the end of each file: a file without it is taken for cut, and waited for.
    #[serde(default)]
    pub ending: FileEnding,
}

impl Default for Files {
    fn default() -> Self {
        Self { users: default_users(), user_groups: None, groups: None, ending: FileEnding::default() }
    }
}

/// What must stand at the end of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FileEnding {
    /// A line end, as nearly every program writes it.
    #[default]
    LineEnd,
    /// A row with all its cells: for files that never end with a line end. A file that was cut
    /// within the last cell of a row is then not recognised.
    WholeRow,
}

/// A file name with at most one `*`, and no folder.
fn file_name(field: &str) -> Rule {
    let message = "this must be the name of a file with at most one *; folders have fields of their own";
    rule::form(field, r"^[^*/]*(\*[^*/]*)?$", message)
}

/// All names have a `*`, or none has.
fn one_kind_of_name(field: &str) -> Rule {
    rule::field(field, |it| format!("{it}.contains('*') == self.users.contains('*')"), ONE_KIND_OF_NAME)
}

/// A table is not in the file of another one.
fn file_of_its_own(field: &str, others: &[&str]) -> Rule {
    let differs = |it: &str| {
        let others = others.iter().map(|other| format!("(!has(self.{other}) || {it} != self.{other})"));
        others.collect::<Vec<_>>().join(" && ")
    };
    rule::field(field, differs, "each table is a file of its own")
}

/// Why names with and without a `*` do not go together.
pub const ONE_KIND_OF_NAME: &str =
    "either all names of files have a * or none has: files belong together by what their * stands for";

/// Seconds for which a set of files must stand still before it is believed, when nothing else is set.
pub const fn default_settle_seconds() -> i32 {
    10
}

fn default_users() -> String {
    "users.csv".to_owned()
}

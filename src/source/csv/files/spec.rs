//! Which files of a folder are the tables, as it stands in `files` of an origin.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The names of the files. A name may have one `*`: then the files whose `*` stands for the same
/// text are one set, and the newest complete set is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = kube::core::Rule::new("[self.users].exists(name, name.contains('*')) ? (!has(self.userGroups) || self.userGroups.contains('*')) && (!has(self.groups) || self.groups.contains('*')) : (!has(self.userGroups) || !self.userGroups.contains('*')) && (!has(self.groups) || !self.groups.contains('*'))")
        .message("either all names of files have a * or none has: files belong together by what their * stands for"),
    validation = kube::core::Rule::new("(!has(self.userGroups) || self.userGroups != self.users) && (!has(self.groups) || self.groups != self.users) && (!has(self.userGroups) || !has(self.groups) || self.groups != self.userGroups)")
        .message("each table is a file of its own")
)]
pub struct Files {
    /// The table of people. It must be there.
    #[serde(default = "default_users")]
    #[schemars(length(min = 1, max = 255), regex(pattern = FILE_NAME))]
    pub users: String,
    /// The table of memberships. If it is named, it must be there. Default: `user_groups.csv`,
    /// if it is there; none where `users` has a `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = FILE_NAME))]
    pub user_groups: Option<String>,
    /// The table of groups. If it is named, it must be there. Default: `groups.csv`, if it is
    /// there; none where `users` has a `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = FILE_NAME))]
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
const FILE_NAME: &str = r"^[^*/]*(\*[^*/]*)?$";

/// Seconds for which a set of files must stand still before it is believed, when nothing else is set.
pub const fn default_settle_seconds() -> i32 {
    10
}

fn default_users() -> String {
    "users.csv".to_owned()
}

//! What a check would pass over in silence: objects that were meant for us and name another group, and
//! files in which nothing is ours.

use super::document::Object;
use super::report::{Problem, Severity};
use crate::api::{GROUP, VERSION};
use crate::check::Input;

/// How alike a group must be to ours for ours to be meant, from 0 to 1. Others have kinds of our names, too.
const ALIKE: f64 = 0.8;

/// A warning for an object with the name of one of our kinds whose group is nearly ours, or is missing.
pub fn mistyped(object: &Object) -> Option<Problem> {
    let version = object.text("/apiVersion")?;
    let group = object.group();
    // The core has no group and only the version v1.
    let forgotten = group.is_empty() && version != "v1";
    if !forgotten && !resembles(group) {
        return None;
    }
    let message = format!(
        "'{version}' is not ours, so this object was not checked; a {} of ours has the apiVersion {GROUP}/{VERSION}",
        object.kind()
    );
    Some(object.problem(Severity::Warning, "apiVersion", message))
}

fn resembles(group: &str) -> bool {
    let group = group.to_lowercase();
    (group.contains("directory") && group.contains("sync"))
        || strsim::normalized_damerau_levenshtein(&group, GROUP) >= ALIKE
}

/// A warning when nothing was there to be checked: the command before us may have failed.
pub fn nothing(inputs: &[Input]) -> Option<Problem> {
    let first = inputs.first()?;
    let others = match inputs.len() - 1 {
        0 => String::new(),
        1 => " or in the other file".to_owned(),
        count => format!(" or in the {count} other files"),
    };
    Some(Problem {
        file: first.name.clone(),
        document: 1,
        line: None,
        kind: None,
        namespace: None,
        name: None,
        field: None,
        severity: Severity::Warning,
        message: format!(
            "there is no object of {GROUP} in it{others}, so nothing was checked; see whether what was to be written \
             into it failed"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_are_nearly_ours_are_told_from_those_of_others() {
        for ours in ["directory-sync", "directorysync.io", "direcotry-sync.io", "directory.sync.io"] {
            assert!(resembles(ours), "{ours}");
        }
        for others in ["", "apps", "directory.example.com", "ldap.directory.io", "sync.example.com"] {
            assert!(!resembles(others), "{others}");
        }
    }
}

//! Everybody who would be in the cluster, as data and as text.

use std::fmt::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::remarks::Remarks;
use super::table::table;
use super::{PreviewError, Reading};
use crate::controller::lasting::Lasting;
use crate::controller::sync::PlanFailure;
use crate::model::{Group, Kind, User};
use crate::plan::{Content, Mirror};
use crate::sink::observed::View;

/// The people and groups that would result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// Name of the Directory.
    pub directory: String,
    /// People, by user name.
    pub users: Vec<Named<User>>,
    /// Groups, by display name.
    pub groups: Vec<Named<Group>>,
    /// Who is held back, and notes.
    #[serde(flatten)]
    pub remarks: Remarks,
}

/// A mirror's name with its content, as `kubectl` would show them.
#[derive(Debug, Serialize)]
pub struct Named<T> {
    /// The object's name.
    pub name: String,
    /// The object's spec.
    pub spec: Spec<T>,
}

/// A mirror's content, with the name of the Directory before it.
#[derive(Debug, Serialize)]
pub struct Spec<T> {
    /// Name of the Directory.
    pub directory: String,
    /// The content.
    #[serde(flatten)]
    pub content: T,
}

fn read<T: DeserializeOwned>(content: &Content) -> Result<T, PlanFailure> {
    Ok(content.read()?)
}

impl Listing {
    /// Normalises a reading.
    ///
    /// # Errors
    /// As in a sync.
    pub fn of(reading: &Reading) -> Result<Self, PreviewError> {
        let planned = reading.plan(&View::default(), &Lasting::default(), "")?;
        let (mut users, mut groups) = (Vec::<Named<User>>::new(), Vec::<Named<Group>>::new());
        let remarks = Remarks::of(reading, &planned, Vec::new())?;
        for Mirror { name, content, .. } in planned.plan.creates {
            let (kind, name) = (name.kind, name.object_name(&reading.directory));
            match kind {
                Kind::User => users.push(Named::new(reading, name, read(&content)?)),
                Kind::Group => groups.push(Named::new(reading, name, read(&content)?)),
            }
        }
        users.sort_by(|one, other| key(one).cmp(&key(other)));
        groups.sort_by(|one, other| {
            (&one.spec.content.display_name, &one.name).cmp(&(&other.spec.content.display_name, &other.name))
        });
        Ok(Self { directory: reading.directory.clone(), users, groups, remarks })
    }

    /// The listing for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = table(
            &["NAME", "EMAIL", "USER NAME", "STATE", "ROLE"],
            self.users.iter().map(|Named { spec: Spec { content: user, .. }, .. }| {
                [
                    full_name(user),
                    user.email.clone().unwrap_or_default(),
                    user.user_name.clone().unwrap_or_default(),
                    user.state.as_str().to_owned(),
                    user.role.clone().unwrap_or_default(),
                ]
            }),
        );
        text.push('\n');
        text.push_str(&table(
            &["GROUP", "MEMBERS"],
            self.groups.iter().map(|Named { spec: Spec { content: group, .. }, .. }| {
                [group.display_name.clone(), group.member_count.to_string()]
            }),
        ));
        // Writing into memory does not fail.
        let _ = writeln!(
            text,
            "\n{}, {}.",
            counted(self.users.len(), "person", "people"),
            counted(self.groups.len(), "group", "groups")
        );
        text.push_str(&self.remarks.text());
        text
    }
}

impl<T> Named<T> {
    fn new(reading: &Reading, name: String, content: T) -> Self {
        Self { name, spec: Spec { directory: reading.directory.clone(), content } }
    }
}

/// The order of people: as a person would look for them.
fn key(user: &Named<User>) -> (&Option<String>, &Option<String>, &String) {
    (&user.spec.content.user_name, &user.spec.content.email, &user.name)
}

/// The name to show of a person, put together from its parts where the directory has no whole one.
fn full_name(user: &User) -> String {
    let whole = user.display_name.as_ref().or(user.name.formatted.as_ref());
    whole.cloned().unwrap_or_else(|| {
        let parts = [&user.name.given, &user.name.family];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    })
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

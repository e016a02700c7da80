//! The line of a person or group: what its object has as spec, after its name. The JSON of the content
//! stands in the line as it was hashed, so that the hash can be told from the line without reading it.

use serde::{Deserialize, Serialize};

use crate::model::{ContentHash, Kind, MirrorName, State, User};

/// A line of a slice, with the key that decides in which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: u128,
    /// The line, without its end.
    pub line: Vec<u8>,
}

/// What the line of a person or group says of its mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whose line it is.
    pub name: MirrorName,
    /// The hash of the content.
    pub hash: ContentHash,
    /// The person's state; groups have none.
    pub state: Option<State>,
    /// How many members the group has.
    pub members: u32,
    /// In how many entries of their own the members are; 0 when they are in the line.
    pub chunks: u32,
}

/// The members that a line is read for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    object_name: String,
    #[serde(default)]
    state: Option<State>,
    #[serde(default)]
    member_count: u32,
    #[serde(default)]
    member_chunks: u32,
    #[serde(default)]
    content_hash: Option<String>,
}

/// The line of a group whose members are entries of their own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LargeGroup<'a> {
    pub object_name: String,
    pub directory: &'a str,
    pub external_id: &'a str,
    pub display_name: &'a str,
    pub member_count: i32,
    /// In how many entries the members are.
    pub member_chunks: u32,
    /// The hash of the content with all members.
    pub content_hash: String,
}

/// The line of a mirror, from the JSON of its content.
#[must_use]
pub fn line(directory: &str, name: MirrorName, json: &[u8]) -> Vec<u8> {
    let mut line = opening(directory, name);
    line.extend_from_slice(json.strip_prefix(b"{").unwrap_or(json));
    line
}

/// How many bytes the line of a mirror has whose JSON has so many.
#[must_use]
pub fn line_bytes(directory: &str, name: MirrorName, json_bytes: usize) -> usize {
    opening(directory, name).len() + json_bytes.saturating_sub(1)
}

/// What a line says; `None` when it is not one of a person or group of this Directory.
#[must_use]
pub fn said(directory: &str, line: &[u8]) -> Option<Said> {
    let head: Head = serde_json::from_slice(line).ok()?;
    let name = MirrorName::parse(directory, &head.object_name)?;
    let hash = match head.content_hash {
        Some(hash) => hash.parse().ok()?,
        None => ContentHash::of_json(&[b"{", line.strip_prefix(opening(directory, name).as_slice())?]),
    };
    let state = head.state.filter(|_| name.kind == Kind::User);
    Some(Said { name, hash, state, members: head.member_count, chunks: head.member_chunks })
}

/// The line of a person made inactive, and otherwise as it is; `None` when it is no person's.
#[must_use]
pub fn deactivated(directory: &str, name: MirrorName, line: &[u8]) -> Option<Vec<u8>> {
    let mut user: User = serde_json::from_slice(line).ok()?;
    user.state = State::Inactive;
    Some(self::line(directory, name, &serde_json::to_vec(&user).ok()?))
}

/// How the line of a mirror begins. A Directory's name needs no escapes.
fn opening(directory: &str, name: MirrorName) -> Vec<u8> {
    format!(r#"{{"objectName":"{}","directory":"{directory}","#, name.object_name(directory)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> (MirrorName, User) {
        let user = User { external_id: "7".into(), title: Some("Analyst".into()), ..User::default() };
        (MirrorName::new(Kind::User, "7"), user)
    }

    #[test]
    fn a_line_says_the_hash_of_its_content_and_is_as_long_as_foretold() {
        let (name, user) = ada();
        let json = serde_json::to_vec(&user).unwrap();
        let line = line("acme", name, &json);
        assert_eq!(line.len(), line_bytes("acme", name, json.len()));
        let said = said("acme", &line).unwrap();
        assert_eq!((said.name, said.hash), (name, ContentHash::of(&user).unwrap()));
        assert_eq!((said.state, said.members, said.chunks), (Some(State::Active), 0, 0));
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!((&value["directory"], &value["title"]), (&"acme".into(), &"Analyst".into()));
    }

    #[test]
    fn lines_of_others_say_nothing() {
        let (name, user) = ada();
        let line = line("acme", name, &serde_json::to_vec(&user).unwrap());
        assert_eq!(said("other", &line), None);
        assert_eq!(said("acme", b"{\"objectName\":\"acme-u-x\"}"), None);
        assert_eq!(said("acme", b"no json"), None);
    }

    #[test]
    fn a_person_is_made_inactive_and_nothing_else() {
        let (name, user) = ada();
        let line = line("acme", name, &serde_json::to_vec(&user).unwrap());
        let said = said("acme", &deactivated("acme", name, &line).unwrap()).unwrap();
        let expected = User { state: State::Inactive, ..user };
        assert_eq!((said.hash, said.state), (ContentHash::of(&expected).unwrap(), Some(State::Inactive)));
    }
}

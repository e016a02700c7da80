//! One consistent view of a Directory's slices, as an application reads it: the slices that the
//! manifest names, each with the hash that the manifest names. Anything else is a view between two.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::manifest::{Manifest, ManifestError};
use super::members::Chunk;
use super::name::{Bucket, Family, SliceName};
use super::payload::{self, PayloadHash};
use crate::model::{Kind, Members};

/// A view: the payloads of all slices, checked against the manifest.
#[derive(Clone, Debug, Default)]
pub struct View {
    payloads: BTreeMap<Bucket, String>,
    members: HashMap<String, Vec<Chunk>>,
}

/// A person or group: the object that would be there instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirrored {
    /// The object's name.
    pub name: String,
    /// The object's spec.
    pub spec: Map<String, Value>,
}

/// Why slices are no view.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is no manifest: the Directory has no slices, or not yet.
    #[error("there is no manifest")]
    NoManifest,
    /// The slices are being written: to be read again.
    #[error("{0} is not as the manifest says: the slices are being written, read them again")]
    Torn(String),
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An entry is not what it should be although its slice is the one that the manifest names.
    #[error("{0} has an entry that cannot be understood")]
    Broken(String),
}

impl View {
    /// Makes a view of a Directory's slices, given as names of objects and payloads in any order.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn of(directory: &str, slices: impl IntoIterator<Item = (String, String)>) -> Result<Self, Unfit> {
        let mut payloads = BTreeMap::new();
        let mut manifest = None;
        for (name, payload) in slices {
            match SliceName::parse(directory, &name) {
                Some(SliceName::Manifest) => manifest = Some(payload),
                Some(SliceName::Bucket(bucket)) => drop(payloads.insert(bucket, payload)),
                None => {}
            }
        }
        let manifest = Manifest::read(directory, &manifest.ok_or(Unfit::NoManifest)?)?;
        let mut view = Self::default();
        for (bucket, summary) in manifest.layout.iter() {
            let payload = payloads.remove(&bucket);
            match payload.filter(|payload| PayloadHash::of(payload) == summary.hash) {
                Some(payload) => drop(view.payloads.insert(bucket, payload)),
                None => return Err(Unfit::Torn(SliceName::Bucket(bucket).object_name(directory))),
            }
        }
        view.read_members(directory)?;
        Ok(view)
    }

    /// Visits all people or all groups, each with its spec as an object would have it.
    ///
    /// # Errors
    /// When an entry cannot be understood, or with the visitor's own error.
    pub fn visit<E: From<Unfit>>(
        &self,
        kind: Kind,
        mut visitor: impl FnMut(Mirrored) -> Result<(), E>,
    ) -> Result<(), E> {
        for (bucket, payload) in self.of_family(Family::of(kind)) {
            let text = payload::read(payload).map_err(|_| broken(bucket))?;
            for line in payload::lines(&text) {
                visitor(self.mirrored(line).ok_or_else(|| broken(bucket))?)?;
            }
        }
        Ok(())
    }

    fn mirrored(&self, line: &[u8]) -> Option<Mirrored> {
        let mut spec: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let name = spec.remove("objectName")?.as_str()?.to_owned();
        if let Some(chunks) = spec.remove("memberChunks") {
            spec.remove("contentHash");
            let found = self.members.get(&name).map(Vec::as_slice).unwrap_or_default();
            let complete = chunks.as_u64() == u64::try_from(found.len()).ok();
            let mut members = Members::default();
            for chunk in found {
                members.users.extend_from_slice(&chunk.members.users);
                members.groups.extend_from_slice(&chunk.members.groups);
            }
            members.users.sort_unstable();
            members.groups.sort_unstable();
            if !complete || spec.get("memberCount")?.as_u64() != u64::try_from(members.len()).ok() {
                return None;
            }
            spec.insert("members".to_owned(), serde_json::to_value(members).ok()?);
        }
        Some(Mirrored { name, spec })
    }

    fn read_members(&mut self, directory: &str) -> Result<(), Unfit> {
        let mut members: HashMap<String, Vec<Chunk>> = HashMap::new();
        for (bucket, payload) in self.of_family(Family::Members) {
            let unfit = || Unfit::Broken(SliceName::Bucket(bucket).object_name(directory));
            let text = payload::read(payload).map_err(|_| unfit())?;
            for line in payload::lines(&text) {
                let chunk: Chunk = serde_json::from_slice(line).map_err(|_| unfit())?;
                members.entry(chunk.group.clone()).or_default().push(chunk);
            }
        }
        self.members = members;
        Ok(())
    }

    fn of_family(&self, family: Family) -> impl Iterator<Item = (Bucket, &String)> {
        let all = self.payloads.iter().map(|(bucket, payload)| (*bucket, payload));
        all.filter(move |(bucket, _)| bucket.family == family)
    }
}

fn broken(bucket: Bucket) -> Unfit {
    Unfit::Broken(format!("the slice {bucket}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContentHash, Group, MirrorName, User};
    use crate::slice::{Layout, Payload, Summary, entry, members};

    /// Slices with the lines of one bucket for each family.
    fn slices(lines: &[(Family, Vec<Vec<u8>>)]) -> Vec<(String, String)> {
        let mut layout = Layout::default();
        let mut slices = Vec::new();
        for (family, lines) in lines {
            let payload = Payload::write(lines.iter().map(Vec::as_slice)).unwrap();
            let bucket = Bucket { family: *family, prefix: crate::slice::Prefix::ROOT };
            layout.insert(bucket, Summary { hash: payload.hash, entries: 1, bytes: 1 });
            slices.push((SliceName::Bucket(bucket).object_name("acme"), payload.text));
        }
        let manifest = Manifest { layout, users: 0, groups: 0 }.write("acme").unwrap();
        slices.push((SliceName::Manifest.object_name("acme"), manifest.text));
        slices
    }

    fn person(title: &str) -> Vec<u8> {
        let user = User { external_id: "7".into(), title: Some(title.into()), ..User::default() };
        entry::line("acme", MirrorName::new(Kind::User, "7"), &serde_json::to_vec(&user).unwrap())
    }

    fn visited(view: &View, kind: Kind) -> Vec<Mirrored> {
        let mut all = Vec::new();
        view.visit::<Unfit>(kind, |mirrored| {
            all.push(mirrored);
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn a_person_comes_as_the_object_that_would_be_there() {
        let view = View::of("acme", slices(&[(Family::Users, vec![person("Analyst")])])).unwrap();
        let people = visited(&view, Kind::User);
        assert_eq!(people[0].name, MirrorName::new(Kind::User, "7").object_name("acme"));
        assert_eq!(
            (&people[0].spec["directory"], &people[0].spec["title"]),
            (&"acme".into(), &"Analyst".into())
        );
        assert!(!people[0].spec.contains_key("objectName"));
    }

    #[test]
    fn a_slice_that_was_written_after_the_manifest_or_is_missing_is_noticed() {
        let before = slices(&[(Family::Users, vec![person("Analyst")])]);
        let after = slices(&[(Family::Users, vec![person("Engineer")])]);
        let torn = vec![after[0].clone(), before[1].clone()];
        assert_eq!(View::of("acme", torn).unwrap_err(), Unfit::Torn("acme-s-u".into()));
        assert!(matches!(View::of("acme", before[1..].to_vec()), Err(Unfit::Torn(_))));
        assert_eq!(View::of("acme", before[..1].to_vec()).unwrap_err(), Unfit::NoManifest);
        // What the manifest does not name yet, or no longer, does not matter.
        let more = [after, vec![("acme-s-u-0".to_owned(), "old".to_owned())]].concat();
        assert!(View::of("acme", more).is_ok());
    }

    #[test]
    fn a_large_group_comes_with_all_its_members_or_not_at_all() {
        let mut users: Vec<String> =
            (0..1_500).map(|id| MirrorName::new(Kind::User, &id.to_string()).object_name("acme")).collect();
        users.sort_unstable();
        let group = Group {
            external_id: "g".into(),
            member_count: 1_500,
            members: Members { users, groups: Vec::new() },
            ..Group::default()
        };
        let name = MirrorName::new(Kind::Group, "g");
        let members::Divided { line, entries } =
            members::divide("acme", name, ContentHash::of(&group).unwrap(), &group).unwrap().unwrap();
        let lines: Vec<Vec<u8>> = entries.into_iter().map(|entry| entry.line).collect();
        let of = |lines: &[Vec<u8>]| {
            let slices = slices(&[(Family::Groups, vec![line.clone()]), (Family::Members, lines.to_vec())]);
            View::of("acme", slices).unwrap()
        };
        let found = visited(&of(&lines), Kind::Group);
        assert_eq!(serde_json::from_value::<Group>(found[0].spec.clone().into()).unwrap(), group);
        let lacking = of(&lines[1..]);
        assert!(lacking.visit::<Unfit>(Kind::Group, |_| Ok(())).is_err());
    }
}

//! Records that a source could not turn into people or groups: what is known of them all the same.

use std::collections::HashSet;

use super::key::Key;
use super::name::MirrorName;
use super::record::{ExternalId, Kind, Links, Rejected};

/// Of how many lost records it is kept why they could not be used; the others are only counted.
const MAX_EXPLAINED: usize = 100;

/// What is known of a record that could not be used.
#[derive(Clone, Debug)]
pub struct Lost {
    /// What it would have been.
    pub kind: Kind,
    /// Its id, when that much could be read.
    pub id: Option<ExternalId>,
    /// How it hangs together with others.
    pub links: Box<Links>,
    /// Where it stands and why it could not be used.
    why: Option<Box<str>>,
}

impl Lost {
    /// The mirror that stays as it is.
    #[must_use]
    pub fn mirror(&self) -> Option<MirrorName> {
        self.id.as_ref().map(|id| MirrorName::new(self.kind, id.as_str()))
    }

    /// Where it stands and why it could not be used, of the first hundred; names no person.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    fn bytes(&self) -> usize {
        let Links { keys, members, member_of, display_name } = &*self.links;
        let keys = [keys, members, member_of].into_iter().flatten().flatten();
        size_of::<Self>()
            + self.why.as_ref().map_or(0, |why| why.len())
            + display_name.as_ref().map_or(0, String::len)
            + keys.map(|key| size_of::<Key>() + key.0.len()).sum::<usize>()
    }
}

/// All records of one source that could not be used.
#[derive(Debug, Default)]
pub struct LostRecords {
    list: Vec<Lost>,
    mirrors: HashSet<MirrorName>,
    bytes: usize,
}

impl LostRecords {
    /// Adds one.
    pub fn add(&mut self, rejected: Rejected) {
        let Rejected { kind, id, position, reason, links } = rejected;
        let explained = self.list.len() < MAX_EXPLAINED;
        let why = explained.then(|| format!("{position}: {reason}").into_boxed_str());
        let lost = Lost { kind, id, links, why };
        self.mirrors.extend(lost.mirror());
        self.bytes += lost.bytes();
        self.list.push(lost);
    }

    /// All of them, in order of arrival.
    #[must_use]
    pub fn all(&self) -> &[Lost] {
        &self.list
    }

    /// Those of one kind, in order of arrival.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Lost> {
        self.list.iter().filter(move |lost| lost.kind == kind)
    }

    /// Whether one of them is of this kind and id.
    #[must_use]
    pub fn has(&self, kind: Kind, external_id: &str) -> bool {
        self.mirrors.contains(&MirrorName::new(kind, external_id))
    }

    /// Whether some of a kind have no readable id, so that nobody of the kind can be called missing.
    #[must_use]
    pub fn has_unidentified(&self, kind: Kind) -> bool {
        self.of(kind).any(|lost| lost.id.is_none())
    }

    /// Where one of them stands and why it could not be used; names no person.
    #[must_use]
    pub fn example(&self) -> Option<&str> {
        self.list.iter().find_map(Lost::why)
    }

    /// Bytes of memory that they take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_known_by_kind_and_id_and_takes_its_bytes() {
        let mut all = LostRecords::default();
        for (kind, id) in [(Kind::Group, Some("1")), (Kind::User, None)] {
            all.add(Rejected {
                kind,
                id: id.and_then(ExternalId::new),
                position: "users.csv line 3".into(),
                reason: "no state".into(),
                links: Links::alone(Some(vec![Key("user:1".into())])).into(),
            });
        }
        assert!(all.bytes() > 0);
        let lost: Vec<_> = all.all().iter().map(Lost::mirror).collect();
        assert_eq!(lost, [Some(MirrorName::new(Kind::Group, "1")), None]);
        assert!(all.has(Kind::Group, "1") && !all.has(Kind::User, "1"));
        assert!(all.has_unidentified(Kind::User) && !all.has_unidentified(Kind::Group));
        assert_eq!(all.example(), Some("users.csv line 3: no state"));
    }
}

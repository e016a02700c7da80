//! Names of slices: a function of the Directory's name, the kind of entries and the bits that their
//! keys have in common, so that a restart needs no memory.

use std::fmt;

use super::prefix::Prefix;
use crate::api::slice::SliceContent;
use crate::model::Kind;

/// What the entries of a bucket are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Members of large groups.
    Members,
    /// Groups.
    Groups,
    /// People.
    Users,
}

impl Family {
    /// All families, in the order in which they are written: memberships before the people they are
    /// about.
    pub const ALL: [Self; 3] = [Self::Members, Self::Groups, Self::Users];

    /// The family of a mirror's entry.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::User => Self::Users,
            Kind::Group => Self::Groups,
        }
    }

    const fn letter(self) -> &'static str {
        match self {
            Self::Members => "m",
            Self::Groups => "g",
            Self::Users => "u",
        }
    }

    /// The word for it in a slice's spec.
    #[must_use]
    pub const fn content(self) -> SliceContent {
        match self {
            Self::Members => SliceContent::Members,
            Self::Groups => SliceContent::Groups,
            Self::Users => SliceContent::Users,
        }
    }
}

/// The entries of one family whose keys begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket {
    /// What the entries are.
    pub family: Family,
    /// What their keys begin with.
    pub prefix: Prefix,
}

/// What a slice is, as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SliceName {
    /// The list of all slices of a view.
    Manifest,
    /// A part of the entries.
    Bucket(Bucket),
}

const MANIFEST: &str = "manifest";

impl SliceName {
    /// The object's name under a Directory: `acme-s-u-0110` or `acme-s-manifest`.
    #[must_use]
    pub fn object_name(&self, directory: &str) -> String {
        format!("{directory}-s-{self}")
    }

    /// Reads an object's name back; `None` when it is not one that this Directory gives.
    #[must_use]
    pub fn parse(directory: &str, object_name: &str) -> Option<Self> {
        let rest = object_name.strip_prefix(directory)?.strip_prefix("-s-")?;
        if rest == MANIFEST {
            return Some(Self::Manifest);
        }
        let (letter, bits) = rest.split_once('-').unwrap_or((rest, ""));
        let family = Family::ALL.into_iter().find(|family| family.letter() == letter)?;
        let prefix = Prefix::parse(bits)?;
        let bucket = Bucket { family, prefix };
        (bucket.to_string() == rest).then_some(Self::Bucket(bucket))
    }

    /// The word for it in a slice's spec.
    #[must_use]
    pub const fn content(&self) -> SliceContent {
        match self {
            Self::Manifest => SliceContent::Manifest,
            Self::Bucket(bucket) => bucket.family.content(),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.prefix.is_root() { "" } else { "-" };
        write!(f, "{}{separator}{}", self.family.letter(), self.prefix)
    }
}

impl fmt::Display for SliceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str(MANIFEST),
            Self::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_those_of_others_do_not() {
        let users = Bucket { family: Family::Users, prefix: Prefix::parse("0110").unwrap() };
        let groups = Bucket { family: Family::Groups, prefix: Prefix::ROOT };
        let names = [SliceName::Manifest, SliceName::Bucket(users), SliceName::Bucket(groups)];
        let texts = names.map(|name| name.object_name("acme"));
        assert_eq!(texts, ["acme-s-manifest", "acme-s-u-0110", "acme-s-g"]);
        assert_eq!(texts.map(|text| SliceName::parse("acme", &text)), names.map(Some));
        for other in ["acme-s-x-01", "acme-s-u-", "acme-s-u-012", "acme-u-0110", "other-s-u", "acme-s-"] {
            assert_eq!(SliceName::parse("acme", other), None, "{other}");
        }
    }
}

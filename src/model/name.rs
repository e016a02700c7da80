//! Object names of mirrors: a function of directory name, kind and external id alone, so that a
//! member entry needs no look-up and a restart needs no memory.

use std::fmt::{self, Write as _};

use super::record::Kind;

/// 100 bits of hash: 20 characters of base32.
const HASH_CHARACTERS: usize = 20;

/// The part of a mirror's name that stands for its external id: 100 bits, kept as a number so
/// that an index of 100,000 names costs no strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MirrorName {
    /// Person or group.
    pub kind: Kind,
    /// The hash of kind and external id.
    pub id: u128,
}

impl MirrorName {
    /// The name of the mirror of one external id.
    #[must_use]
    pub fn new(kind: Kind, external_id: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(kind.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(external_id.as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self { kind, id: u128::from_be_bytes(half) >> 28 }
    }

    /// The object name under a Directory: `acme-u-k3m…` or `acme-g-…`.
    #[must_use]
    pub fn object_name(&self, directory: &str) -> String {
        format!("{directory}-{self}")
    }

    /// Reads an object name back; `None` when it is not a name that this directory gives.
    #[must_use]
    pub fn parse(directory: &str, object_name: &str) -> Option<Self> {
        let rest = object_name.strip_prefix(directory)?.strip_prefix('-')?;
        let (kind, hash) = match rest.split_at_checked(2)? {
            ("u-", hash) => (Kind::User, hash),
            ("g-", hash) => (Kind::Group, hash),
            _ => return None,
        };
        if hash.len() != HASH_CHARACTERS {
            return None;
        }
        let mut id = 0_u128;
        for character in hash.bytes() {
            let digit = ALPHABET.iter().position(|&known| known == character)?;
            id = id << 5 | digit as u128;
        }
        Some(Self { kind, id })
    }
}

/// RFC 4648 base32 in lower case: every character is legal in an object name.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl fmt::Display for MirrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::User => "u-",
            Kind::Group => "g-",
        })?;
        (0..HASH_CHARACTERS).rev().try_for_each(|place| {
            let digit = (self.id >> (5 * place)) & 31;
            f.write_char(char::from(ALPHABET[digit as usize]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_every_time_and_reads_back() {
        let name = MirrorName::new(Kind::User, "00u1");
        let text = name.object_name("acme");
        assert_eq!(text.len(), "acme-u-".len() + 20);
        assert_eq!(MirrorName::parse("acme", &text), Some(name));
        assert_eq!(text, MirrorName::new(Kind::User, "00u1").object_name("acme"));
    }

    #[test]
    fn a_user_and_a_group_with_one_id_have_two_names() {
        assert_ne!(MirrorName::new(Kind::User, "7").id, MirrorName::new(Kind::Group, "7").id);
    }

    #[test]
    fn names_of_others_are_not_read_as_ours() {
        assert_eq!(MirrorName::parse("acme", "acme-x-aaaaaaaaaaaaaaaaaaaa"), None);
        assert_eq!(MirrorName::parse("acme", "acme-u-short"), None);
        assert_eq!(MirrorName::parse("acme", "other-u-aaaaaaaaaaaaaaaaaaaa"), None);
        assert_eq!(MirrorName::parse("acme", "acme-u-aaaaaaaaaaaaaaaaaaa1"), None);
    }
}

//! The fingerprint by which a mirror is known to be current without reading it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Changes when the meaning of hashed content changes, so that an upgrade rewrites mirrors once.
const VERSION: u8 = 1;

/// 128 bits of BLAKE3 over a value's JSON form: enough that no two contents meet by chance or
/// by malice, half the size of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub u128);

impl ContentHash {
    /// Hashes a value as it is serialised: struct fields in their order, maps by key.
    ///
    /// # Errors
    /// When the value cannot be written as JSON (a map with keys that are not strings).
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[VERSION]);
        serde_json::to_writer(&mut hasher, value)?;
        Ok(Self(first_128_bits(&hasher.finalize())))
    }

    /// Hashes a value by its JSON, given in parts.
    #[must_use]
    pub fn of_json(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[VERSION]);
        for part in parts {
            hasher.update(part);
        }
        Self(first_128_bits(&hasher.finalize()))
    }

    /// Hashes bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(first_128_bits(&blake3::hash(bytes)))
    }
}

fn first_128_bits(hash: &blake3::Hash) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_be_bytes(half)
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for ContentHash {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_being_written_and_read() {
        let hash = ContentHash::of("ada").unwrap();
        assert_eq!(hash.to_string().parse::<ContentHash>().unwrap(), hash);
    }

    #[test]
    fn a_value_and_its_json_have_one_hash() {
        assert_eq!(ContentHash::of("ada").unwrap(), ContentHash::of_json(&[b"\"a", b"da\""]));
    }

    #[test]
    fn different_content_has_a_different_hash() {
        assert_ne!(ContentHash::of("ada").unwrap(), ContentHash::of("adb").unwrap());
    }
}

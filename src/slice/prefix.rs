//! The leading bits that the keys of a bucket have in common.

use std::fmt;

/// Bits of a key: as many as the hash in a mirror's name has.
pub const KEY_BITS: u8 = 100;

/// The leading bits of a key; none at all for the bucket that holds everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    bits: u128,
    length: u8,
}

impl Prefix {
    /// The prefix that all keys have.
    pub const ROOT: Self = Self { bits: 0, length: 0 };

    /// Whether a key begins with it.
    #[must_use]
    pub const fn contains(&self, key: u128) -> bool {
        key >> (KEY_BITS - self.length) == self.bits
    }

    /// The smallest key that begins with it.
    #[must_use]
    pub const fn first_key(&self) -> u128 {
        self.bits << (KEY_BITS - self.length)
    }

    /// How many bits it has.
    #[must_use]
    pub const fn depth(&self) -> u8 {
        self.length
    }

    /// Whether it is the prefix of all keys.
    #[must_use]
    pub const fn is_root(&self) -> bool {
        self.length == 0
    }

    /// Its two halves; `None` when it is a whole key already.
    #[must_use]
    pub const fn children(&self) -> Option<[Self; 2]> {
        if self.length == KEY_BITS {
            return None;
        }
        let length = self.length + 1;
        Some([Self { bits: self.bits << 1, length }, Self { bits: (self.bits << 1) | 1, length }])
    }

    /// The prefix that it is a half of, and the other half; `None` for the root.
    #[must_use]
    pub const fn parent_and_sibling(&self) -> Option<(Self, Self)> {
        if self.length == 0 {
            return None;
        }
        let parent = Self { bits: self.bits >> 1, length: self.length - 1 };
        Some((parent, Self { bits: self.bits ^ 1, length: self.length }))
    }

    /// Reads a prefix written as zeros and ones.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let length = u8::try_from(text.len()).ok().filter(|length| *length <= KEY_BITS)?;
        let mut bits = 0;
        for digit in text.bytes() {
            bits = (bits << 1)
                | match digit {
                    b'0' => 0,
                    b'1' => 1,
                    _ => return None,
                };
        }
        Some(Self { bits, length })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.length).rev().try_for_each(|place| write!(f, "{}", (self.bits >> place) & 1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_key_of_a_prefix_is_in_just_one_of_its_halves(key in 0_u128..1 << KEY_BITS, depth in 0_u8..KEY_BITS) {
            let mut prefix = Prefix::ROOT;
            for _ in 0..depth {
                let [zero, one] = prefix.children().unwrap();
                prop_assert!(zero.contains(key) != one.contains(key));
                let next = if zero.contains(key) { zero } else { one };
                let other = if zero.contains(key) { one } else { zero };
                prop_assert_eq!(next.parent_and_sibling(), Some((prefix, other)));
                prefix = next;
            }
            prop_assert!(prefix.contains(key) && prefix.contains(prefix.first_key()));
            prop_assert_eq!(Prefix::parse(&prefix.to_string()), Some(prefix));
        }
    }

    #[test]
    fn what_is_no_prefix_is_not_read_as_one() {
        assert_eq!(Prefix::parse("012"), None);
        assert_eq!(Prefix::parse(&"0".repeat(101)), None);
        assert_eq!(Prefix::parse(""), Some(Prefix::ROOT));
    }
}

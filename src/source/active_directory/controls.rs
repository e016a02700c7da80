//! The controls of Active Directory ([MS-ADTS] section 3.1.1.3.4.1).

use lber::structures::{ASNTag, Integer, OctetString, Sequence, Tag};
use ldap3::controls::{Control, RawControl};

use crate::source::ldap_protocol::wire::ber::{self, tag};
use crate::source::ldap_protocol::wire::control;

/// DirSync, as the root DSE lists it.
pub const DIRSYNC: &str = "1.2.840.113556.1.4.841";
/// Names with ids.
const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
/// Deleted objects are found, too.
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// No references to other partitions and domains.
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";

/// Only what the account may read: then no special right is needed.
const OBJECT_SECURITY: i64 = 0x1;
/// Of long lists only the values that changed, as the signed number that 0x80000000 is.
const INCREMENTAL_VALUES: i64 = -0x8000_0000;

/// How many bytes one answer of DirSync may have, about.
const DIRSYNC_BYTES: i64 = 1 << 20;

/// Asks for names with ids as text before them.
pub fn extended_names() -> RawControl {
    let value = encode(vec![integer(1)]);
    RawControl { ctype: EXTENDED_DN.to_owned(), crit: true, val: Some(value) }
}

/// Asks for deleted objects, too.
pub fn show_deleted() -> RawControl {
    RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None }
}

/// Spares references to other partitions; a server without it sends them, and they are not
/// followed.
pub fn domain_scope() -> RawControl {
    RawControl { ctype: DOMAIN_SCOPE.to_owned(), crit: false, val: None }
}

/// Asks for what changed since a cookie; an empty cookie is the beginning.
pub fn dirsync(cookie: &[u8]) -> RawControl {
    let cookie = Tag::OctetString(OctetString { inner: cookie.to_vec(), ..OctetString::default() });
    let flags = OBJECT_SECURITY + INCREMENTAL_VALUES;
    let value = encode(vec![integer(flags), integer(DIRSYNC_BYTES), cookie]);
    RawControl { ctype: DIRSYNC.to_owned(), crit: true, val: Some(value) }
}

/// What an answer to DirSync ends with: whether there is more, and the cookie to go on from.
/// `None` when it does not say.
pub fn dirsync_done(controls: &[Control]) -> Option<(bool, Vec<u8>)> {
    let (value, _) = ber::expect(control(controls, DIRSYNC)?, tag::SEQUENCE)?;
    let (more, rest) = ber::expect(value, tag::INTEGER)?;
    let (_, rest) = ber::expect(rest, tag::INTEGER)?;
    let (cookie, _) = ber::expect(rest, tag::OCTET_STRING)?;
    Some((more.iter().any(|&byte| byte != 0), cookie.to_vec()))
}

fn integer(inner: i64) -> Tag {
    Tag::Integer(Integer { inner, ..Integer::default() })
}

#[expect(clippy::default_trait_access, reason = "the buffer's type is of a crate that only lber depends on")]
fn encode(inner: Vec<Tag>) -> Vec<u8> {
    let sequence = Tag::Sequence(Sequence { inner, ..Sequence::default() }).into_structure();
    let mut bytes = Default::default();
    // Writing to memory cannot fail.
    let _ = lber::write::encode_into(&mut bytes, sequence);
    bytes.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dirsync_asks_by_the_accounts_own_rights_and_for_changed_values() {
        let value = dirsync(b"MSDS").val.unwrap();
        let expected = [
            &[0x30, 0x11, 0x02, 0x04, 0x80, 0x00, 0x00, 0x01, 0x02, 0x03, 0x10, 0x00, 0x00, 0x04, 0x04][..],
            b"MSDS",
        ];
        assert_eq!(value, expected.concat());
    }

    #[test]
    fn the_end_of_an_answer_says_whether_there_is_more() {
        let answer = |value: &[u8]| {
            let raw = RawControl { ctype: DIRSYNC.to_owned(), crit: false, val: Some(value.to_vec()) };
            dirsync_done(&[Control(None, raw)])
        };
        assert_eq!(answer(&[0x30, 9, 2, 1, 1, 2, 1, 0, 4, 1, 7]), Some((true, vec![7])));
        assert_eq!(answer(&[0x30, 9, 2, 1, 0, 2, 1, 0, 4, 1, 7]), Some((false, vec![7])));
        assert_eq!(answer(&[0x30, 3, 2, 1, 0]), None);
        assert_eq!(dirsync_done(&[]), None);
    }
}

//! The controls and intermediate messages of paging (RFC 2696) and content synchronisation
//! (RFC 4533) in answers.

use ldap3::controls::{Control, RawControl};

use super::ber::{self, tag};

/// Paged results (RFC 2696).
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// Sync State, at an entry (RFC 4533 section 2.3).
const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
/// Sync Done, at the end (RFC 4533 section 2.4).
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
/// Sync Info, between entries (RFC 4533 section 2.5).
const SYNC_INFO: &str = "1.3.6.1.4.1.4203.1.9.1.4";

/// The id by which a list of changes names an entry: its entryUUID.
pub type EntryId = [u8; 16];

/// What the server says of an entry in a list of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Present and unchanged.
    Present,
    /// New or changed.
    Changed,
    /// Gone.
    Deleted,
}

/// What an intermediate message of a list of changes says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Info {
    /// A newer cookie.
    Cookie(Vec<u8>),
    /// A phase ended, with a newer cookie where there is one.
    Phase {
        /// Whether the phase named what is gone; otherwise it named what is still there.
        deletes: bool,
        /// A newer cookie.
        cookie: Option<Vec<u8>>,
    },
    /// A set of entries by their ids.
    Ids {
        /// Whether they are gone; otherwise they are still there.
        deletes: bool,
        /// The ids; `None` when they cannot be read.
        ids: Option<Vec<EntryId>>,
    },
}

/// The value of a control in an answer.
pub fn control<'a>(controls: &'a [Control], oid: &str) -> Option<&'a [u8]> {
    let Control(_, RawControl { val, .. }) = controls.iter().find(|control| control.1.ctype == oid)?;
    val.as_deref()
}

/// The cookie with which the next page is asked for: empty when there is none, `None` when the
/// answer does not say.
pub fn paging_cookie(controls: &[Control]) -> Option<Vec<u8>> {
    let (value, _) = ber::expect(control(controls, PAGED_RESULTS)?, tag::SEQUENCE)?;
    let (_, rest) = ber::expect(value, tag::INTEGER)?;
    ber::expect(rest, tag::OCTET_STRING).map(|(cookie, _)| cookie.to_vec())
}

/// What the server says of an entry in a list of changes, and the entry's id.
pub fn sync_state(controls: &[Control]) -> Option<(State, EntryId)> {
    let (value, _) = ber::expect(control(controls, SYNC_STATE)?, tag::SEQUENCE)?;
    let (state, rest) = ber::expect(value, tag::ENUMERATED)?;
    let state = match ber::number(state)? {
        0 => State::Present,
        1 | 2 => State::Changed,
        3 => State::Deleted,
        _ => return None,
    };
    let (id, _) = ber::expect(rest, tag::OCTET_STRING)?;
    Some((state, id.try_into().ok()?))
}

/// The end of a list of changes: a newer cookie, and whether what is gone was named. `None` when
/// the answer does not say.
pub fn sync_done(controls: &[Control]) -> Option<(Option<Vec<u8>>, bool)> {
    let (value, _) = ber::expect(control(controls, SYNC_DONE)?, tag::SEQUENCE)?;
    let (cookie, rest) = sync_cookie(value);
    Some((cookie, flag(rest, false)))
}

/// The optional cookie at the start of a message, and what follows it.
fn sync_cookie(value: &[u8]) -> (Option<Vec<u8>>, &[u8]) {
    match ber::expect(value, tag::OCTET_STRING) {
        Some((cookie, rest)) => (Some(cookie.to_vec()), rest),
        None => (None, value),
    }
}

fn flag(value: &[u8], default: bool) -> bool {
    ber::expect(value, tag::BOOLEAN).map_or(default, |(content, _)| content != [0])
}

/// Reads an intermediate response's name and value; `None` when it is not of RFC 4533.
pub fn sync_info(name: &[u8], value: &[u8]) -> Option<Info> {
    if name != SYNC_INFO.as_bytes() {
        return None;
    }
    let (kind, content, _) = ber::element(value)?;
    match kind {
        0x80 => Some(Info::Cookie(content.to_vec())),
        0xa1 => Some(Info::Phase { deletes: true, cookie: sync_cookie(content).0 }),
        0xa2 => Some(Info::Phase { deletes: false, cookie: sync_cookie(content).0 }),
        0xa3 => {
            let (_, rest) = sync_cookie(content);
            let deletes = flag(rest, false);
            let rest = ber::expect(rest, tag::BOOLEAN).map_or(rest, |(_, rest)| rest);
            Some(Info::Ids { deletes, ids: entry_ids(rest) })
        }
        _ => None,
    }
}

/// Reads a set of ids.
fn entry_ids(value: &[u8]) -> Option<Vec<EntryId>> {
    let (mut set, _) = ber::expect(value, tag::SET)?;
    let mut ids = Vec::with_capacity(set.len() / 18);
    while !set.is_empty() {
        let (id, rest) = ber::expect(set, tag::OCTET_STRING)?;
        ids.push(id.try_into().ok()?);
        set = rest;
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(oid: &str, value: &[u8]) -> Vec<Control> {
        vec![Control(None, RawControl { ctype: oid.to_owned(), crit: false, val: Some(value.to_vec()) })]
    }

    #[test]
    fn the_last_page_has_an_empty_cookie_and_silence_is_not_the_last_page() {
        let last = answer(PAGED_RESULTS, &[0x30, 5, 2, 1, 0, 4, 0]);
        assert_eq!(paging_cookie(&last), Some(Vec::new()));
        let more = answer(PAGED_RESULTS, &[0x30, 7, 2, 1, 0, 4, 2, 8, 9]);
        assert_eq!(paging_cookie(&more), Some(vec![8, 9]));
        assert_eq!(paging_cookie(&[]), None);
        assert_eq!(paging_cookie(&answer(PAGED_RESULTS, &[0x30, 9, 2])), None);
    }

    #[test]
    fn the_end_of_a_present_phase_is_told_from_that_of_a_delete_phase() {
        assert_eq!(sync_done(&answer(SYNC_DONE, &[0x30, 3, 1, 1, 0xff])), Some((None, true)));
        assert_eq!(sync_done(&answer(SYNC_DONE, &[0x30, 3, 4, 1, 7])), Some((Some(vec![7]), false)));
        assert_eq!(sync_done(&[]), None);
    }

    #[test]
    fn intermediate_messages_are_told_apart() {
        let info = |value: &[u8]| sync_info(SYNC_INFO.as_bytes(), value);
        assert_eq!(info(&[0x80, 1, 7]), Some(Info::Cookie(vec![7])));
        assert_eq!(info(&[0xa1, 0]), Some(Info::Phase { deletes: true, cookie: None }));
        assert_eq!(info(&[0xa2, 3, 4, 1, 7]), Some(Info::Phase { deletes: false, cookie: Some(vec![7]) }));
        assert_eq!(info(&[0xa3, 2, 0x31, 0]), Some(Info::Ids { deletes: false, ids: Some(Vec::new()) }));
        let one = [&[0xa3, 26, 4, 1, 7, 1, 1, 0xff, 0x31, 18, 4, 16], &[9; 16][..]].concat();
        assert_eq!(info(&one), Some(Info::Ids { deletes: true, ids: Some(vec![[9; 16]]) }));
        assert_eq!(info(&[0xa3, 5, 0x31, 3, 4, 1, 9]), Some(Info::Ids { deletes: false, ids: None }));
        assert_eq!(info(&[0xa9, 0]), None);
        assert_eq!(sync_info(b"1.2.3", &[0x80, 1, 7]), None);
    }
}

//! The envelope of a server's messages (RFC 4511 section 4.1.1), checked before the LDAP library
//! may parse them: at what it does not expect it panics, and prints the bytes.

use super::ber::{self, tag};

/// The parts of messages that have tags of their own.
mod part {
    /// BindResponse.
    pub const BIND_RESPONSE: u8 = 0x61;
    /// SearchResultEntry.
    pub const SEARCH_ENTRY: u8 = 0x64;
    /// SearchResultDone.
    pub const SEARCH_DONE: u8 = 0x65;
    /// SearchResultReference.
    pub const SEARCH_REFERENCE: u8 = 0x73;
    /// IntermediateResponse.
    pub const INTERMEDIATE: u8 = 0x79;
    /// The controls behind the operation.
    pub const CONTROLS: u8 = 0xa0;
    /// The referral of a result.
    pub const REFERRAL: u8 = 0xa3;
}

/// The id of the request to sign in, where there is one: it is the first.
const SIGN_IN: u32 = 1;

/// The bits of a tag that are its number.
const NUMBER: u8 = 0x1f;

/// Whether a message, without its own tag and length, answers a request of ours in the form that
/// RFC 4511 gives to such answers. `signs_in` says whether the first request is to sign in; all
/// others are searches. The message is well formed ([`ber::well_formed`]).
pub fn is_answer(message: &[u8], signs_in: bool) -> bool {
    answer(message, signs_in).is_some()
}

fn answer(message: &[u8], signs_in: bool) -> Option<()> {
    let (id, rest) = ber::expect(message, tag::INTEGER)?;
    let to_sign_in = ber::number(id)? == SIGN_IN && signs_in;
    let (operation, content, rest) = ber::element(rest)?;
    match (operation, to_sign_in) {
        (part::BIND_RESPONSE, true) | (part::SEARCH_DONE, false) => result(content)?,
        // Their contents are read by code of ours.
        (part::SEARCH_ENTRY | part::SEARCH_REFERENCE | part::INTERMEDIATE, false) => {}
        _ => return None,
    }
    if rest.is_empty() {
        return Some(());
    }
    match ber::expect(rest, part::CONTROLS)? {
        (controls, []) => each(controls, tag::SEQUENCE, control),
        _ => None,
    }
}

/// A result (section 4.1.9), with what a bind response or a referral has besides.
fn result(content: &[u8]) -> Option<()> {
    let (code, rest) = ber::expect(content, tag::ENUMERATED)?;
    ber::number(code)?;
    let (name, rest) = ber::expect(rest, tag::OCTET_STRING)?;
    let (text, mut rest) = ber::expect(rest, tag::OCTET_STRING)?;
    is_text(name)?;
    is_text(text)?;
    while !rest.is_empty() {
        let (kind, content, after) = ber::element(rest)?;
        match kind {
            part::REFERRAL => each(content, tag::OCTET_STRING, is_text)?,
            // The library tells these by their numbers alone: in any other form they are not
            // what it takes them for. 7 are credentials; 10 and 11 no answer of ours has.
            0x87 => {}
            _ if matches!(kind & NUMBER, 3 | 7 | 10 | 11) => return None,
            _ => {}
        }
        rest = after;
    }
    Some(())
}

/// A control (section 4.1.11).
fn control(content: &[u8]) -> Option<()> {
    let (kind, mut rest) = ber::expect(content, tag::OCTET_STRING)?;
    is_text(kind)?;
    if let Some((critical, after)) = ber::expect(rest, tag::BOOLEAN) {
        critical.first()?;
        rest = after;
    }
    if let Some((_, after)) = ber::expect(rest, tag::OCTET_STRING) {
        rest = after;
    }
    rest.is_empty().then_some(())
}

/// Checks all elements of a list, which all have the same tag.
fn each(mut list: &[u8], tag: u8, check: fn(&[u8]) -> Option<()>) -> Option<()> {
    while !list.is_empty() {
        let (content, rest) = ber::expect(list, tag)?;
        check(content)?;
        list = rest;
    }
    Some(())
}

fn is_text(bytes: &[u8]) -> Option<()> {
    std::str::from_utf8(bytes).ok().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element with a short content.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    /// A message to a request, without its own tag and length.
    fn message(id: u8, operation: u8, content: &[u8]) -> Vec<u8> {
        [element(tag::INTEGER, &[id]), element(operation, content)].concat()
    }

    /// A result with code 0 and what follows its texts.
    fn success(rest: &[u8]) -> Vec<u8> {
        [&[0x0a, 1, 0, 4, 0, 4, 0], rest].concat()
    }

    #[test]
    fn answers_to_signing_in_and_to_searches_are_taken_each_at_its_place() {
        let bind = message(1, part::BIND_RESPONSE, &success(&[]));
        let entry = message(2, part::SEARCH_ENTRY, &[4, 0, 0x30, 0]);
        let done = message(2, part::SEARCH_DONE, &success(&[]));
        for answer in [&bind, &entry, &done] {
            assert!(is_answer(answer, true), "{answer:02x?}");
        }
        assert!(!is_answer(&bind, false), "nobody signs in");
        assert!(!is_answer(&message(2, part::BIND_RESPONSE, &success(&[])), true), "the second is a search");
        assert!(
            !is_answer(&message(1, part::SEARCH_ENTRY, &[4, 0, 0x30, 0]), true),
            "the first is no search"
        );
    }

    #[test]
    fn a_message_without_an_operation_is_refused() {
        assert!(!is_answer(&[2, 1, 1], false));
        assert!(!is_answer(&[2, 1, 1, 0x04, 0], false));
        assert!(!is_answer(&[], false));
    }

    #[test]
    fn results_that_lack_a_part_or_are_not_text_are_refused() {
        let done = |content: &[u8]| is_answer(&message(2, part::SEARCH_DONE, content), true);
        assert!(done(&success(&[0xa3, 3, 4, 1, b'x'])), "with a referral");
        for content in [
            &[][..],
            &[0x0a, 1, 0],
            &[0x0a, 0, 4, 0, 4, 0],
            &[0x02, 1, 0, 4, 0, 4, 0],
            &[0x0a, 1, 0, 4, 1, 0xff, 4, 0],
            &[0x0a, 1, 0, 4, 0, 4, 1, 0xff],
            &success(&[0xa3, 3, 4, 1, 0xff]),
            &success(&[0xa3, 2, 0x30, 0]),
            &success(&[0x83, 0]),
            &success(&[0xa7, 0]),
            &success(&[0x8a, 1, 0xff]),
        ] {
            assert!(!done(content), "{content:02x?}");
        }
    }

    #[test]
    fn controls_are_taken_with_and_without_their_optional_parts() {
        let with = |control: &[u8]| {
            let done = message(2, part::SEARCH_DONE, &success(&[]));
            is_answer(&[done, element(part::CONTROLS, control)].concat(), true)
        };
        for control in [
            &[][..],
            &[0x30, 3, 4, 1, b'1'],
            &[0x30, 6, 4, 1, b'1', 1, 1, 0],
            &[0x30, 6, 4, 1, b'1', 4, 1, 0],
            &[0x30, 9, 4, 1, b'1', 1, 1, 0xff, 4, 1, 0],
        ] {
            assert!(with(control), "{control:02x?}");
        }
        for control in [
            &[4, 0][..],
            &[0x30, 0],
            &[0x30, 3, 4, 1, 0xff],
            &[0x30, 5, 4, 1, b'1', 1, 0],
            &[0x30, 5, 4, 1, b'1', 2, 0],
            &[0x30, 7, 4, 1, b'1', 4, 0, 4, 0],
        ] {
            assert!(!with(control), "{control:02x?}");
        }
        let done = message(2, part::SEARCH_DONE, &success(&[]));
        assert!(!is_answer(&[done, vec![0x8a, 0]].concat(), true), "something else behind the operation");
    }
}

//! Reads BER and DER elements (X.690) without recursion, without copying and without panics:
//! what a stranger's server sends is looked at here before any library may parse it.

/// The universal and LDAP tags that are looked for by name.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// ENUMERATED.
    pub const ENUMERATED: u8 = 0x0a;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// SET.
    pub const SET: u8 = 0x31;
}

/// How deep elements may stand within each other. LDAP's own messages need eight levels.
const MAX_DEPTH: usize = 24;

/// The bit of a tag that says that the content is made of elements.
const CONSTRUCTED: u8 = 0x20;

/// The tag and lengths at the start of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The tag, one byte.
    pub tag: u8,
    /// Bytes of tag and length.
    pub own: usize,
    /// Bytes of content.
    pub content: usize,
}

impl Header {
    /// Bytes of the whole element.
    pub const fn total(&self) -> usize {
        self.own + self.content
    }
}

/// Why bytes are not an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// More bytes are needed.
    Short,
    /// The bytes break the rules that RFC 4511 section 5.1 sets, or nest too deep.
    Malformed,
}

/// Reads the header of the first element of `input`.
pub fn header(input: &[u8]) -> Result<Header, Flaw> {
    let (&tag, rest) = input.split_first().ok_or(Flaw::Short)?;
    if tag & 0x1f == 0x1f {
        return Err(Flaw::Malformed);
    }
    let (&first, rest) = rest.split_first().ok_or(Flaw::Short)?;
    if first < 0x80 {
        return Ok(Header { tag, own: 2, content: usize::from(first) });
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(Flaw::Malformed);
    }
    let bytes = rest.get(..count).ok_or(Flaw::Short)?;
    let content = bytes.iter().fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
    Ok(Header { tag, own: 2 + count, content })
}

/// Reads the first element of `input`: its tag, its content and what follows it.
pub fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let header = header(input).ok()?;
    let content = input.get(header.own..header.total())?;
    Some((header.tag, content, &input[header.total()..]))
}

/// Reads the first element of `input` if it has the tag: its content and what follows it.
pub fn expect(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(input).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// A small number that is not negative.
pub fn number(content: &[u8]) -> Option<u32> {
    if content.is_empty() || content.len() > 4 {
        return None;
    }
    Some(content.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

/// Whether a whole element keeps every length within its parent's, all the way down.
pub fn well_formed(message: &[u8]) -> bool {
    let mut ends = vec![message.len()];
    let mut at = 0;
    while let Some(&end) = ends.last() {
        if at == end {
            ends.pop();
            continue;
        }
        let Ok(header) = header(&message[at..end]) else { return false };
        let content = at + header.own;
        if header.content > end - content {
            return false;
        }
        if header.tag & CONSTRUCTED == 0 {
            at = content + header.content;
        } else {
            if ends.len() > MAX_DEPTH {
                return false;
            }
            ends.push(content + header.content);
            at = content;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_lengths_are_read() {
        assert_eq!(header(&[0x30, 0x05]), Ok(Header { tag: 0x30, own: 2, content: 5 }));
        assert_eq!(header(&[0x04, 0x82, 0x01, 0x00]), Ok(Header { tag: 4, own: 4, content: 256 }));
        assert_eq!(header(&[0x04, 0x82, 0x01]), Err(Flaw::Short));
    }

    #[test]
    fn lengths_that_ldap_forbids_are_refused() {
        assert_eq!(header(&[0x30, 0x80]), Err(Flaw::Malformed));
        assert_eq!(header(&[0x30, 0x88, 0, 0, 0, 0, 0, 0, 0, 1]), Err(Flaw::Malformed));
        assert_eq!(header(&[0x3f, 0x01]), Err(Flaw::Malformed));
    }

    #[test]
    fn an_element_that_reaches_beyond_its_parent_is_not_well_formed() {
        assert!(well_formed(&[0x30, 0x03, 0x02, 0x01, 0x07]));
        assert!(!well_formed(&[0x30, 0x03, 0x02, 0x02, 0x07]));
    }

    #[test]
    fn elements_nested_a_thousand_deep_are_not_well_formed() {
        let mut message = Vec::new();
        for _ in 0..1000 {
            let length = u16::try_from(message.len()).unwrap().to_be_bytes();
            let mut outer = vec![0x30, 0x82, length[0], length[1]];
            outer.append(&mut message);
            message = outer;
        }
        assert!(!well_formed(&message));
    }

    #[test]
    fn numbers_of_more_than_four_bytes_are_refused() {
        assert_eq!(number(&[1, 0]), Some(256));
        assert_eq!(number(&[]), None);
        assert_eq!(number(&[0; 5]), None);
    }
}

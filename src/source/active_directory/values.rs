//! Values in Active Directory's own forms: object ids, security ids, times, extended names.

use std::fmt::{self, Write as _};

use data_encoding::HEXLOWER_PERMISSIVE;
use jiff::Timestamp;

/// An object's id that never changes: `objectGUID`, or a domain controller's `invocationId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid([u8; 16]);

impl Guid {
    /// Takes the 16 bytes of an attribute.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads the usual text, `fbab52dd-9f47-4e4c-ba6a-59694c1c4305`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let dashes = [8, 13, 18, 23];
        if text.len() != 36 || dashes.iter().any(|&at| text.as_bytes()[at] != b'-') {
            return None;
        }
        let decoded = HEXLOWER_PERMISSIVE.decode(text.replace('-', "").as_bytes()).ok()?;
        if decoded.len() != 16 {
            return None;
        }
        for (place, byte) in PLACES.iter().zip(decoded) {
            bytes[*place] = byte;
        }
        Some(Self(bytes))
    }

    /// The bytes as a filter takes them (RFC 4515): `\dd\52…`.
    pub fn filter_value(self) -> String {
        self.0.iter().fold(String::with_capacity(48), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\{byte:02x}");
            text
        })
    }

    /// The name by which any entry can be asked for by its id ([MS-ADTS] section 3.1.1.3.1.2.4).
    pub fn name(self) -> String {
        format!("<GUID={self}>")
    }
}

/// The first three fields are written with their last byte first.
const PLACES: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, place) in PLACES.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_char('-')?;
            }
            write!(f, "{:02x}", self.0[*place])?;
        }
        Ok(())
    }
}

/// A security id ([MS-DTYP] section 2.4.2) in its usual text, `S-1-5-21-…`.
pub fn sid(bytes: &[u8]) -> Option<String> {
    let (&[1, count], rest) = bytes.split_first_chunk::<2>()? else { return None };
    let (authority, parts) = rest.split_first_chunk::<6>()?;
    if parts.len() != usize::from(count) * 4 {
        return None;
    }
    let authority = authority.iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    let mut text = format!("S-1-{authority}");
    for part in parts.chunks_exact(4) {
        let part = u32::from_le_bytes(part.try_into().ok()?);
        // Writing to a string cannot fail.
        let _ = write!(text, "-{part}");
    }
    Some(text)
}

/// The last part of a security id: what tells the domain's objects apart.
pub fn rid(bytes: &[u8]) -> Option<u32> {
    sid(bytes)?;
    bytes.last_chunk::<4>().map(|part| u32::from_le_bytes(*part))
}

/// A name with the ids before it, as the control for extended names asks for them:
/// `<GUID=…>;<SID=…>;CN=Ada,…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedName<'a> {
    /// The object's id.
    pub guid: Option<Guid>,
    /// The object's security id as text, if it has one.
    pub sid: Option<&'a str>,
    /// The name itself.
    pub dn: &'a str,
}

impl<'a> ExtendedName<'a> {
    /// Takes a name apart; one without ids is taken as it is.
    pub fn parse(text: &'a str) -> Self {
        let mut name = Self { guid: None, sid: None, dn: text };
        while let Some((part, rest)) = name.dn.strip_prefix('<').and_then(|rest| rest.split_once(">;")) {
            match part.split_once('=') {
                Some(("GUID", guid)) => name.guid = Guid::parse(guid),
                Some(("SID", sid)) => name.sid = Some(sid),
                _ => {}
            }
            name.dn = rest;
        }
        name
    }
}

/// A time as Active Directory counts it: steps of 100 ns since 1601.
pub type FileTime = i64;

/// Seconds between the beginnings of 1601 and 1970.
const EPOCH: i64 = 11_644_473_600;

/// Steps in a second.
const PER_SECOND: i64 = 10_000_000;

/// A time in steps of 100 ns since 1601.
pub fn file_time(time: Timestamp) -> FileTime {
    (time.as_second() + EPOCH) * PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 16] =
        [0xdd, 0x52, 0xab, 0xfb, 0x47, 0x9f, 0x4c, 0x4e, 0xba, 0x6a, 0x59, 0x69, 0x4c, 0x1c, 0x43, 0x05];
    const TEXT: &str = "fbab52dd-9f47-4e4c-ba6a-59694c1c4305";

    #[test]
    fn an_id_has_its_usual_text_and_is_read_back() {
        let guid = Guid::new(&BYTES).unwrap();
        assert_eq!(guid.to_string(), TEXT);
        assert_eq!(Guid::parse(TEXT), Some(guid));
        assert_eq!(Guid::parse(&TEXT.to_uppercase()), Some(guid));
        assert!(guid.filter_value().starts_with("\\dd\\52\\ab\\fb\\47"));
        for text in ["", "fbab52dd9f474e4cba6a59694c1c4305", &TEXT.replace('f', "g"), &format!("{TEXT}0")] {
            assert_eq!(Guid::parse(text), None, "{text}");
        }
        assert_eq!(Guid::new(&BYTES[1..]), None);
    }

    #[test]
    fn a_security_id_has_its_usual_text_and_ends_with_the_number_in_the_domain() {
        let bytes = [
            1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0xd6, 0x67, 0xb6, 0xeb, 0xc0, 0xf2, 0xcb, 0x97, 0xa6, 0x58,
            0x39, 0xe2, 0x51, 4, 0, 0,
        ];
        assert_eq!(sid(&bytes).as_deref(), Some("S-1-5-21-3954599894-2546725568-3795409062-1105"));
        assert_eq!(rid(&bytes), Some(1105));
        assert_eq!(sid(&bytes[..27]), None);
        assert_eq!(sid(b""), None);
    }

    #[test]
    fn an_extended_name_is_taken_apart_and_a_plain_one_left_alone() {
        let text = format!("<GUID={TEXT}>;<SID=S-1-5-21-1-2-3-4>;CN=<Ada>\\;x,DC=ad");
        let name = ExtendedName::parse(&text);
        assert_eq!(name.guid, Guid::new(&BYTES));
        assert_eq!((name.sid, name.dn), (Some("S-1-5-21-1-2-3-4"), "CN=<Ada>\\;x,DC=ad"));
        let plain = ExtendedName::parse("CN=Ada,DC=ad");
        assert_eq!(plain, ExtendedName { guid: None, sid: None, dn: "CN=Ada,DC=ad" });
    }

    #[test]
    fn times_are_counted_from_1601() {
        assert_eq!(file_time("1601-01-01T00:00:00Z".parse().unwrap()), 0);
        assert_eq!(file_time("2026-11-23T12:24:22Z".parse().unwrap()), 134_399_102_620_000_000);
    }
}

//! An entry of an answer: its name and those attributes whose values are text.

use std::collections::{BTreeMap, HashMap, hash_map};

use lber::structure::{PL, StructureTag};

/// A value larger than this is no attribute of a person's that an application needs.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// How many attributes are named in notes.
const MAX_NAMED: usize = 5;

/// Attributes that are never asked for and never kept: secrets, photos and sounds.
pub const FORBIDDEN: &[&str] = &[
    "userPassword",
    "authPassword",
    "unicodePwd",
    "dBCSPwd",
    "ntPwdHistory",
    "lmPwdHistory",
    "supplementalCredentials",
    "pwdHistory",
    "sambaNTPassword",
    "sambaLMPassword",
    "sambaPasswordHistory",
    "ipaNTHash",
    "krbPrincipalKey",
    "krbExtraData",
    "krbPwdHistory",
    "ipatokenOTPkey",
    "ms-Mcs-AdmPwd",
    "jpegPhoto",
    "photo",
    "thumbnailPhoto",
    "thumbnailLogo",
    "personalSignature",
    "audio",
];

/// Whether an attribute may not be read.
pub fn is_forbidden(attribute: &str) -> bool {
    FORBIDDEN.iter().any(|forbidden| forbidden.eq_ignore_ascii_case(attribute))
}

/// What was left out of entries, by attribute, to be told at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Entries in which the attribute has a value that is not UTF-8.
    pub binary: BTreeMap<String, u64>,
    /// Entries in which the attribute has a value larger than [`MAX_VALUE_BYTES`].
    pub large: BTreeMap<String, u64>,
}

/// One entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name, as the server writes it.
    pub dn: String,
    /// Attributes with text values, in the server's order.
    pub attributes: Vec<(String, Vec<String>)>,
    /// Attributes that were left out because a value is not text.
    pub binary: Vec<String>,
    /// Attributes of which some values are missing.
    pub partial: Vec<String>,
    /// Values of the attributes that the caller knows to hold bytes, in the server's order.
    pub octets: Vec<(String, Vec<Vec<u8>>)>,
    /// The parts of lists that are too long for one answer.
    pub ranges: Vec<ValueRange>,
}

/// A part of a list that Active Directory sends a range at a time
/// (draft-kashi-incremental): `member;range=0-1499`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueRange {
    /// The attribute's name, without the range.
    pub attribute: String,
    /// Where the next part begins; `None` when this is the last.
    pub next: Option<u64>,
    /// The values of this part; `None` when one of them cannot be used.
    pub values: Option<Vec<String>>,
}

/// Attributes with all their values. OpenLDAP sends an attribute several times when its values
/// were loaded among those of others, and no value may be lost by that: a group would lose members.
#[derive(Default)]
struct Gathered {
    attributes: Vec<(String, Vec<StructureTag>)>,
    /// Places by names in lower case.
    places: HashMap<String, usize>,
}

impl Gathered {
    fn add(&mut self, name: String, mut values: Vec<StructureTag>) {
        match self.places.entry(name.to_ascii_lowercase()) {
            hash_map::Entry::Occupied(place) => self.attributes[*place.get()].1.append(&mut values),
            hash_map::Entry::Vacant(place) => {
                place.insert(self.attributes.len());
                self.attributes.push((name, values));
            }
        }
    }
}

impl Entry {
    /// Reads an entry; `None` when its name or an attribute's name is not text.
    ///
    /// An attribute of which any value is not UTF-8 is left out whole, for some bytes look like
    /// text by accident. So are attributes that may not be read, and those with options
    /// (`cn;lang-de`), which nobody asked for.
    pub fn decode(tag: StructureTag, left_out: &mut LeftOut) -> Option<Self> {
        Self::decode_with(tag, &[], left_out)
    }

    /// As [`Entry::decode`], with attributes that are known to hold bytes: their values are kept
    /// as they are, and never taken for text, even if they look like it.
    pub fn decode_with(tag: StructureTag, octets: &[&str], left_out: &mut LeftOut) -> Option<Self> {
        let PL::C(parts) = tag.payload else { return None };
        let mut parts = parts.into_iter();
        let dn = text(parts.next()?)?;
        let PL::C(list) = parts.next()?.payload else { return None };
        let mut entry = Self { dn, ..Self::default() };
        let mut plain = Gathered::default();
        for attribute in list {
            let PL::C(parts) = attribute.payload else { return None };
            let mut parts = parts.into_iter();
            let name = text(parts.next()?)?;
            let PL::C(values) = parts.next()?.payload else { return None };
            match name.split_once(';') {
                None if is_forbidden(&name) => {}
                None => plain.add(name, values),
                Some((name, option)) => {
                    if let Some(range) = ValueRange::decode(name, option, values) {
                        entry.partial.push(name.to_owned());
                        entry.ranges.push(range);
                    }
                }
            }
        }
        for (name, values) in plain.attributes {
            if octets.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                let bytes = values.into_iter().filter_map(|value| match value.payload {
                    PL::P(bytes) => Some(bytes),
                    PL::C(_) => None,
                });
                let bytes = bytes.collect();
                entry.octets.push((name, bytes));
            } else {
                entry.take(name, values, left_out);
            }
        }
        Some(entry)
    }

    fn take(&mut self, name: String, values: Vec<StructureTag>, left_out: &mut LeftOut) {
        let mut texts = Vec::with_capacity(values.len());
        let mut large = false;
        for value in values {
            let PL::P(bytes) = value.payload else { continue };
            if bytes.len() > MAX_VALUE_BYTES {
                large = true;
                continue;
            }
            let Ok(text) = String::from_utf8(bytes) else {
                *left_out.binary.entry(name.clone()).or_default() += 1;
                self.binary.push(name);
                return;
            };
            texts.push(text);
        }
        if large {
            *left_out.large.entry(name.clone()).or_default() += 1;
            self.partial.push(name.clone());
        }
        self.attributes.push((name, texts));
    }

    /// The values of an attribute; none when the entry does not have it.
    pub fn values(&self, attribute: &str) -> &[String] {
        self.attributes
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(attribute))
            .map_or(&[], |(_, values)| values)
    }

    /// The first value of an attribute that is not blank, without the spaces around it.
    pub fn first(&self, attribute: &str) -> Option<String> {
        self.values(attribute)
            .iter()
            .map(|value| value.trim())
            .find(|value| !value.is_empty())
            .map(str::to_owned)
    }

    /// The first value of an attribute that holds bytes.
    pub fn first_octets(&self, attribute: &str) -> Option<&[u8]> {
        let (_, values) = self.octets.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute))?;
        values.first().map(Vec::as_slice)
    }

    /// Whether an attribute was left out because it is not text.
    pub fn is_binary(&self, attribute: &str) -> bool {
        self.binary.iter().any(|name| name.eq_ignore_ascii_case(attribute))
    }

    /// Whether the attribute came with all its values, or is not there at all.
    pub fn is_whole(&self, attribute: &str) -> bool {
        !self.binary.iter().chain(&self.partial).any(|name| name.eq_ignore_ascii_case(attribute))
    }
}

impl ValueRange {
    /// Reads a part of a list; `None` when the option does not say which part.
    fn decode(attribute: &str, option: &str, values: Vec<StructureTag>) -> Option<Self> {
        let option = option.to_ascii_lowercase();
        let (_, last) = option.strip_prefix("range=")?.split_once('-')?;
        let next = match last {
            "*" => None,
            last => Some(last.parse::<u64>().ok()?.checked_add(1)?),
        };
        Some(Self { attribute: attribute.to_owned(), next, values: values.into_iter().map(text).collect() })
    }
}

impl LeftOut {
    /// What was left out, as sentences.
    pub fn sentences(&self) -> Vec<String> {
        let binary = self.binary.iter().take(MAX_NAMED).map(|(attribute, entries)| {
            format!(
                "{} is not text (UTF-8) in {} and was left out there.",
                named(attribute),
                counted(*entries)
            )
        });
        let large = self.large.iter().take(MAX_NAMED).map(|(attribute, entries)| {
            format!(
                "{} has values of more than {} KiB in {}, which were left out.",
                named(attribute),
                MAX_VALUE_BYTES / 1024,
                counted(*entries)
            )
        });
        binary.chain(large).collect()
    }
}

fn counted(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

/// An attribute by its name, if the server sent a decent one.
fn named(attribute: &str) -> String {
    let decent = attribute.len() <= 64
        && attribute.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if decent { format!("The attribute '{attribute}'") } else { "An attribute".to_owned() }
}

fn text(tag: StructureTag) -> Option<String> {
    let PL::P(bytes) = tag.payload else { return None };
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use lber::common::TagClass;

    use super::*;

    fn primitive(bytes: &[u8]) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(bytes.to_vec()) }
    }

    fn constructed(parts: Vec<StructureTag>) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 16, payload: PL::C(parts) }
    }

    fn entry(attributes: &[(&str, &[&[u8]])]) -> StructureTag {
        let attributes = attributes.iter().map(|(name, values)| {
            let values = values.iter().map(|value| primitive(value)).collect();
            constructed(vec![primitive(name.as_bytes()), constructed(values)])
        });
        constructed(vec![primitive(b"uid=ada,o=x"), constructed(attributes.collect())])
    }

    #[test]
    fn an_attribute_with_one_value_that_is_not_text_is_left_out_whole_and_counted() {
        let mut left_out = LeftOut::default();
        let tag = entry(&[("description", &[b"text", b"\xff\xfe"]), ("cn", &[b"Ada"])]);
        let entry = Entry::decode(tag, &mut left_out).unwrap();
        assert_eq!(entry.values("description"), &[] as &[String]);
        assert!(entry.is_binary("Description"));
        assert_eq!(entry.values("CN"), ["Ada"]);
        assert_eq!(left_out.binary, [("description".to_owned(), 1)].into());
    }

    #[test]
    fn an_attribute_that_comes_several_times_has_the_values_of_all() {
        let tag = entry(&[("member", &[b"cn=a"]), ("cn", &[b"g"]), ("Member", &[b"cn=b", b"cn=c"])]);
        let found = Entry::decode(tag, &mut LeftOut::default()).unwrap();
        assert_eq!(found.values("member"), ["cn=a", "cn=b", "cn=c"]);
        let tag = entry(&[("objectGUID", &[b"\xff"]), ("cn", &[b"g"]), ("objectGUID", &[b"\xfe"])]);
        let found = Entry::decode_with(tag, &["objectguid"], &mut LeftOut::default()).unwrap();
        assert_eq!(found.octets, [("objectGUID".to_owned(), vec![b"\xff".to_vec(), b"\xfe".to_vec()])]);
        let mut left_out = LeftOut::default();
        let tag = entry(&[("member", &[b"cn=a"]), ("member", &[b"\xff"])]);
        assert!(!Entry::decode(tag, &mut left_out).unwrap().is_whole("member"));
        assert_eq!(left_out.binary, [("member".to_owned(), 1)].into());
    }

    #[test]
    fn a_huge_value_is_left_out_and_its_neighbours_stay() {
        let mut left_out = LeftOut::default();
        let large = vec![b'x'; MAX_VALUE_BYTES + 1];
        let tag = entry(&[("description", &[b"small", &large])]);
        let entry = Entry::decode(tag, &mut left_out).unwrap();
        assert_eq!(entry.values("description"), ["small"]);
        assert!(!entry.is_whole("description"));
        assert_eq!(left_out.large, [("description".to_owned(), 1)].into());
    }

    #[test]
    fn secrets_photos_and_attributes_with_options_are_not_kept_even_if_a_server_sends_them() {
        let tag =
            entry(&[("userpassword", &[b"x"]), ("jpegPhoto", &[b"\xff\xd8"]), ("cn;lang-de", &[b"Ada"])]);
        let mut left_out = LeftOut::default();
        let entry = Entry::decode(tag, &mut left_out).unwrap();
        assert_eq!((entry.attributes, entry.binary), (Vec::new(), Vec::new()));
        assert_eq!(left_out, LeftOut::default());
    }

    #[test]
    fn a_list_that_comes_in_ranges_is_not_whole() {
        let tag = entry(&[("member", &[]), ("member;range=0-1499", &[b"cn=a"]), ("cn", &[b"g"])]);
        let entry = Entry::decode(tag, &mut LeftOut::default()).unwrap();
        assert!(!entry.is_whole("Member"));
        assert!(entry.is_whole("cn"));
        assert!(entry.is_whole("uniqueMember"));
        let values = Some(vec!["cn=a".to_owned()]);
        let expected = ValueRange { attribute: "member".to_owned(), next: Some(1500), values };
        assert_eq!(entry.ranges, [expected]);
    }

    #[test]
    fn the_last_part_of_a_list_says_so_and_a_part_with_bytes_is_not_usable() {
        let tag = entry(&[("member;Range=1500-*", &[b"\xff"]), ("member;range=x", &[b"cn=b"])]);
        let entry = Entry::decode(tag, &mut LeftOut::default()).unwrap();
        assert_eq!(entry.ranges, [ValueRange { attribute: "member".to_owned(), next: None, values: None }]);
    }

    #[test]
    fn bytes_that_are_known_as_such_are_never_text() {
        let tag = entry(&[("objectGUID", &[b"0123456789abcdef"]), ("cn", &[b"Ada"])]);
        let mut left_out = LeftOut::default();
        let entry = Entry::decode_with(tag, &["objectguid"], &mut left_out).unwrap();
        assert_eq!(entry.values("objectGUID"), &[] as &[String]);
        assert_eq!(entry.first_octets("objectGUID"), Some(&b"0123456789abcdef"[..]));
        assert_eq!(left_out, LeftOut::default());
    }

    #[test]
    fn what_is_no_entry_is_not_read() {
        assert_eq!(Entry::decode(primitive(b"x"), &mut LeftOut::default()), None);
        let tag = constructed(vec![primitive(b"\xff"), constructed(Vec::new())]);
        assert_eq!(Entry::decode(tag, &mut LeftOut::default()), None);
    }
}

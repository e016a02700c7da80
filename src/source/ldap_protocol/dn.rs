//! Distinguished names as keys: two spellings of one name (RFC 4514) become one text.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;

use super::wire::ber;

/// Names and numbers of the attribute types that DNs are made of (RFC 4514 section 3), each with
/// the name that stands for it here.
const TYPES: &[(&str, &str)] = &[
    ("2.5.4.3", "cn"),
    ("commonname", "cn"),
    ("2.5.4.7", "l"),
    ("localityname", "l"),
    ("2.5.4.8", "st"),
    ("stateorprovincename", "st"),
    ("2.5.4.10", "o"),
    ("organizationname", "o"),
    ("2.5.4.11", "ou"),
    ("organizationalunitname", "ou"),
    ("2.5.4.6", "c"),
    ("countryname", "c"),
    ("2.5.4.9", "street"),
    ("streetaddress", "street"),
    ("0.9.2342.19200300.100.1.25", "dc"),
    ("domaincomponent", "dc"),
    ("0.9.2342.19200300.100.1.1", "uid"),
    ("userid", "uid"),
];

/// What stands between RDNs (the semicolon by RFC 2253 section 4), and between the parts of one.
const SEPARATORS: [char; 3] = [',', ';', '+'];

/// A DN in the one spelling that all its spellings share: types by their short names in lower
/// case; values without case, without insignificant spaces and in Unicode form NFKC, as
/// `caseIgnoreMatch` compares them (RFC 4518); the parts of a multi-valued RDN sorted.
///
/// `None` for what is not a DN, and for the empty DN, which names nobody.
pub fn normalize(dn: &str) -> Option<String> {
    let mut normal = String::with_capacity(dn.len());
    write_normal(dn, &mut normal, |_| {})?;
    Some(normal)
}

/// Whether `dn` is the entry `base` or below it.
pub fn is_within(dn: &str, base: &str) -> bool {
    let Some(base) = normalize(base) else { return false };
    let (mut normal, mut beginnings) = (String::with_capacity(dn.len()), Vec::new());
    if write_normal(dn, &mut normal, |beginning| beginnings.push(beginning)).is_none() {
        return false;
    }
    normal.strip_suffix(&base).is_some_and(|above| beginnings.contains(&above.len()))
}

/// Takes the optional unique identifier off a value of `uniqueMember` (RFC 4517 section 3.3.21).
pub fn without_unique_id(value: &str) -> &str {
    let bits = |text: &str| {
        text.strip_prefix('\'')
            .and_then(|text| text.strip_suffix("'B"))
            .is_some_and(|bits| bits.bytes().all(|bit| matches!(bit, b'0' | b'1')))
    };
    match value.rsplit_once('#') {
        Some((dn, id)) if bits(id) => dn,
        _ => value,
    }
}

/// Writes a DN as [`normalize`] says, and tells where in it each RDN begins, the entry's own first. What
/// was written of something that is no DN is of no use.
///
/// A listing of groups has a DN for every membership, so nothing is allocated for what most DNs are made of.
fn write_normal(dn: &str, normal: &mut String, mut begins: impl FnMut(usize)) -> Option<()> {
    let mut rest = dn.trim_start_matches(' ');
    if rest.is_empty() {
        return None;
    }
    loop {
        begins(normal.len());
        let (separator, after) = write_rdn(rest, normal)?;
        if separator.is_none() {
            return Some(());
        }
        normal.push(',');
        rest = after;
    }
}

/// Writes one RDN; returns the separator after it and what follows that.
fn write_rdn<'a>(text: &'a str, normal: &mut String) -> Option<(Option<char>, &'a str)> {
    let begin = normal.len();
    let (mut separator, mut rest) = write_part(text, normal)?;
    if separator != Some('+') {
        return Some((separator, rest));
    }
    let mut parts = vec![normal.split_off(begin)];
    while separator == Some('+') {
        let mut part = String::new();
        (separator, rest) = write_part(rest, &mut part)?;
        parts.push(part);
    }
    parts.sort_unstable();
    normal.push_str(&parts.join("+"));
    Some((separator, rest))
}

/// Writes one attribute type with its value; returns as [`write_rdn`].
fn write_part<'a>(text: &'a str, normal: &mut String) -> Option<(Option<char>, &'a str)> {
    let (kind, after) = text.split_once('=')?;
    write_attribute_type(kind.trim_matches(' '), normal)?;
    normal.push('=');
    let rest = write_value(after.trim_start_matches(' '), normal)?.trim_start_matches(' ');
    match rest.chars().next() {
        None => Some((None, "")),
        Some(separator) if SEPARATORS.contains(&separator) => Some((Some(separator), &rest[1..])),
        Some(_) => None,
    }
}

/// Writes an attribute type by its short name in lower case; `None` when it is none.
fn write_attribute_type(text: &str, normal: &mut String) -> Option<()> {
    let number = text.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("oid."));
    let name = number.map_or(text, |prefix| &text[prefix.len()..]);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if name.is_empty() || !name.bytes().all(legal) {
        return None;
    }
    match TYPES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name)) {
        Some((_, short)) => normal.push_str(short),
        None => normal.extend(name.chars().map(|character| character.to_ascii_lowercase())),
    }
    Some(())
}

/// Writes one value, escaped again; returns what follows it.
fn write_value<'a>(text: &'a str, normal: &mut String) -> Option<&'a str> {
    if let Some(hex) = text.strip_prefix('#') {
        return write_hex_value(hex, normal);
    }
    let (value, after) = split_at_separator(text);
    let (bytes, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted_value(quoted)?,
        None if value.contains('\\') => escaped_value(text)?,
        None => {
            fold(value, normal);
            return Some(after);
        }
    };
    fold(std::str::from_utf8(&bytes).ok()?, normal);
    Some(rest)
}

/// A text up to its first separator, be it escaped or not, and the rest.
fn split_at_separator(text: &str) -> (&str, &str) {
    text.split_at(text.find(SEPARATORS).unwrap_or(text.len()))
}

/// Writes a value that is given as its encoding (RFC 4514 section 2.4).
fn write_hex_value<'a>(text: &'a str, normal: &mut String) -> Option<&'a str> {
    let (hex, rest) = split_at_separator(text);
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.trim_end_matches(' ').as_bytes()).ok()?;
    match ber::element(&bytes) {
        // UTF8String, PrintableString and IA5String are texts in disguise.
        Some((0x04 | 0x0c | 0x13 | 0x16, content, [])) if std::str::from_utf8(content).is_ok() => {
            fold(std::str::from_utf8(content).ok()?, normal);
        }
        _ => {
            normal.push('#');
            data_encoding::HEXLOWER.encode_append(&bytes, normal);
        }
    }
    Some(rest)
}

/// A value up to its separator. Spaces at its end stay: folding leaves out what is insignificant.
fn escaped_value(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        match character {
            character if SEPARATORS.contains(&character) => break,
            '\\' => rest = escape(&rest[1..], &mut bytes)?,
            _ => {
                bytes.extend_from_slice(&rest.as_bytes()[..character.len_utf8()]);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    Some((bytes, rest))
}

/// A value in quotes, as RFC 2253 section 4 still reads it.
fn quoted_value(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let character = rest.chars().next()?;
        let next = &rest[character.len_utf8()..];
        match character {
            '"' => return Some((bytes, next)),
            '\\' => rest = escape(next, &mut bytes)?,
            _ => {
                bytes.extend_from_slice(&rest.as_bytes()[..character.len_utf8()]);
                rest = next;
            }
        }
    }
}

/// What stands after a backslash: a byte in two hexadecimal digits, or a character.
fn escape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    if let Some(byte) = rest.get(..2).and_then(|digits| {
        data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?.first().copied()
    }) {
        bytes.push(byte);
        return Some(&rest[2..]);
    }
    let length = rest.chars().next()?.len_utf8();
    bytes.extend_from_slice(&rest.as_bytes()[..length]);
    Some(&rest[length..])
}

/// Writes a value as `caseIgnoreMatch` sees it, with what has a meaning in a DN escaped.
fn fold(value: &str, normal: &mut String) {
    let begin = normal.len();
    let mut space = false;
    let mut push = |character: char| {
        if character.is_whitespace() {
            space = normal.len() > begin;
            return;
        }
        if space {
            normal.push(' ');
            space = false;
        }
        match character {
            ',' | ';' | '+' | '=' | '#' | '"' | '\\' => {
                normal.push('\\');
                normal.push(character);
            }
            control if control.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(normal, "\\{:02x}", u32::from(control));
            }
            other => normal.push(other),
        }
    };
    if value.is_ascii() {
        value.chars().map(|character| character.to_ascii_lowercase()).for_each(&mut push);
    } else {
        value.nfkc().flat_map(char::to_lowercase).nfkc().for_each(&mut push);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) {
        let folded = normalize(one);
        assert!(folded.is_some(), "{one} is a DN");
        assert_eq!(folded, normalize(other), "{one} is {other}");
    }

    #[test]
    fn spellings_of_one_name_are_one_key() {
        same("uid=ada,ou=People,dc=example,dc=test", "UID=Ada, OU=people , DC=Example;dc=test");
        same("cn=Ada  Lovelace,o=x", "commonName= ada lovelace ,2.5.4.10=X");
        same("CN=Lovelace\\, Ada,O=x", "cn=lovelace\\2c ada,o=x");
        same("cn=\"Lovelace, Ada\",o=x", "cn=Lovelace\\, Ada,o=x");
        same("cn=M\\C3\\BCller,o=x", "cn=MÜLLER,o=x");
        same("cn=Mu\u{308}ller,o=x", "cn=müller,o=x");
        same("cn=#0c03416461,o=x", "cn=ada,o=x");
        same("cn=a+uid=b,o=x", "UID=B+cn=A,o=x");
        same("cn=\\#1 \\(x\\),o=x", "cn=\\231 (x),o=x");
        same("cn=Ada\\ ,o=x", "cn=Ada\\20,o=x");
        same("OID.2.5.4.3=ada,o=x", "cn=ada,o=x");
    }

    #[test]
    fn different_names_stay_apart() {
        for (one, other) in [
            ("cn=a,o=x", "cn=a\\,o\\=x"),
            ("cn=a+b=c,o=x", "cn=a\\+b\\=c,o=x"),
            ("cn=a b,o=x", "cn=ab,o=x"),
            ("cn=a,o=x", "uid=a,o=x"),
            ("cn=a,o=x", "o=x"),
        ] {
            assert_ne!(normalize(one).unwrap(), normalize(other).unwrap(), "{one} is not {other}");
        }
    }

    #[test]
    fn what_is_no_name_has_no_key() {
        for text in [
            "",
            " ",
            "ada",
            "=ada",
            "cn=ada,",
            "c n=ada",
            "cn=\\",
            "cn=\"ada",
            "cn=#0g",
            "cn=\\ff",
            "cn=\"a\"b",
        ] {
            assert_eq!(normalize(text), None, "{text}");
        }
    }

    #[test]
    fn the_unique_id_of_a_unique_member_is_not_part_of_its_name() {
        assert_eq!(without_unique_id("cn=a,o=x#'0101'B"), "cn=a,o=x");
        assert_eq!(without_unique_id("cn=a,o=x#''B"), "cn=a,o=x");
        assert_eq!(without_unique_id("cn=a#b,o=x"), "cn=a#b,o=x");
        assert_eq!(without_unique_id("cn=a,o=x#'012'B"), "cn=a,o=x#'012'B");
    }

    #[test]
    fn an_entry_is_within_its_ancestors_only() {
        assert!(is_within("uid=ada,ou=people,dc=example,dc=test", "DC=Example,DC=Test"));
        assert!(is_within("dc=example,dc=test", "dc=example,dc=test"));
        assert!(!is_within("cn=a\\,dc=test", "dc=test"));
        assert!(is_within("cn=a\\\\,dc=test", "dc=test"));
        assert!(is_within("cn=a+dc=test,o=x", "dc=test+cn=a,o=x"));
        assert!(!is_within("cn=a+dc=test,o=x", "dc=test,o=x"));
        assert!(!is_within("dc=test", "dc=example,dc=test"));
    }

    proptest::proptest! {
        #[test]
        fn any_value_written_by_the_rules_of_rfc_4514_is_one_key_however_it_is_escaped(value in "\\PC{1,12}") {
            let hex: Vec<String> = value.bytes().map(|byte| format!("\\{byte:02X}")).collect();
            let hex = hex.concat();
            let escaped = ldap3::dn_escape(value.as_str());
            proptest::prop_assert_eq!(normalize(&format!("cn={hex},o=x")), normalize(&format!("cn={escaped},o=x")));
        }

        #[test]
        fn no_text_makes_it_fail(text in "\\PC{0,40}") {
            if let Some(key) = normalize(&text) {
                proptest::prop_assert_eq!(normalize(&key), Some(key.clone()));
            }
        }
    }
}

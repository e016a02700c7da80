//! Encoding marks: the bytes of a table as UTF-8, whatever program wrote them.

use std::borrow::Cow;

use crate::source::SourceError;

/// Stands for what could not be decoded: never part of UTF-8, so that the row it is in is found.
const UNDECODABLE: u8 = 0xFF;

/// The text behind an encoding mark (BOM) as UTF-8: UTF-8 with or without a mark, UTF-16 with one.
///
/// Bytes that are no text stay in place, for [`super::table`] to name their line.
///
/// # Errors
/// [`crate::source::Class::Misconfigured`] for UTF-16 and UTF-32 without a mark that is known.
pub fn decode<'a>(bytes: &'a [u8], place: &str) -> Result<Cow<'a, [u8]>, SourceError> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Ok(Cow::Borrowed(rest)),
        [0xFF, 0xFE, rest @ ..] if !rest.starts_with(&[0, 0]) => Ok(utf16(rest, u16::from_le_bytes)),
        [0xFE, 0xFF, rest @ ..] => Ok(utf16(rest, u16::from_be_bytes)),
        _ if bytes.contains(&0) => Err(SourceError::misconfigured(format!(
            "{place} is not UTF-8 text (it has zero bytes, as UTF-16 and spreadsheets have); save it as 'CSV UTF-8'"
        ))),
        _ => Ok(Cow::Borrowed(bytes)),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, [u8]> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = Vec::with_capacity(bytes.len());
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match character {
            Ok(character) => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(_) => text.push(UNDECODABLE),
        }
    }
    if !rest.is_empty() {
        text.push(UNDECODABLE);
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;

    #[test]
    fn utf_8_is_taken_with_and_without_its_mark() {
        assert_eq!(&*decode("Zoë".as_bytes(), "").unwrap(), "Zoë".as_bytes());
        assert_eq!(&*decode("\u{FEFF}Zoë".as_bytes(), "").unwrap(), "Zoë".as_bytes());
    }

    #[test]
    fn utf_16_is_taken_by_its_mark_in_both_byte_orders() {
        let text = "\u{FEFF}Zoë 🦀";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(&*decode(&little, "").unwrap(), "Zoë 🦀".as_bytes());
        assert_eq!(&*decode(&big, "").unwrap(), "Zoë 🦀".as_bytes());
    }

    #[test]
    fn half_a_character_of_utf_16_is_not_made_into_text() {
        let lone: Vec<u8> = [0xFEFF_u16, 0x41, 0xD800, 0x42].into_iter().flat_map(u16::to_le_bytes).collect();
        assert!(std::str::from_utf8(&decode(&lone, "").unwrap()).is_err());
        assert!(std::str::from_utf8(&decode(&[0xFF, 0xFE, 0x41, 0x00, 0x42], "").unwrap()).is_err());
    }

    #[test]
    fn utf_16_without_a_mark_and_binary_files_are_refused_in_words() {
        let unmarked: Vec<u8> = "user_id".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = decode(&unmarked, "ConfigMap a key 'users.csv'").unwrap_err();
        assert_eq!(error.class, Class::Misconfigured);
        assert!(error.message.starts_with("ConfigMap a key 'users.csv' is not UTF-8 text"), "{error}");
        assert!(decode(&[0xFF, 0xFE, 0, 0, 0x41, 0, 0, 0], "").is_err());
    }
}

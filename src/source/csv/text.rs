//! Encoding marks: the bytes of a table as UTF-8, whatever program wrote them, as they come.

use crate::source::SourceError;

/// Stands for what could not be decoded: never part of UTF-8, so that the row it is in is found.
const UNDECODABLE: u8 = 0xFF;

/// The longest encoding mark that has to be seen whole, in bytes.
const LONGEST_MARK: usize = 4;

/// Decodes a table piece by piece: UTF-8 with or without an encoding mark (BOM), UTF-16 with one.
///
/// Bytes that are no text stay in place, for [`super::table`] to name their line.
#[derive(Debug, Default)]
pub struct Decoder {
    encoding: Encoding,
}

#[derive(Debug)]
enum Encoding {
    /// What has come is too short to tell.
    Unknown(Vec<u8>),
    Utf8,
    Utf16(Utf16),
}

impl Default for Encoding {
    fn default() -> Self {
        Self::Unknown(Vec::new())
    }
}

/// What is left over between two pieces of UTF-16.
#[derive(Debug)]
struct Utf16 {
    unit: fn([u8; 2]) -> u16,
    /// The first byte of a unit.
    half_unit: Option<u8>,
    /// The first unit of a pair.
    half_pair: Option<u16>,
}

impl Decoder {
    /// Appends the text of the next piece to `text`.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] for UTF-16 and UTF-32 without a mark that is known.
    pub fn decode(&mut self, piece: &[u8], place: &str, text: &mut Vec<u8>) -> Result<(), SourceError> {
        if let Encoding::Unknown(start) = &mut self.encoding {
            start.extend_from_slice(piece);
            if start.len() < LONGEST_MARK {
                return Ok(());
            }
            return self.begin(place, text);
        }
        self.append(piece, place, text)
    }

    /// Appends what is left when no piece follows.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn finish(&mut self, place: &str, text: &mut Vec<u8>) -> Result<(), SourceError> {
        if matches!(self.encoding, Encoding::Unknown(_)) {
            self.begin(place, text)?;
        }
        if let Encoding::Utf16(utf16) = &self.encoding
            && (utf16.half_unit.is_some() || utf16.half_pair.is_some())
        {
            text.push(UNDECODABLE);
        }
        Ok(())
    }

    fn begin(&mut self, place: &str, text: &mut Vec<u8>) -> Result<(), SourceError> {
        let Encoding::Unknown(start) = std::mem::take(&mut self.encoding) else { return Ok(()) };
        let utf16 = |unit| Encoding::Utf16(Utf16 { unit, half_unit: None, half_pair: None });
        let (encoding, rest) = match start.as_slice() {
            [0xEF, 0xBB, 0xBF, rest @ ..] => (Encoding::Utf8, rest),
            [0xFF, 0xFE, rest @ ..] if !rest.starts_with(&[0, 0]) => (utf16(u16::from_le_bytes), rest),
            [0xFE, 0xFF, rest @ ..] => (utf16(u16::from_be_bytes), rest),
            all => (Encoding::Utf8, all),
        };
        self.encoding = encoding;
        self.append(rest, place, text)
    }

    fn append(&mut self, piece: &[u8], place: &str, text: &mut Vec<u8>) -> Result<(), SourceError> {
        match &mut self.encoding {
            Encoding::Utf16(utf16) => utf16.append(piece, text),
            _ if piece.contains(&0) => {
                return Err(SourceError::misconfigured(format!(
                    "{place} is not UTF-8 text (it has zero bytes, as UTF-16 and spreadsheets have); save it as \
                     'CSV UTF-8'"
                )));
            }
            _ => text.extend_from_slice(piece),
        }
        Ok(())
    }
}

impl Utf16 {
    fn append(&mut self, piece: &[u8], text: &mut Vec<u8>) {
        for &byte in piece {
            match self.half_unit.take() {
                None => self.half_unit = Some(byte),
                Some(first) => self.unit((self.unit)([first, byte]), text),
            }
        }
    }

    fn unit(&mut self, unit: u16, text: &mut Vec<u8>) {
        if let Some(first) = self.half_pair.take() {
            if let Some(Ok(character)) = char::decode_utf16([first, unit]).next() {
                return push(character, text);
            }
            text.push(UNDECODABLE);
        }
        match char::from_u32(unit.into()) {
            Some(character) => push(character, text),
            None if unit < 0xDC00 => self.half_pair = Some(unit),
            None => text.push(UNDECODABLE),
        }
    }
}

fn push(character: char, text: &mut Vec<u8>) {
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;

    /// The text of bytes that come in pieces of a size.
    fn decoded(bytes: &[u8], size: usize) -> Result<Vec<u8>, SourceError> {
        let (mut decoder, mut text) = (Decoder::default(), Vec::new());
        for piece in bytes.chunks(size) {
            decoder.decode(piece, "ConfigMap a key 'users.csv'", &mut text)?;
        }
        decoder.finish("ConfigMap a key 'users.csv'", &mut text)?;
        Ok(text)
    }

    fn decode(bytes: &[u8]) -> Result<Vec<u8>, SourceError> {
        let whole = decoded(bytes, usize::MAX);
        for size in 1..=5 {
            assert_eq!(decoded(bytes, size), whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn utf_8_is_taken_with_and_without_its_mark() {
        assert_eq!(decode("Zoë".as_bytes()).unwrap(), "Zoë".as_bytes());
        assert_eq!(decode("\u{FEFF}Zoë".as_bytes()).unwrap(), "Zoë".as_bytes());
        for short in ["", "a", "\u{FEFF}"] {
            assert_eq!(decode(short.as_bytes()).unwrap(), short.trim_start_matches('\u{FEFF}').as_bytes());
        }
    }

    #[test]
    fn utf_16_is_taken_by_its_mark_in_both_byte_orders() {
        let text = "\u{FEFF}Zoë 🦀";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&little).unwrap(), "Zoë 🦀".as_bytes());
        assert_eq!(decode(&big).unwrap(), "Zoë 🦀".as_bytes());
    }

    #[test]
    fn half_a_character_of_utf_16_is_not_made_into_text() {
        for lone in [vec![0xFEFF, 0x41, 0xD800, 0x42], vec![0xFEFF, 0xD800, 0xD800], vec![0xFEFF, 0xDC00]] {
            let lone: Vec<u8> = lone.into_iter().flat_map(u16::to_le_bytes).collect();
            assert!(std::str::from_utf8(&decode(&lone).unwrap()).is_err());
        }
        assert!(std::str::from_utf8(&decode(&[0xFF, 0xFE, 0x41, 0x00, 0x42]).unwrap()).is_err());
    }

    #[test]
    fn utf_16_without_a_mark_and_binary_files_are_refused_in_words() {
        let unmarked: Vec<u8> = "user_id".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = decode(&unmarked).unwrap_err();
        assert_eq!(error.class, Class::Misconfigured);
        assert!(error.message.starts_with("ConfigMap a key 'users.csv' is not UTF-8 text"), "{error}");
        assert!(decode(&[0xFF, 0xFE, 0, 0, 0x41, 0, 0, 0]).is_err());
    }
}

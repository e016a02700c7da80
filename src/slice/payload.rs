//! The text that holds a slice's entries: lines of JSON, compressed with gzip, in base64. Standard
//! tools of any language read it.

use std::fmt;
use std::io::{Read, Write};
use std::str::FromStr;

use data_encoding::BASE64;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// The most that a payload may become when it is read: a hostile one is not unpacked without end.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The largest payload that is written, in bytes: etcd takes 1.5 MiB for a request.
pub const MAX_PAYLOAD_BYTES: usize = 1_000_000;

/// The first 128 bits of the SHA-256 of a payload's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadHash(pub u128);

/// A payload, its hash, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The text.
    pub text: String,
    /// Its hash.
    pub hash: PayloadHash,
}

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload is not lines of JSON, compressed with gzip, in base64: {0}")]
pub struct PayloadError(String);

impl Payload {
    /// Writes lines, each with its line end. The same lines give the same text.
    ///
    /// # Errors
    /// Never in practice: writing into memory does not fail.
    pub fn write<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> std::io::Result<Self> {
        // The header of a gzip stream has room for a name and a time; both stay empty.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        for line in lines {
            encoder.write_all(line)?;
            encoder.write_all(b"\n")?;
        }
        let text = BASE64.encode(&encoder.finish()?);
        let hash = PayloadHash::of(&text);
        Ok(Self { text, hash })
    }
}

/// Reads a payload into its text, line by line.
///
/// # Errors
/// When it is not base64, not gzip, or larger than any that is written.
pub fn read(payload: &str) -> Result<Vec<u8>, PayloadError> {
    let compressed = BASE64.decode(payload.as_bytes()).map_err(|error| PayloadError(error.to_string()))?;
    let mut text = Vec::new();
    let mut decoder = GzDecoder::new(compressed.as_slice()).take(MAX_BYTES + 1);
    decoder.read_to_end(&mut text).map_err(|error| PayloadError(error.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(PayloadError(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

/// The lines of a payload that was read.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

impl PayloadHash {
    /// The hash of a payload's text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(u128::from_be_bytes(half))
    }
}

impl fmt::Display for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for PayloadHash {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_and_the_same_lines_give_the_same_text() {
        let of = || Payload::write([br#"{"a":1}"#.as_slice(), br#"{"b":2}"#]).unwrap();
        assert_eq!(of(), of());
        let text = read(&of().text).unwrap();
        assert_eq!(lines(&text).collect::<Vec<_>>(), [br#"{"a":1}"#.as_slice(), br#"{"b":2}"#]);
    }

    #[test]
    fn the_hash_is_the_one_of_standard_tools() {
        // printf abc | sha256sum
        assert_eq!(PayloadHash::of("abc").to_string(), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn what_is_no_payload_is_an_error() {
        for text in ["no base64!", "aGVsbG8="] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_payload_that_unpacks_without_end_is_not_unpacked() {
        let zeros = vec![b'0'; 1024 * 1024];
        let bomb = Payload::write(std::iter::repeat_n(zeros.as_slice(), 17)).unwrap();
        assert!(read(&bomb.text).unwrap_err().to_string().contains("more than"));
    }
}

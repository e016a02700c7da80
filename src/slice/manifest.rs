//! The manifest: the list of all slices that make one view, written after them.

use serde::{Deserialize, Serialize};

use super::layout::{Layout, Summary};
use super::name::SliceName;
use super::payload::{self, Payload, PayloadHash};

/// The version of the format; a reader refuses another.
pub const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    users: u64,
    groups: u64,
}

/// The line of a slice.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    name: String,
    hash: String,
    entries: u32,
    bytes: u32,
}

/// What a manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The slices.
    pub layout: Layout,
    /// How many people they hold.
    pub users: u64,
    /// How many groups they hold.
    pub groups: u64,
}

/// Why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Its payload cannot be read.
    #[error(transparent)]
    Payload(#[from] payload::PayloadError),
    /// It is not what a manifest is.
    #[error("the manifest cannot be understood: {0}")]
    Malformed(String),
    /// It has another format.
    #[error("the manifest has the format {0}, and this program reads {FORMAT}: use a newer version")]
    Format(u32),
}

impl Manifest {
    /// The payload under a Directory.
    ///
    /// # Errors
    /// Never in practice: writing into memory does not fail.
    pub fn write(&self, directory: &str) -> std::io::Result<Payload> {
        let head = Head { format: FORMAT, users: self.users, groups: self.groups };
        let mut lines = vec![serde_json::to_vec(&head)?];
        for (bucket, Summary { hash, entries, bytes }) in self.layout.iter() {
            let name = SliceName::Bucket(bucket).object_name(directory);
            lines.push(serde_json::to_vec(&Line { name, hash: hash.to_string(), entries, bytes })?);
        }
        Payload::write(lines.iter().map(Vec::as_slice))
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn read(directory: &str, payload: &str) -> Result<Self, ManifestError> {
        let malformed = |why: String| ManifestError::Malformed(why);
        let text = payload::read(payload)?;
        let mut lines = payload::lines(&text);
        let first = lines.next().ok_or_else(|| malformed("it is empty".to_owned()))?;
        let head: Head = serde_json::from_slice(first).map_err(|error| malformed(error.to_string()))?;
        if head.format != FORMAT {
            return Err(ManifestError::Format(head.format));
        }
        let mut layout = Layout::default();
        for line in lines {
            let line: Line = serde_json::from_slice(line).map_err(|error| malformed(error.to_string()))?;
            let hash: PayloadHash =
                line.hash.parse().map_err(|_| malformed("a hash is not one".to_owned()))?;
            let Some(SliceName::Bucket(bucket)) = SliceName::parse(directory, &line.name) else {
                return Err(malformed(format!("{} is not the name of a slice", line.name)));
            };
            layout.insert(bucket, Summary { hash, entries: line.entries, bytes: line.bytes });
        }
        if !layout.is_sound() {
            return Err(malformed("two slices have a key in common".to_owned()));
        }
        Ok(Self { layout, users: head.users, groups: head.groups })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slice::{Bucket, Family, Prefix};

    fn manifest(bits: &[&str]) -> Manifest {
        let mut layout = Layout::default();
        for (number, bits) in bits.iter().enumerate() {
            let bucket = Bucket { family: Family::Users, prefix: Prefix::parse(bits).unwrap() };
            layout.insert(bucket, Summary { hash: PayloadHash(number as u128), entries: 3, bytes: 1_000 });
        }
        Manifest { layout, users: 6, groups: 0 }
    }

    #[test]
    fn a_manifest_reads_back() {
        let manifest = manifest(&["0", "1"]);
        let payload = manifest.write("acme").unwrap();
        assert_eq!(Manifest::read("acme", &payload.text).unwrap(), manifest);
        assert!(Manifest::read("other", &payload.text).is_err());
    }

    #[test]
    fn another_format_and_overlapping_slices_are_refused() {
        let payload = Payload::write([br#"{"format":2,"users":0,"groups":0}"#.as_slice()]).unwrap();
        assert_eq!(Manifest::read("acme", &payload.text), Err(ManifestError::Format(2)));
        let overlapping = manifest(&["0", "01"]).write("acme").unwrap();
        let error = Manifest::read("acme", &overlapping.text).unwrap_err();
        assert!(error.to_string().contains("a key in common"), "{error}");
    }
}

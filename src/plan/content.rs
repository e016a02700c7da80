//! The contents of a plan as JSON, compressed some at a time: a plan that creates 100,000 people
//! takes a fifth of what they would take as structs.

use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Contents are compressed together until a block has this many bytes. Whoever reads one of them
/// decompresses its block: a larger one would be smaller in all and dearer to read.
const BLOCK_BYTES: usize = 8 * 1024;

/// The content of one mirror: the JSON of a `User` or a `Group`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Content {
    block: Block,
    start: u32,
    length: u32,
}

/// Compressed contents; empty until the block is full or the plan is finished.
type Block = Arc<OnceLock<Vec<u8>>>;

/// A content cannot be read back: a defect of this program.
#[derive(Debug, thiserror::Error)]
#[error("a planned content cannot be read back: {0}")]
pub struct ContentError(String);

impl From<serde_json::Error> for ContentError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl Content {
    /// A content in a block of its own.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut packer = Packer::default();
        let content = packer.add(&serde_json::to_vec(value)?);
        packer.close();
        Ok(content)
    }

    /// Length of the JSON in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.length as usize
    }

    /// The JSON.
    ///
    /// # Errors
    /// When the block cannot be read back.
    pub fn json(&self) -> Result<Vec<u8>, ContentError> {
        let block = self.block.get().ok_or_else(|| ContentError("its block is open".to_owned()))?;
        let mut block =
            lz4_flex::decompress_size_prepended(block).map_err(|error| ContentError(error.to_string()))?;
        let (start, length) = (self.start as usize, self.length as usize);
        if block.len() < start + length {
            return Err(ContentError("it lies outside of its block".to_owned()));
        }
        block.truncate(start + length);
        block.drain(..start);
        Ok(block)
    }

    /// The value.
    ///
    /// # Errors
    /// When the block cannot be read back, or holds another type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ContentError> {
        Ok(serde_json::from_slice(&self.json()?)?)
    }
}

/// Collects contents.
#[derive(Debug, Default)]
pub struct Packer {
    open: Vec<u8>,
    block: Block,
}

impl Packer {
    /// Adds a content; it can be read when its block is closed.
    pub fn add(&mut self, json: &[u8]) -> Content {
        let content =
            Content { block: self.block.clone(), start: narrow(self.open.len()), length: narrow(json.len()) };
        self.open.extend_from_slice(json);
        if self.open.len() >= BLOCK_BYTES {
            self.close();
        }
        content
    }

    /// Closes the open block.
    pub fn close(&mut self) {
        if !self.open.is_empty() {
            // Each block is set once, here, and then left to those who hold its contents.
            let _ = self.block.set(lz4_flex::compress_prepend_size(&self.open));
            self.open.clear();
            self.block = Block::default();
        }
    }
}

/// A block has 8 KiB and one content more, which is far below four gigabytes.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_come_back_from_all_blocks() {
        let mut packer = Packer::default();
        let texts: Vec<String> = (0..1_000).map(|number| format!("person {number} of many")).collect();
        let contents: Vec<Content> =
            texts.iter().map(|text| packer.add(&serde_json::to_vec(text).unwrap())).collect();
        packer.close();
        let read: Vec<String> = contents.iter().map(|content| content.read().unwrap()).collect();
        assert_eq!(read, texts);
        assert_eq!(contents[0].bytes(), texts[0].len() + 2);
    }

    #[test]
    fn a_content_of_an_open_block_is_not_taken_for_another() {
        let content = Packer::default().add(b"{}");
        assert!(content.json().is_err());
    }
}

//! Records as JSON in compressed blocks. The provider's own attributes stand apart, so that they are
//! unpacked only where an expression reads them.

use serde::de::DeserializeOwned;

use super::{Record, SnapshotError, broken, narrow};

/// Records are compressed together until a block has this many bytes of JSON.
const BLOCK_BYTES: usize = 64 * 1024;

/// The two parts of a record.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// All but the provider's own attributes.
    Record,
    /// The provider's own attributes.
    Raw,
}

/// Each part of some records, one after the other.
type Block = [Vec<u8>; 2];

/// Where a record is.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    block: u32,
    offsets: [u32; 2],
}

/// All blocks, the last of which is still open.
#[derive(Debug, Default)]
pub struct Blocks {
    closed: Vec<Block>,
    open: Block,
}

impl Blocks {
    /// Adds a record.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn push(&mut self, record: &Record) -> Result<Spot, SnapshotError> {
        let offsets = self.open.each_ref().map(|part| narrow(part.len()));
        let spot = Spot { block: narrow(self.closed.len()), offsets };
        let [records, raw] = &mut self.open;
        serde_json::to_writer(&mut *records, record).map_err(broken)?;
        serde_json::to_writer(&mut *raw, record.raw()).map_err(broken)?;
        if records.len() + raw.len() >= BLOCK_BYTES {
            self.close();
        }
        Ok(spot)
    }

    /// Compresses what is still open.
    pub fn close(&mut self) {
        if self.open.iter().any(|part| !part.is_empty()) {
            self.closed.push(self.open.each_ref().map(|part| lz4_flex::compress_prepend_size(part)));
            self.open = Block::default();
        }
    }

    /// Bytes of memory that the blocks take.
    pub fn bytes(&self) -> usize {
        self.closed.iter().chain([&self.open]).flatten().map(Vec::len).sum()
    }

    /// Reads one part of a record; `unpacked` keeps the block for the next.
    ///
    /// # Errors
    /// When it cannot be read back.
    pub fn read<T: DeserializeOwned>(
        &self,
        spot: Spot,
        part: Part,
        unpacked: &mut Unpacked,
    ) -> Result<T, SnapshotError> {
        let offset = spot.offsets[part as usize] as usize;
        let text = match self.closed.get(spot.block as usize) {
            Some(block) => unpacked.part(spot.block, block, part)?.get(offset..),
            None => self.open[part as usize].get(offset..).map(str::from_utf8).transpose().map_err(broken)?,
        };
        let text = text.ok_or_else(|| broken("a record lies outside its block"))?;
        // The next record follows: no end is looked for.
        T::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(broken)
    }
}

/// The block that was read last.
#[derive(Debug, Default)]
pub struct Unpacked {
    parts: [UnpackedPart; 2],
}

/// One part of a block. It is text, so that a reader of JSON need not look whether each value is.
#[derive(Debug, Default)]
struct UnpackedPart {
    of: Option<u32>,
    text: String,
}

impl Unpacked {
    fn part(&mut self, number: u32, block: &Block, part: Part) -> Result<&str, SnapshotError> {
        let unpacked = &mut self.parts[part as usize];
        if unpacked.of != Some(number) {
            unpacked.of = None;
            let (size, packed) = lz4_flex::block::uncompressed_size(&block[part as usize]).map_err(broken)?;
            let mut bytes = std::mem::take(&mut unpacked.text).into_bytes();
            bytes.resize(size, 0);
            lz4_flex::block::decompress_into(packed, &mut bytes).map_err(broken)?;
            unpacked.text = String::from_utf8(bytes).map_err(broken)?;
            unpacked.of = Some(number);
        }
        Ok(&unpacked.text)
    }
}

//! From keys to records, and from records to records.

use crate::model::KeyDigest;

/// From keys to the indices of all records that they lead to.
///
/// A key that several records share leads to all of them: two people with one `uid` are both
/// members where that `uid` is listed.
#[derive(Debug, Default)]
pub struct KeyIndex {
    entries: Vec<(KeyDigest, u32)>,
}

impl KeyIndex {
    /// Adds a way; not found before [`KeyIndex::seal`].
    pub fn insert(&mut self, key: KeyDigest, record: u32) {
        self.entries.push((key, record));
    }

    /// Ends adding.
    pub fn seal(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup();
        self.entries.shrink_to_fit();
    }

    /// The records that a key leads to, in ascending order.
    pub fn get(&self, key: KeyDigest) -> impl Iterator<Item = u32> {
        let from = self.entries.partition_point(|(known, _)| *known < key);
        self.entries[from..].iter().take_while(move |(known, _)| *known == key).map(|(_, record)| *record)
    }

    /// All ways.
    pub fn iter(&self) -> impl Iterator<Item = (KeyDigest, u32)> {
        self.entries.iter().copied()
    }
}

/// Pairs of indices, such as the edges of a graph, found by their first.
#[derive(Debug, Default)]
pub struct Edges {
    pairs: Vec<(u32, u32)>,
}

impl Edges {
    /// Adds a pair; not found before [`Edges::seal`].
    pub fn insert(&mut self, from: u32, to: u32) {
        self.pairs.push((from, to));
    }

    /// Ends adding.
    pub fn seal(&mut self) {
        self.pairs.sort_unstable();
        self.pairs.dedup();
    }

    /// The seconds of a first, in ascending order.
    pub fn from(&self, from: u32) -> impl Iterator<Item = u32> {
        let start = self.pairs.partition_point(|(known, _)| *known < from);
        self.pairs[start..].iter().take_while(move |(known, _)| *known == from).map(|(_, to)| *to)
    }

    /// The same pairs the other way round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut edges = Self { pairs: self.pairs.iter().map(|(from, to)| (*to, *from)).collect() };
        edges.seal();
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Key;

    #[test]
    fn a_key_leads_to_all_records_that_share_it() {
        let mut index = KeyIndex::default();
        for (key, record) in [("uid:ada", 2), ("uid:bob", 1), ("uid:ada", 0), ("uid:ada", 2)] {
            index.insert(Key(key.into()).digest(), record);
        }
        index.seal();
        assert_eq!(index.get(Key("uid:ada".into()).digest()).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(index.get(Key("uid:eve".into()).digest()).count(), 0);
    }

    #[test]
    fn edges_are_found_from_both_ends() {
        let mut edges = Edges::default();
        edges.insert(1, 3);
        edges.insert(1, 2);
        edges.insert(0, 3);
        edges.seal();
        assert_eq!(edges.from(1).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(edges.reversed().from(3).collect::<Vec<_>>(), [0, 1]);
    }
}

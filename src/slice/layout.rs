//! Which buckets there are. Together the buckets of a family hold every key once: a bucket that has
//! become too large is split in two by the next bit of its keys, and two halves that have become
//! small are merged.

use std::collections::BTreeMap;
use std::ops::Range;

use super::name::{Bucket, Family};
use super::payload::PayloadHash;
use super::prefix::Prefix;

/// The most entries of a bucket.
///
/// 150 people take about 10 kB as a payload, the size up to which Kubernetes wants 10,000 objects of a
/// kind to be no burden: enough for a million people.
pub const MAX_ENTRIES: usize = 150;

/// The most bytes of a bucket's lines, before they are compressed. A single entry may have more.
pub const MAX_BYTES: usize = 64 * 1024;

/// Two halves are merged when together they have at most this share of a full bucket: far from
/// where they would be split again.
const MERGE_SHARE: usize = 4;

/// What is in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The hash of its payload.
    pub hash: PayloadHash,
    /// How many entries it has.
    pub entries: u32,
    /// How many bytes its lines have.
    pub bytes: u32,
}

/// The buckets of one Directory, each with what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout(BTreeMap<(Family, u128), (Prefix, Summary)>);

impl Layout {
    /// The bucket that a key belongs to; the root where a family has none.
    #[must_use]
    pub fn bucket(&self, family: Family, key: u128) -> Bucket {
        let before = self.0.range((family, 0)..=(family, key)).next_back();
        let found = before.map(|(_, (prefix, _))| *prefix).filter(|prefix| prefix.contains(key));
        Bucket { family, prefix: found.unwrap_or_default() }
    }

    /// What is in a bucket, if it is one of the layout.
    #[must_use]
    pub fn get(&self, bucket: Bucket) -> Option<Summary> {
        let (prefix, summary) = self.0.get(&place(bucket))?;
        (*prefix == bucket.prefix).then_some(*summary)
    }

    /// All buckets, family by family in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (Bucket, Summary)> {
        self.0
            .iter()
            .map(|((family, _), (prefix, summary))| (Bucket { family: *family, prefix: *prefix }, *summary))
    }

    /// Whether there are no buckets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many buckets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a bucket, or changes what is in it. The buckets that it overlaps are to be removed first.
    pub fn insert(&mut self, bucket: Bucket, summary: Summary) {
        self.0.insert(place(bucket), (bucket.prefix, summary));
    }

    /// Removes a bucket.
    pub fn remove(&mut self, bucket: Bucket) {
        if self.get(bucket).is_some() {
            self.0.remove(&place(bucket));
        }
    }

    /// Whether each two buckets have no key in common.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let mut buckets = self.iter().map(|(bucket, _)| bucket);
        let Some(mut before) = buckets.next() else { return true };
        buckets.all(|bucket| {
            let apart = before.family != bucket.family || !before.prefix.contains(bucket.prefix.first_key());
            before = bucket;
            apart
        })
    }

    /// The bucket into which a bucket is to be written when it will have `entries` and `bytes`, and the
    /// buckets of the layout that become part of it: itself, or, when it has become small, its other
    /// half too, and so on.
    #[must_use]
    pub fn merged(&self, bucket: Bucket, mut entries: usize, mut bytes: usize) -> (Bucket, Vec<Bucket>) {
        let mut target = bucket;
        let mut sources: Vec<Bucket> = self.get(bucket).map(|_| bucket).into_iter().collect();
        while let Some((parent, sibling)) = target.prefix.parent_and_sibling() {
            let sibling = Bucket { prefix: sibling, ..target };
            let Some(other) = self.get(sibling) else { break };
            entries += other.entries as usize;
            bytes += other.bytes as usize;
            if entries > MAX_ENTRIES / MERGE_SHARE || bytes > MAX_BYTES / MERGE_SHARE {
                break;
            }
            sources.push(sibling);
            target.prefix = parent;
        }
        (target, sources)
    }
}

const fn place(bucket: Bucket) -> (Family, u128) {
    (bucket.family, bucket.prefix.first_key())
}

/// Divides entries, in the order of their keys, into buckets that are within the bounds. `entries` has
/// the key and the length in bytes of each; the result has the entries of each bucket by place. The
/// bucket stays as it is where it is within the bounds, even when it has no entries.
#[must_use]
pub fn split(prefix: Prefix, entries: &[(u128, usize)]) -> Vec<(Prefix, Range<usize>)> {
    let mut parts = Vec::new();
    split_range(prefix, entries, 0..entries.len(), &mut parts);
    parts
}

fn split_range(
    prefix: Prefix,
    entries: &[(u128, usize)],
    range: Range<usize>,
    parts: &mut Vec<(Prefix, Range<usize>)>,
) {
    let within = &entries[range.clone()];
    let bytes: usize = within.iter().map(|(_, bytes)| bytes).sum();
    let fits = within.len() <= 1 || (within.len() <= MAX_ENTRIES && bytes <= MAX_BYTES);
    match prefix.children().filter(|_| !fits) {
        None => parts.push((prefix, range)),
        Some([zero, one]) => {
            let middle = range.start + within.partition_point(|(key, _)| *key < one.first_key());
            split_range(zero, entries, range.start..middle, parts);
            split_range(one, entries, middle..range.end, parts);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::slice::prefix::KEY_BITS;

    fn summary(entries: u32) -> Summary {
        Summary { hash: PayloadHash(0), entries, bytes: entries * 100 }
    }

    fn users(bits: &str) -> Bucket {
        Bucket { family: Family::Users, prefix: Prefix::parse(bits).unwrap() }
    }

    fn layout(buckets: &[(&str, u32)]) -> Layout {
        let mut layout = Layout::default();
        for (bits, entries) in buckets {
            layout.insert(users(bits), summary(*entries));
        }
        layout
    }

    proptest! {
        #[test]
        fn split_buckets_hold_every_key_once_and_are_within_the_bounds(
            keys in proptest::collection::btree_set(0_u128..1 << KEY_BITS, 0..2_000),
            length in 1_usize..2_000,
        ) {
            let entries: Vec<(u128, usize)> = keys.iter().map(|key| (*key, length)).collect();
            let parts = split(Prefix::ROOT, &entries);
            let mut layout = Layout::default();
            let mut next = 0;
            for (prefix, range) in &parts {
                prop_assert_eq!(range.start, next);
                next = range.end;
                let within = &entries[range.clone()];
                prop_assert!(within.len() <= MAX_ENTRIES);
                prop_assert!(within.len() <= 1 || within.len() * length <= MAX_BYTES);
                prop_assert!(within.iter().all(|(key, _)| prefix.contains(*key)));
                layout.insert(Bucket { family: Family::Users, prefix: *prefix }, summary(1));
            }
            prop_assert_eq!(next, entries.len());
            prop_assert!(layout.is_sound());
            for (prefix, range) in &parts {
                for (key, _) in &entries[range.clone()] {
                    prop_assert_eq!(layout.bucket(Family::Users, *key).prefix, *prefix);
                }
            }
        }
    }

    #[test]
    fn a_family_without_buckets_has_one_for_everything() {
        let layout = layout(&[("0", 1), ("1", 1)]);
        assert_eq!(layout.bucket(Family::Groups, 7).prefix, Prefix::ROOT);
        assert_eq!(layout.bucket(Family::Users, 7), users("0"));
    }

    #[test]
    fn halves_that_became_small_are_merged_and_large_ones_stay() {
        let layout = layout(&[("000", 5), ("001", 5), ("01", 10), ("1", 140)]);
        let (target, sources) = layout.merged(users("000"), 4, 400);
        assert_eq!(target, users("0"));
        assert_eq!(sources, [users("000"), users("001"), users("01")]);
        assert_eq!(layout.merged(users("1"), 139, 13_900), (users("1"), vec![users("1")]));
        assert_eq!(layout.merged(users("01"), 10, 1_000).0, users("01"), "the other half is divided itself");
    }

    #[test]
    fn what_was_split_is_not_merged_at_once() {
        let half = MAX_ENTRIES / 2;
        let layout = layout(&[("0", u32::try_from(half).unwrap()), ("1", u32::try_from(half).unwrap())]);
        assert_eq!(layout.merged(users("0"), half, half * 100).0, users("0"));
    }

    #[test]
    fn buckets_with_a_key_in_common_are_noticed() {
        assert!(!layout(&[("0", 1), ("01", 1)]).is_sound());
        assert!(layout(&[("00", 1), ("01", 1), ("1", 1)]).is_sound());
    }
}

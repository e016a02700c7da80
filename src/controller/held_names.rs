//! The names of all mirrors that a plan takes something from, as the checkpoint keeps them: the
//! status has room for twenty.

use data_encoding::BASE64;

use crate::api::checkpoint::HeldLosses;
use crate::model::{Kind, MirrorName};
use crate::plan::guard::Loss;

/// How many names are kept: 520 kB as text, beside the marks and within the size of an object.
pub const MAX_NAMES: usize = 30_000;

/// Bytes of a name: its hash has 100 bits.
const ID_BYTES: usize = 13;

/// A plan's losses, mirror by mirror.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldNames {
    /// The hash under which the status shows the plan as held; empty when it is carried out.
    pub hash: String,
    /// What each mirror would lose.
    pub losses: Vec<(Loss, MirrorName)>,
}

impl HeldNames {
    /// Reads what a checkpoint keeps; bytes that are no whole name are nobody's.
    #[must_use]
    pub fn of(kept: &HeldLosses) -> Self {
        let lists = [
            (Loss::Delete, Kind::User, &kept.delete_users),
            (Loss::Deactivate, Kind::User, &kept.deactivate_users),
            (Loss::Delete, Kind::Group, &kept.delete_groups),
            (Loss::Shrink, Kind::Group, &kept.shrink_groups),
        ];
        let losses = lists.into_iter().flat_map(|(loss, kind, packed)| {
            unpack(packed).into_iter().map(move |id| (loss, MirrorName { kind, id }))
        });
        Self { hash: kept.hash.clone(), losses: losses.collect() }
    }

    /// The first names, as a checkpoint keeps them.
    #[must_use]
    pub fn kept(&self) -> HeldLosses {
        let losses = &self.losses[..self.losses.len().min(MAX_NAMES)];
        let list = |loss, kind| {
            let ids = losses.iter().filter(|(what, name)| *what == loss && name.kind == kind);
            let bytes: Vec<u8> =
                ids.flat_map(|(_, name)| name.id.to_be_bytes()[16 - ID_BYTES..].to_vec()).collect();
            BASE64.encode(&bytes)
        };
        HeldLosses {
            hash: self.hash.clone(),
            delete_users: list(Loss::Delete, Kind::User),
            deactivate_users: list(Loss::Deactivate, Kind::User),
            delete_groups: list(Loss::Delete, Kind::Group),
            shrink_groups: list(Loss::Shrink, Kind::Group),
        }
    }
}

fn unpack(packed: &str) -> Vec<u128> {
    let bytes = BASE64.decode(packed.as_bytes()).unwrap_or_default();
    let id = |bytes: &[u8]| bytes.iter().fold(0_u128, |id, byte| id << 8 | u128::from(*byte));
    bytes.chunks_exact(ID_BYTES).map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_held_plan_comes_back_and_no_more_are_kept_than_fit() {
        let name = |kind, number: usize| MirrorName::new(kind, &number.to_string());
        let losses = vec![
            (Loss::Delete, name(Kind::User, 1)),
            (Loss::Deactivate, name(Kind::User, 2)),
            (Loss::Delete, name(Kind::Group, 1)),
            (Loss::Shrink, name(Kind::Group, 2)),
        ];
        let held = HeldNames { hash: "abc".into(), losses };
        assert_eq!(HeldNames::of(&held.kept()), held);
        let many = (0..MAX_NAMES + 5).map(|number| (Loss::Delete, name(Kind::User, number))).collect();
        let kept = HeldNames { hash: String::new(), losses: many }.kept();
        assert_eq!(HeldNames::of(&kept).losses.len(), MAX_NAMES);
        assert!(kept.delete_users.len() <= 520_000);
    }
}

//! What must outlive a restart whatever became of the mirrors, and its form in the checkpoint.

use data_encoding::BASE64;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::held_names::HeldNames;
use crate::api::DirectoryCheckpointSpec;
use crate::api::checkpoint::{KnownAttribute, MissingSince, RecentLosses, Tenant};
use crate::plan::Marks;
use crate::plan::absence::{Baseline, Known};
use crate::plan::marks::Batch;
use crate::plan::recent::{Recent, Taken};
use crate::source::TenantId;

/// What must outlive a restart whatever became of the mirrors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lasting {
    /// Who is missing since when.
    pub marks: Marks,
    /// What went unasked within the last day.
    pub recent: Recent,
    /// What was to go unasked when that was last known to be under way.
    pub leaving: Option<HeldNames>,
    /// Whose directory was read.
    pub tenant: Option<TenantId>,
    /// What the guard holds back.
    pub held: Option<HeldNames>,
    /// What people had when a reading was last believed.
    pub attributes: Baseline,
}

impl Lasting {
    /// Reads a checkpoint. What is not written as it should be says nothing.
    #[must_use]
    pub fn of(spec: &DirectoryCheckpointSpec) -> Self {
        let number = |count: i64| usize::try_from(count).unwrap_or_default();
        let taken = |losses: &RecentLosses| Taken {
            at: losses.time.0.as_second(),
            users: number(losses.users),
            groups: number(losses.groups),
        };
        Self {
            marks: Marks::of(&spec.missing.iter().map(batch).collect::<Vec<_>>()),
            recent: Recent::of(spec.recent_losses.iter().map(taken).collect()),
            leaving: spec.leaving.as_ref().map(HeldNames::of),
            tenant: spec.tenant.as_ref().map(|Tenant { of, id }| TenantId { of: of.clone(), id: id.clone() }),
            held: spec.held.as_ref().map(HeldNames::of),
            attributes: Baseline::of(spec.attributes.iter().filter_map(known).collect()),
        }
    }

    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts it into what a checkpoint says.
    #[must_use]
    pub fn within(&self, spec: DirectoryCheckpointSpec) -> DirectoryCheckpointSpec {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let losses = |taken: &Taken| {
            let (users, groups) = (number(taken.users), number(taken.groups));
            Some(RecentLosses { time: time(taken.at)?, users, groups })
        };
        DirectoryCheckpointSpec {
            missing: self.marks.batches().iter().filter_map(missing_since).collect(),
            recent_losses: self.recent.entries().iter().filter_map(losses).collect(),
            leaving: self.leaving.as_ref().map(HeldNames::kept),
            held: self.held.as_ref().map(HeldNames::kept),
            attributes: self.attributes.entries().iter().map(known_attribute).collect(),
            tenant: self.tenant.clone().map(|TenantId { of, id }| Tenant { of, id }),
            ..spec
        }
    }
}

fn batch(missing: &MissingSince) -> Batch {
    let decode = |text: &str| BASE64.decode(text.as_bytes()).unwrap_or_default();
    Batch {
        since: missing.since.0.as_second(),
        users: decode(&missing.users),
        groups: decode(&missing.groups),
    }
}

fn missing_since(batch: &Batch) -> Option<MissingSince> {
    Some(MissingSince {
        since: time(batch.since)?,
        users: BASE64.encode(&batch.users),
        groups: BASE64.encode(&batch.groups),
    })
}

fn known(kept: &KnownAttribute) -> Option<Known> {
    Some(Known {
        attribute: kept.name.clone(),
        people: usize::try_from(kept.people).ok()?,
        of: usize::try_from(kept.of).ok()?,
        origin: kept.origin.parse().ok()?,
    })
}

fn known_attribute(known: &Known) -> KnownAttribute {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    KnownAttribute {
        name: known.attribute.clone(),
        people: number(known.people),
        of: number(known.of),
        origin: known.origin.to_string(),
    }
}

fn time(seconds: i64) -> Option<Time> {
    Timestamp::from_second(seconds).ok().map(Time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContentHash, Kind, MirrorName};
    use crate::plan::guard::Loss;

    fn spec() -> DirectoryCheckpointSpec {
        DirectoryCheckpointSpec {
            directory: "acme".into(),
            directory_uid: "u".into(),
            cursor: None,
            owner: None,
            rules_hash: String::new(),
            mirrors: String::new(),
            full_sync_time: Time(Timestamp::UNIX_EPOCH),
            missing: Vec::new(),
            recent_losses: Vec::new(),
            leaving: None,
            tenant: None,
            attributes: Vec::new(),
            held: None,
        }
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut lasting = Lasting::default();
        lasting.marks.insert(MirrorName::new(Kind::User, "1"), 1_000_000);
        lasting.marks.insert(MirrorName::new(Kind::Group, "1"), 1_000_500);
        lasting.recent.add(1_000_000, 2, 1);
        let losses = vec![(Loss::Deactivate, MirrorName::new(Kind::User, "2"))];
        lasting.leaving = Some(HeldNames { hash: String::new(), losses });
        lasting.tenant = Some(TenantId { of: "dc=a".into(), id: "entryUUID=1".into() });
        lasting.attributes = Baseline::of(vec![Known {
            attribute: "title".into(),
            people: 30,
            of: 40,
            origin: ContentHash(7),
        }]);
        assert_eq!(Lasting::of(&lasting.within(spec())), lasting);
    }

    #[test]
    fn a_mark_that_cannot_be_read_is_nobodys() {
        let missing = MissingSince {
            since: Time(Timestamp::UNIX_EPOCH),
            users: "not base64!".into(),
            groups: String::new(),
        };
        assert!(Lasting::of(&DirectoryCheckpointSpec { missing: vec![missing], ..spec() }).is_empty());
    }
}

//! The pass over people: from record to outcome.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

use super::graph::{Doubts, Groups, index, valid_id};
use super::keys::Edges;
use super::managers::People;
use super::mapping::{Held, Mapped};
use super::outcome::{Outcome, QuarantineReason};
use super::person;
use super::records::{self, Person};
use super::roles::Grants;
use super::run::{Run, Stop};
use super::subject::Subject;
use crate::model::lost::Lost;
use crate::model::record::MAX_EXTERNAL_ID_BYTES;
use crate::model::{Key, KeyDigest, Kind, MirrorName, Snapshot, State, User};

/// What the groups need to know of people afterwards.
#[derive(Debug, Default)]
pub struct Members {
    /// Everybody's mirror, by their place in the snapshot, those whose record could not be used at the end; `None` for who
    /// has no readable id.
    pub mirrors: Vec<Option<MirrorName>>,
    /// Whether they can stand as a member.
    ///
    /// Somebody who is held back can: their mirror may be there from before, its name depends on
    /// the id alone, and leaving them out would take from them what the directory still gives.
    pub listed: Vec<bool>,
    /// From a group to the people whose own records name it.
    pub member_of: Edges,
    /// What is not known of those whose record could not be used.
    pub doubts: Doubts,
}

impl Members {
    /// Adds somebody whose record could not be used. They stay in their groups, as far as those are known.
    fn lose(&mut self, lost: &Lost, groups: &Groups) {
        let place = index(self.mirrors.len());
        for key in lost.links.member_of.iter().flatten() {
            groups.by_key(key.digest()).for_each(|group| self.member_of.insert(group, place));
        }
        self.doubts.add(lost);
        self.mirrors.push(lost.mirror());
        self.listed.push(true);
    }
}

/// Where somebody stands.
enum Decision {
    In,
    Out,
    Held(Held),
}

/// Normalises everybody.
pub fn read<E>(
    run: &mut Run<'_>,
    snapshot: &Snapshot,
    groups: &Groups,
    people: &People,
    emit: &mut dyn FnMut(Outcome) -> Result<(), E>,
) -> Result<Members, Stop<E>> {
    let mut members = Members::default();
    let mut conflicts = Conflicts::default();
    let need_raw = run.rules.need_raw_users();
    snapshot.visit_stored(Kind::User, |mut stored| {
        let record: Person = records::user(&mut stored)?;
        let place = index(members.mirrors.len());
        let mirror = MirrorName::new(Kind::User, &record.user.external_id);
        let named: Vec<KeyDigest> = record.member_of.iter().map(Key::digest).collect();
        for key in &named {
            let mut found = false;
            for group in groups.by_key(*key) {
                members.member_of.insert(group, place);
                found = true;
            }
            run.summary.unresolved_groups += usize::from(!found && !groups.nodes.is_empty());
        }
        let raw = records::raw(&mut stored, need_raw)?;
        let names = Names { keys: stored.keys(), manager: stored.manager(), groups: &named };
        let (user, decision) = one(run, record.user, &raw, names, groups, people);
        members.mirrors.push(Some(mirror));
        let leaving = user.state == State::Inactive && !run.rules.inactive_in_groups;
        members.listed.push(match decision {
            Decision::In => !leaving,
            Decision::Out => false,
            Decision::Held(_) => true,
        });
        match decision {
            Decision::In => {
                count(run, &mut conflicts, &user);
                emit(Outcome::User(trimmed(run, user))).map_err(Stop::Caller)?;
            }
            Decision::Out => run.summary.out_of_scope_users += 1,
            Decision::Held((reason, message)) => {
                emit(Outcome::Quarantined { name: mirror, reason, message }).map_err(Stop::Caller)?;
            }
        }
        run.check_cost()
    })?;
    for lost in snapshot.lost().of(Kind::User) {
        members.lose(lost, groups);
    }
    members.member_of.seal();
    run.summary.sharing_email = shared(conflicts.emails);
    run.summary.sharing_user_name = shared(conflicts.user_names);
    Ok(members)
}

/// The names that tie a person to others.
#[derive(Clone, Copy)]
struct Names<'a> {
    keys: &'a [KeyDigest],
    manager: Option<KeyDigest>,
    /// Of the groups that their own record names.
    groups: &'a [KeyDigest],
}

fn one(
    run: &mut Run<'_>,
    mut user: User,
    raw: &Map<String, Value>,
    names: Names<'_>,
    groups: &Groups,
    people: &People,
) -> (User, Decision) {
    if !valid_id(&user.external_id) {
        let message = format!(
            "the person's id is empty, longer than {MAX_EXTERNAL_ID_BYTES} bytes or has control characters; correct \
             it at the source"
        );
        return (user, Decision::Held((QuarantineReason::InvalidId, message)));
    }
    let dropped = person::clean(&mut user);
    run.summary.values_too_long += dropped.too_long;
    run.summary.lists_cut += dropped.cut;
    if let Some(key) = names.manager {
        user.manager = people.manager(key).or(user.manager);
        run.summary.unresolved_managers += usize::from(user.manager.is_none());
    }
    let direct =
        if run.rules.need_memberships() { groups.direct(names.keys, names.groups) } else { Vec::new() };
    let grants = groups.grants(&direct);
    let decision = decide(run, &mut user, raw, groups, &direct, grants);
    if let (Decision::In, Some(roles)) = (&decision, &run.rules.roles) {
        user.roles = roles.roles(grants);
        user.role = user.roles.first().cloned();
    }
    (user, decision)
}

/// Applies mapping and scope.
fn decide(
    run: &mut Run<'_>,
    user: &mut User,
    raw: &Map<String, Value>,
    groups: &Groups,
    direct: &[u32],
    grants: Grants,
) -> Decision {
    if grants.unknown || groups.leave_undecided(run.rules, grants) {
        let message =
            "a group that the person is in, or may be in, cannot be decided or read; see what else is held \
                       back"
                .to_owned();
        return Decision::Held((QuarantineReason::MembershipUnknown, message));
    }
    let rules = run.rules;
    if rules.only_group_members && !grants.any {
        return Decision::Out;
    }
    let names = match if rules.need_group_names() { groups.names(direct) } else { Ok(Vec::new()) } {
        Ok(names) => names,
        Err(failure) => return Decision::Held(scope_error(&failure.to_string())),
    };
    let mut mapped = Mapped::default();
    if !rules.mapping.is_empty() {
        let subject = Subject { user, groups: &names };
        mapped = Mapped::evaluate(&rules.mapping, &run.machine, &[("raw", raw), ("user", &subject)]);
        mapped.apply(&rules.mapping, user);
    }
    if let Some(program) = &rules.users {
        let subject = Subject { user, groups: &names };
        match run.machine.decide(program, &[("user", &subject), ("raw", raw)]) {
            Ok(true) => {}
            Ok(false) => return Decision::Out,
            Err(failure) => return Decision::Held(scope_error(&failure.to_string())),
        }
    }
    run.summary.invalid_attributes += mapped.invalid;
    mapped.held.map_or(Decision::In, Decision::Held)
}

fn scope_error(failure: &str) -> Held {
    let message = format!(
        "spec.scope.users cannot be decided for this person: {failure}; where an attribute may be absent, write \
         has(user.title) && …, or user.?title.orValue('')"
    );
    (QuarantineReason::ScopeError, message)
}

fn count(run: &mut Run<'_>, conflicts: &mut Conflicts, user: &User) {
    match user.state {
        State::Active => run.summary.users_active += 1,
        State::Inactive => run.summary.users_inactive += 1,
    }
    match &user.email {
        Some(email) => conflicts.emails.push(folded(email)),
        None => run.summary.without_email += 1,
    }
    conflicts.user_names.extend(user.user_name.as_deref().map(folded));
}

fn trimmed(run: &Run<'_>, mut user: User) -> User {
    if let Some(output) = &run.rules.output {
        output.apply(&mut user);
    }
    user
}

/// Addresses and user names of everybody in scope, as hashes.
#[derive(Debug, Default)]
struct Conflicts {
    emails: Vec<u64>,
    user_names: Vec<u64>,
}

/// A hash of a text in any letter case; good enough to count by.
fn folded(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.to_lowercase().hash(&mut hasher);
    hasher.finish()
}

/// How many of these are there more than once.
fn shared(mut hashes: Vec<u64>) -> usize {
    hashes.sort_unstable();
    hashes.chunk_by(|a, b| a == b).filter(|chunk| chunk.len() > 1).map(<[u64]>::len).sum()
}

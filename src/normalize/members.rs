//! The last pass: groups with their members by object name.

use super::graph::{Groups, Node, Standing};
use super::managers::People;
use super::outcome::{Outcome, QuarantineReason};
use super::people::Members as Listed;
use super::records::{self, GroupParts};
use super::run::{Run, Stop};
use crate::model::group::MAX_INLINE_MEMBERS;
use crate::model::{Group, Kind, Members, MirrorName, Snapshot};

/// Emits every group of the scope.
pub fn read<E>(
    run: &mut Run<'_>,
    snapshot: &Snapshot,
    groups: &Groups,
    people: &People,
    members: &Listed,
    emit: &mut dyn FnMut(Outcome) -> Result<(), E>,
) -> Result<(), Stop<E>> {
    let children = groups.member_of.reversed();
    let nameless = groups.doubts.nameless || members.doubts.nameless;
    let anywhere = groups.doubts.anywhere || members.doubts.anywhere;
    let mut place = 0;
    snapshot.visit_stored(Kind::Group, |mut stored| {
        let record: GroupParts = records::group(&mut stored)?;
        let node = &groups.nodes[place as usize];
        let by_themselves = (members.member_of.from(place), children.from(place));
        place += 1;
        let name = MirrorName::new(Kind::Group, &record.external_id);
        let outcome = match &node.standing {
            Standing::Out => {
                run.summary.out_of_scope_groups += 1;
                return Ok(());
            }
            Standing::Unknown(reason, message) => {
                Outcome::Quarantined { name, reason: *reason, message: message.clone() }
            }
            Standing::In => {
                let mut found = Found { node, mirrors: Vec::new(), out_of_scope: 0, doubtful: anywhere };
                for key in &record.members {
                    let key = key.digest();
                    let mut known = false;
                    for person in people.by_key(key) {
                        found.person(members, person);
                        known = true;
                    }
                    for group in groups.by_key(key) {
                        found.group(groups, group);
                        known = true;
                    }
                    run.summary.unresolved_members += usize::from(!known);
                    found.doubtful |= !known && nameless;
                }
                by_themselves.0.for_each(|person| found.person(members, person));
                by_themselves.1.for_each(|group| found.group(groups, group));
                run.summary.out_of_scope_members += found.out_of_scope;
                finish(run, name, record.external_id, found)
            }
        };
        emit(outcome).map_err(Stop::Caller)
    })
}

/// The members of one group.
struct Found<'a> {
    node: &'a Node,
    mirrors: Vec<MirrorName>,
    out_of_scope: usize,
    /// Somebody may be a member whose record could not be used, so that it is not known who.
    doubtful: bool,
}

impl Found<'_> {
    fn person(&mut self, members: &Listed, person: u32) {
        self.add(members.listed[person as usize], members.mirrors[person as usize]);
    }

    fn group(&mut self, groups: &Groups, group: u32) {
        let node = &groups.nodes[group as usize];
        self.add(node.standing != Standing::Out, node.mirror);
    }

    fn add(&mut self, listed: bool, mirror: Option<MirrorName>) {
        let Some(mirror) = mirror else {
            self.doubtful = true;
            return;
        };
        // A group that lists itself says nothing.
        if Some(mirror) == self.node.mirror {
            return;
        }
        if listed {
            self.mirrors.push(mirror);
        } else {
            self.out_of_scope += 1;
        }
    }
}

fn finish(run: &mut Run<'_>, name: MirrorName, external_id: String, found: Found<'_>) -> Outcome {
    let Found { node, mut mirrors, doubtful, .. } = found;
    if doubtful {
        let message = "a record that cannot be used may be a member of the group, so its members are not known and stay \
                       as they are; mend the records that are held back as UnreadableRecord"
            .to_owned();
        return Outcome::Quarantined { name, reason: QuarantineReason::MembersUnknown, message };
    }
    mirrors.sort_unstable();
    mirrors.dedup();
    let count = mirrors.len();
    let Some(member_count) = i32::try_from(count).ok().filter(|_| count <= run.rules.max_members) else {
        let message = format!(
            "the group has {count} members; one object holds at most {MAX_INLINE_MEMBERS}. Set spec.output.mode to \
             Slices or Auto, leave the group out with spec.scope.groups, or divide it at the source"
        );
        return Outcome::Quarantined { name, reason: QuarantineReason::TooManyMembers, message };
    };
    let mut members = Members::default();
    for mirror in mirrors {
        let name = mirror.object_name(&run.rules.directory);
        match mirror.kind {
            Kind::User => members.users.push(name),
            Kind::Group => members.groups.push(name),
        }
    }
    members.users.sort_unstable();
    members.groups.sort_unstable();
    run.summary.groups += 1;
    run.summary.memberships += count;
    Outcome::Group(Group { external_id, display_name: node.display_name.clone(), member_count, members })
}

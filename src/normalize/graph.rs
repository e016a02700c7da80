//! Groups and who is in them, directly and through other groups.
//!
//! Only hashes and indices are kept, so that a million memberships take some tens of megabytes.
//! A group that is out of scope is as if it were not there: nobody is in another group through it.

use serde_json::{Map, Value};

use super::expr::Failure;
use super::keys::{Edges, KeyIndex};
use super::limits::TEXT;
use super::outcome::QuarantineReason;
use super::records::{self, GroupParts};
use super::roles::Grants;
use super::rules::Rules;
use super::run::{Run, Stop};
use super::subject::GroupSubject;
use super::text::{self, Lines};
use crate::model::lost::Lost;
use crate::model::record::MAX_EXTERNAL_ID_BYTES;
use crate::model::{KeyDigest, Kind, MirrorName, Snapshot};

/// The most groups that a person may be in, counted through other groups, where an expression
/// reads them.
const MAX_GROUP_NAMES: usize = 4_096;

/// Whether a group is in scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    In,
    /// It is not.
    Out,
    /// It cannot be decided, for a reason that names nobody.
    Unknown(QuarantineReason, String),
}

/// What is kept of a group.
#[derive(Debug)]
pub struct Node {
    /// The name of the group's mirror; `None` when its id could not be read.
    pub mirror: Option<MirrorName>,
    /// Whether the group is in scope.
    pub standing: Standing,
    /// The name to show.
    pub display_name: String,
    /// What being in it gives, with what the groups give that it is in.
    grants: Grants,
}

/// All groups of a snapshot.
#[derive(Debug, Default)]
pub struct Groups {
    /// In the order in which the snapshot has them, those that could not be used at the end.
    pub nodes: Vec<Node>,
    /// What is not known of those that could not be used.
    pub doubts: Doubts,
    by_key: KeyIndex,
    /// From the key of a member to the groups that list it; empty unless the rules need it.
    listed_in: KeyIndex,
    /// From a group to the groups that its own record names as its parents.
    pub member_of: Edges,
    /// From a group to all groups that it is a member of, out of scope left out.
    parents: Edges,
    /// What anybody may have besides: what the groups give of which it is not known who is in them.
    possible: Grants,
}

/// What is not known of records that could not be used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Doubts {
    /// By which names others refer to some of them: any member that is not found may be one.
    pub nameless: bool,
    /// Which groups some of them name: any group may have one as a member.
    pub anywhere: bool,
}

impl Doubts {
    /// Adds what is not known of one.
    pub fn add(&mut self, lost: &Lost) {
        self.nameless |= lost.links.keys.is_none();
        self.anywhere |= lost.links.member_of.is_none();
    }
}

impl Groups {
    /// Reads the groups and decides which are in scope.
    pub fn read<E>(run: &mut Run<'_>, snapshot: &Snapshot) -> Result<Self, Stop<E>> {
        let keep_members = run.rules.need_memberships();
        let mut groups = Self::default();
        let mut parents: Vec<(u32, KeyDigest)> = Vec::new();
        let need_raw = run.rules.need_raw_groups();
        snapshot.visit_stored(Kind::Group, |mut stored| {
            let index = index(groups.nodes.len());
            for key in stored.keys() {
                groups.by_key.insert(*key, index);
            }
            let record: GroupParts = records::group(&mut stored)?;
            let node = node(run, &record, &records::raw(&mut stored, need_raw)?);
            if node.standing != Standing::Out {
                if keep_members {
                    for key in &record.members {
                        groups.listed_in.insert(key.digest(), index);
                    }
                }
                parents.extend(record.member_of.iter().map(|key| (index, key.digest())));
            }
            groups.nodes.push(node);
            run.check_cost()
        })?;
        for lost in snapshot.lost().of(Kind::Group) {
            groups.lose(run, lost, &mut parents);
        }
        groups.by_key.seal();
        groups.listed_in.seal();
        for (child, key) in parents {
            let mut found = false;
            for parent in groups.by_key.get(key) {
                groups.member_of.insert(child, parent);
                found = true;
            }
            run.summary.unresolved_groups += usize::from(!found);
        }
        groups.member_of.seal();
        if keep_members {
            groups.connect();
            groups.spread();
            if groups.doubt_lost(snapshot) {
                groups.spread();
            }
        }
        Ok(groups)
    }

    /// Adds a group that could not be used: who is in it, as far as that is known, is undecided.
    fn lose(&mut self, run: &Run<'_>, lost: &Lost, parents: &mut Vec<(u32, KeyDigest)>) {
        let name = lost.links.display_name.clone().and_then(|name| text::clean(name, Lines::Joined));
        let grants = name.map_or(Grants::ALL, |name| run.rules.grants(&name));
        let index = index(self.nodes.len());
        self.doubts.add(lost);
        for key in lost.links.keys.iter().flatten() {
            self.by_key.insert(key.digest(), index);
        }
        if run.rules.need_memberships() {
            for key in lost.links.members.iter().flatten() {
                self.listed_in.insert(key.digest(), index);
            }
        }
        parents.extend(lost.links.member_of.iter().flatten().map(|key| (index, key.digest())));
        self.nodes.push(Node {
            mirror: lost.mirror(),
            // Why, is told of the record itself.
            standing: Standing::Unknown(QuarantineReason::MembersUnknown, String::new()),
            display_name: String::new(),
            grants,
        });
    }

    /// Makes it unknown what the groups give that could not be used, now that it has been added up what they might; false
    /// when there are none.
    fn doubt_lost(&mut self, snapshot: &Snapshot) -> bool {
        let lost: Vec<&Lost> = snapshot.lost().of(Kind::Group).collect();
        let first = self.nodes.len() - lost.len();
        for (node, lost) in self.nodes[first..].iter_mut().zip(&lost) {
            if lost.links.members.is_none() {
                let might = if node.grants.unknown { Grants::ALL } else { node.grants };
                self.possible = self.possible.with(might);
            }
            node.grants = node.grants.with(Grants::UNKNOWN);
        }
        !lost.is_empty()
    }

    /// Whether somebody with these grants may have more, in a way that changes what the rules make of them.
    pub fn leave_undecided(&self, rules: &Rules, grants: Grants) -> bool {
        let more = grants.with(self.possible);
        (rules.only_group_members && more.any != grants.any)
            || (rules.roles.is_some() && !more.same_rules(grants))
            || (rules.need_group_names() && self.possible.any)
    }

    /// The groups that a key leads to.
    pub fn by_key(&self, key: KeyDigest) -> impl Iterator<Item = u32> {
        self.by_key.get(key)
    }

    /// Finds which groups are members of which.
    fn connect(&mut self) {
        let mut parents = Edges::default();
        let present = |group: u32| self.nodes[group as usize].standing != Standing::Out;
        for (key, parent) in self.listed_in.iter() {
            for child in self.by_key.get(key).filter(|child| present(*child)) {
                parents.insert(child, parent);
            }
        }
        for child in (0..index(self.nodes.len())).filter(|child| present(*child)) {
            for parent in self.member_of.from(child).filter(|parent| present(*parent)) {
                parents.insert(child, parent);
            }
        }
        parents.seal();
        self.parents = parents;
    }

    /// Gives every group what the groups give that it is in. Ends although groups may be in each
    /// other: a group is looked at again only when it has been given something new.
    fn spread(&mut self) {
        let children = self.parents.reversed();
        let mut changed: Vec<u32> = (0..index(self.nodes.len())).collect();
        while let Some(parent) = changed.pop() {
            let grants = self.nodes[parent as usize].grants;
            for child in children.from(parent) {
                let node = &mut self.nodes[child as usize];
                let more = node.grants.with(grants);
                if more != node.grants {
                    node.grants = more;
                    changed.push(child);
                }
            }
        }
    }

    /// The groups that a person is in directly: those that list one of their keys, and those that
    /// their own record names. Groups out of scope are left out.
    pub fn direct(&self, own: &[KeyDigest], member_of: &[KeyDigest]) -> Vec<u32> {
        let named = member_of.iter().flat_map(|key| self.by_key.get(*key));
        let mut groups: Vec<u32> = own.iter().flat_map(|key| self.listed_in.get(*key)).chain(named).collect();
        groups.retain(|group| self.nodes[*group as usize].standing != Standing::Out);
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// What being in these groups gives.
    pub fn grants(&self, direct: &[u32]) -> Grants {
        direct.iter().fold(Grants::default(), |grants, group| grants.with(self.nodes[*group as usize].grants))
    }

    /// The names of these groups and of all that they are in, in order and each once.
    ///
    /// # Errors
    /// When there are more than an expression may be given.
    pub fn names(&self, direct: &[u32]) -> Result<Vec<&str>, Failure> {
        let mut seen = direct.to_vec();
        let mut next = 0;
        while next < seen.len() {
            if seen.len() > MAX_GROUP_NAMES {
                return Err(Failure::TooExpensive);
            }
            // Few groups: a search in a short list is faster than a set.
            for parent in self.parents.from(seen[next]) {
                if !seen.contains(&parent) {
                    seen.push(parent);
                }
            }
            next += 1;
        }
        let mut names: Vec<&str> = seen
            .into_iter()
            .map(|group| &self.nodes[group as usize])
            .filter(|node| node.standing == Standing::In)
            .map(|node| node.display_name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }
}

/// The place of a group or person; there are far fewer than four thousand million.
pub fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Whether an id can stand in an object.
pub fn valid_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_EXTERNAL_ID_BYTES && !id.chars().any(char::is_control)
}

fn node(run: &mut Run<'_>, record: &GroupParts, raw: &Map<String, Value>) -> Node {
    let name = text::clean(record.display_name.clone(), Lines::Joined).filter(|name| text::fits(name, TEXT));
    let named = name.is_some();
    let display_name = name.unwrap_or_else(|| record.external_id.clone());
    let standing = standing(run, record, raw, &display_name);
    let grants = match standing {
        Standing::In => run.rules.grants(&display_name),
        Standing::Out => Grants::default(),
        Standing::Unknown(..) => Grants::UNKNOWN,
    };
    if standing == Standing::In && !named {
        run.summary.groups_without_name += 1;
    }
    let mirror = Some(MirrorName::new(Kind::Group, &record.external_id));
    Node { mirror, standing, display_name, grants }
}

fn standing(run: &Run<'_>, record: &GroupParts, raw: &Map<String, Value>, display_name: &str) -> Standing {
    if !valid_id(&record.external_id) {
        let message = format!(
            "the group's id is empty, longer than {MAX_EXTERNAL_ID_BYTES} bytes or has control characters; correct it \
             at the source"
        );
        return Standing::Unknown(QuarantineReason::InvalidId, message);
    }
    let Some(program) = &run.rules.groups else { return Standing::In };
    let group = GroupSubject { external_id: &record.external_id, display_name };
    match run.machine.decide(program, &[("group", &group), ("raw", raw)]) {
        Ok(true) => Standing::In,
        Ok(false) => Standing::Out,
        Err(failure) => {
            let message = format!("spec.scope.groups cannot be decided for this group: {failure}");
            Standing::Unknown(QuarantineReason::ScopeError, message)
        }
    }
}

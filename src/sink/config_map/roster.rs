//! The records of everybody who stands in a ConfigMap, as one reading and the mirrors have them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::form::Form;
use crate::model::{Group, Kind, MirrorName, User};
use crate::plan::{Index, Plan};

/// The most bytes of records, not compressed, that are put into ConfigMaps.
pub const MAX_ROSTER_BYTES: usize = 64_000_000;

/// Records by mirror, and the mirrors whose records are still wanting: the plan leaves them as they
/// are, although this reading does not show them.
#[derive(Debug)]
pub struct Roster {
    form: Arc<Form>,
    records: HashMap<MirrorName, Box<[u8]>>,
    bytes: usize,
    kept: HashSet<MirrorName>,
}

impl Roster {
    /// An empty roster.
    #[must_use]
    pub fn new(form: Arc<Form>) -> Self {
        Self { form, records: HashMap::new(), bytes: 0, kept: HashSet::new() }
    }

    /// What its records look like.
    #[must_use]
    pub const fn form(&self) -> &Arc<Form> {
        &self.form
    }

    /// Takes a person in.
    ///
    /// # Errors
    /// When the person cannot be written as JSON.
    pub fn user(&mut self, name: MirrorName, user: &User) -> Result<(), serde_json::Error> {
        if !self.is_full() {
            let record = self.form.user(name, user)?;
            self.add(name, record);
        }
        Ok(())
    }

    /// Takes a group in.
    ///
    /// # Errors
    /// When the group cannot be written as JSON.
    pub fn group(&mut self, name: MirrorName, group: &Group) -> Result<(), serde_json::Error> {
        if !self.is_full() {
            let record = self.form.group(name, group)?;
            self.add(name, record);
        }
        Ok(())
    }

    /// Takes a record in.
    pub fn add(&mut self, name: MirrorName, record: Box<[u8]>) {
        self.bytes += record.len();
        self.kept.remove(&name);
        if self.is_full() {
            // What can no longer be written takes up no memory.
            self.records = HashMap::new();
        } else {
            self.records.insert(name, record);
        }
    }

    /// Whether there is more than can be written.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.bytes > MAX_ROSTER_BYTES
    }

    /// Leaves the records of those who have a mirror once a plan is carried out, and notes the
    /// mirrors that it leaves although no record of them came.
    pub fn follow(&mut self, index: &Index, plan: &Plan) {
        let gone: HashSet<MirrorName> = plan.deletes.iter().map(|(name, _)| *name).collect();
        let new: HashSet<MirrorName> = plan.creates.iter().map(|mirror| mirror.name).collect();
        let stays =
            |name: &MirrorName| !gone.contains(name) && (new.contains(name) || index.get(*name).is_some());
        let bytes = &mut self.bytes;
        self.records.retain(|name, record| {
            let stays = stays(name);
            *bytes -= if stays { 0 } else { record.len() };
            stays
        });
        let mirrors = index.iter(Kind::User).chain(index.iter(Kind::Group)).map(|(name, _)| name);
        let wanting = |name: &MirrorName| stays(name) && !self.records.contains_key(name);
        let kept: Vec<MirrorName> = mirrors.filter(wanting).collect();
        self.kept.extend(kept);
    }

    /// Takes out what was taken in, since the mirrors stay as they are.
    pub fn keep(&mut self, held: Vec<MirrorName>) {
        for name in &held {
            if let Some(record) = self.records.remove(name) {
                self.bytes -= record.len();
            }
        }
        self.kept.extend(held);
    }

    /// The mirrors whose records are wanting.
    #[must_use]
    pub const fn kept(&self) -> &HashSet<MirrorName> {
        &self.kept
    }

    /// The records of a kind in the order of the mirrors' names.
    #[must_use]
    pub fn sorted(&self, kind: Kind) -> Vec<&[u8]> {
        let records = self.records.iter().filter(|(name, _)| name.kind == kind);
        let mut records: Vec<(String, &[u8])> =
            records.map(|(name, record)| (name.to_string(), &**record)).collect();
        records.sort_unstable();
        records.into_iter().map(|(_, record)| record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContentHash;
    use crate::plan::{Content, Mirror, Observed};

    fn name(id: &str) -> MirrorName {
        MirrorName::new(Kind::User, id)
    }

    fn roster() -> Roster {
        let spec = serde_json::json!({
            "provider": {"csv": {"from": {"configMap": {"name": "people"}}}},
            "output": {"configMap": {"name": "people", "format": "JSONLines"}},
        });
        let form = Form::new("acme", &serde_json::from_value(spec).unwrap()).unwrap().unwrap();
        Roster::new(Arc::new(form))
    }

    fn observed() -> Observed {
        Observed {
            hash: Some(ContentHash(0)),
            state: None,
            members: 0,
            uid: 1,
            owner: 1,
            generation: 1,
            resource_version: 1,
        }
    }

    #[test]
    fn a_mirror_that_is_neither_read_nor_deleted_is_kept_and_whoever_gets_none_is_out() {
        let mut index = Index::default();
        for id in ["read", "gone", "held"] {
            index.insert(name(id), observed());
        }
        let user = |id: &str| User { external_id: id.into(), ..User::default() };
        let mut roster = roster();
        for id in ["read", "gone", "new", "inactive"] {
            roster.user(name(id), &user(id)).unwrap();
        }
        let content = Content::of(&user("new")).unwrap();
        let new = Mirror { name: name("new"), hash: ContentHash(0), state: None, members: 0, content };
        let deletes = vec![(name("gone"), observed())];
        roster.follow(&index, &Plan { creates: vec![new], deletes, ..Plan::default() });
        assert_eq!(roster.kept(), &HashSet::from([name("held")]));
        assert_eq!(roster.sorted(Kind::User).len(), 2);
        roster.keep(vec![name("gone"), name("read")]);
        assert_eq!(roster.kept().len(), 3);
        assert_eq!(roster.sorted(Kind::User).len(), 1);
        assert_eq!(roster.bytes, roster.sorted(Kind::User)[0].len());
    }

    #[test]
    fn records_come_in_the_order_of_names_whatever_order_they_came_in() {
        let (mut one, mut other) = (roster(), roster());
        for id in ["1", "2", "3", "4", "5"] {
            one.add(name(id), id.as_bytes().into());
        }
        for id in ["4", "2", "5", "1", "3"] {
            other.add(name(id), id.as_bytes().into());
        }
        assert_eq!(one.sorted(Kind::User), other.sorted(Kind::User));
        assert!(one.sorted(Kind::Group).is_empty());
    }

    #[test]
    fn more_than_can_be_written_takes_no_memory() {
        let mut roster = roster();
        roster.add(name("1"), vec![b'x'; MAX_ROSTER_BYTES].into());
        assert!(!roster.is_full());
        roster.add(name("2"), vec![b'x'].into());
        assert!(roster.is_full() && roster.sorted(Kind::User).is_empty());
    }
}

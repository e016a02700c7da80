//! One pull, read strictly: what came, and whether the rules of the stream were kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use directory_sync::model::{GroupRecord, Key, Rejected, UserRecord};
use directory_sync::source::{End, Page, Pull, Source, SourceError};
use futures::StreamExt;

/// Records in one page at most, whatever the provider.
const MAX_PAGE: usize = 1_000;

/// Everything that one pull answered.
#[derive(Debug, Default)]
pub struct Answer {
    pub users: Vec<UserRecord>,
    pub groups: Vec<GroupRecord>,
    pub rejected: Vec<Rejected>,
    pub end: End,
    pub pages: usize,
}

/// Reads a pull to its end.
///
/// # Panics
/// When a page is too large or empty-handed streams break the rules: no end, two, or pages after
/// an end or an error.
pub async fn pull(source: &mut dyn Source, request: Pull) -> Result<Answer, SourceError> {
    let mut stream = source.pull(request);
    let mut answer = Answer::default();
    let mut end = None;
    while let Some(page) = stream.next().await {
        assert!(end.is_none(), "a page came after the end");
        let size = match page {
            Ok(Page::Users(users)) => {
                let size = users.len();
                answer.users.extend(users);
                size
            }
            Ok(Page::Groups(groups)) => {
                let size = groups.len();
                answer.groups.extend(groups);
                size
            }
            Ok(Page::Rejected(rejected)) => {
                let size = rejected.len();
                answer.rejected.extend(rejected);
                size
            }
            Ok(Page::Tenant(_)) => {
                assert_eq!(answer.pages, 0, "whose directory it is was told after a record");
                continue;
            }
            Ok(Page::End(said)) => {
                end = Some(said);
                continue;
            }
            Err(error) => {
                assert!(stream.next().await.is_none(), "a page came after an error");
                return Err(error);
            }
        };
        assert!(size <= MAX_PAGE, "a page of {size} records");
        answer.pages += 1;
    }
    answer.end = end.expect("the answer ends with an end");
    Ok(answer)
}

/// Reads everything.
pub async fn full(source: &mut dyn Source) -> Answer {
    let answer = pull(source, Pull::Full).await.expect("a full reading succeeds");
    assert_eq!(answer.rejected, [], "records of the sample company are rejected");
    answer
}

impl Answer {
    /// The JSON of every record by kind and id, lists of keys in order.
    pub fn records(&self) -> BTreeMap<(&'static str, String), String> {
        let users = self.users.iter().map(|user| {
            let mut user = user.clone();
            user.keys.sort();
            user.member_of.sort();
            (("user", user.user.external_id.clone()), serde_json::to_string(&user).expect("writes"))
        });
        let groups = self.groups.iter().map(|group| {
            let mut group = group.clone();
            group.keys.sort();
            group.members.sort();
            group.member_of.sort();
            (("group", group.external_id.clone()), serde_json::to_string(&group).expect("writes"))
        });
        users.chain(groups).collect()
    }

    /// The e-mail address of every person by each of their keys.
    pub fn people_by_key(&self) -> HashMap<&Key, String> {
        self.users.iter().flat_map(|user| user.keys.iter().map(|key| (key, email(user)))).collect()
    }

    /// The members' e-mail addresses of every group by the group's name, from the groups' side
    /// and from the people's.
    pub fn memberships(&self) -> BTreeMap<String, BTreeSet<String>> {
        let people = self.people_by_key();
        let mut memberships: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for group in &self.groups {
            let listed =
                group.members.iter().map(|key| people.get(key).cloned().unwrap_or_else(|| key.0.clone()));
            let naming =
                self.users.iter().filter(|user| user.member_of.iter().any(|key| group.keys.contains(key)));
            let members = listed.chain(naming.map(email)).collect();
            memberships.insert(group.display_name.clone(), members);
        }
        memberships
    }
}

/// The e-mail address of a person of the sample company.
pub fn email(user: &UserRecord) -> String {
    let listed = user.user.emails.first().map(|email| &email.value);
    user.user.email.as_ref().or(listed).expect("everybody has an address").to_lowercase()
}

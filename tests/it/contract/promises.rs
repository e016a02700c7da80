//! The promises, each as a test over any bed.

use std::collections::BTreeSet;
use std::time::Duration;

use directory_sync::model::ExternalId;
use directory_sync::source::{Class, Cursor, Pull};
use futures::StreamExt;
use tokio::runtime::Handle;

use super::answer::{self, Answer, email};
use super::beds::{Bed, Changes};
use crate::support::company::{CANARY, Company, GROUPS, PEOPLE, Person};

pub async fn a_listing_comes_in_bounded_pages_and_ends_once<B: Bed>() {
    let bed = B::start(&Company::sample()).await;
    let answer = answer::full(&mut *bed.source()).await;
    assert_eq!((answer.users.len(), answer.groups.len()), (PEOPLE, GROUPS));
    assert!(answer.pages >= 4, "{PEOPLE} people and {GROUPS} groups in {} pages", answer.pages);
    assert_eq!(answer.end.cursor.is_some(), B::CHANGES != Changes::None, "{:?}", answer.end);
}

pub async fn every_record_has_an_id_of_its_own_and_a_key<B: Bed>() {
    let bed = B::start(&Company::sample()).await;
    let answer = answer::full(&mut *bed.source()).await;
    let users = answer.users.iter().map(|user| (&user.user.external_id, &user.keys));
    let groups = answer.groups.iter().map(|group| (&group.external_id, &group.keys));
    for (id, keys) in users.chain(groups) {
        assert!(ExternalId::new(id).is_some(), "id {id:?} does not fit a mirror");
        assert!(!keys.is_empty() && keys.iter().all(|key| !key.0.is_empty()), "keys of {id}: {keys:?}");
    }
    assert_eq!(answer.records().len(), PEOPLE + GROUPS, "ids of one kind are equal");
    let keys: Vec<_> = answer.users.iter().flat_map(|user| &user.keys).collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "two people share a key");
}

pub async fn two_listings_of_an_unchanged_directory_are_equal<B: Bed>() {
    let bed = B::start(&Company::sample()).await;
    let first = answer::full(&mut *bed.source()).await;
    let mut source = bed.source();
    let second = answer::full(&mut *source).await;
    assert_eq!(first.records(), second.records());
    assert_eq!(answer::full(&mut *source).await.records(), second.records(), "the same source again");
}

pub async fn members_and_managers_meet_the_records_they_mean<B: Bed>() {
    let company = Company::sample();
    let bed = B::start(&company).await;
    let answer = answer::full(&mut *bed.source()).await;
    let memberships = answer.memberships();
    for group in &company.groups {
        let expected: BTreeSet<String> = group.members.iter().map(|member| company.email(member)).collect();
        assert_eq!(memberships.get(&group.name), Some(&expected), "members of {}", group.name);
    }
    let people = answer.people_by_key();
    for person in &company.people {
        let record =
            answer.users.iter().find(|user| email(user) == person.email).expect("the person is read");
        let manager = record.manager.as_ref().map(|key| people.get(key).cloned().unwrap_or_default());
        assert_eq!(manager, person.manager.as_ref().map(|manager| company.email(manager)), "{person:?}");
    }
}

pub async fn no_secret_gets_into_a_record<B: Bed>() {
    let bed = B::start(&Company::sample()).await;
    let answer = answer::full(&mut *bed.source()).await;
    assert!(answer.users.iter().all(|user| !user.raw.is_empty()), "raw is there for mapping");
    let all = format!("{answer:?}");
    assert!(!all.contains(CANARY), "a password is in a record");
}

pub async fn nothing_changed_is_told_as_nothing<B: Bed>() {
    let started = Started::<B>::new().await;
    let Some(cursor) = started.cursor() else { return };
    let answer = answer::pull(&mut *started.bed.source(), Pull::Changes(cursor)).await;
    let answer = answer.expect("the cursor is good");
    started.expect_changed(&answer, &[]);
    assert!(answer.end.cursor.is_some(), "the next pull needs a cursor");
}

pub async fn a_new_person_is_told_and_nobody_else<B: Bed>() {
    let mut started = Started::<B>::new().await;
    let person = Person::new("newcomer");
    started.bed.add(&person).await;
    started.expect_told(&[&person.email]).await;
}

pub async fn a_changed_person_is_told_and_nobody_else<B: Bed>() {
    let mut started = Started::<B>::new().await;
    started.bed.retitle("p0042", "Director").await;
    let answer = started.expect_told(&["p0042@acme.example"]).await;
    let record = answer.users.iter().find(|user| email(user) == "p0042@acme.example");
    assert_eq!(record.expect("they are told").user.title.as_deref(), Some("Director"));
}

pub async fn a_changed_membership_is_told_by_its_group_alone<B: Bed>() {
    let mut started = Started::<B>::new().await;
    started.bed.join("p0001", "team-0").await;
    let answer = started.expect_told(&["team-0"]).await;
    let group = answer.groups.iter().find(|group| group.display_name == "team-0").expect("it is told");
    assert_eq!(group.members.len(), Company::sample().groups[0].members.len() + 1);
}

pub async fn a_removal_is_never_passed_over<B: Bed>() {
    let mut started = Started::<B>::new().await;
    started.bed.remove("p0500").await;
    if let Some(cursor) = started.cursor() {
        let answer = answer::pull(&mut *started.bed.source(), Pull::Changes(cursor)).await;
        match (B::CHANGES, answer) {
            (_, Err(error)) => assert_eq!(error.class, Class::ChangesUnknown, "{error}"),
            (Changes::Listed { removals: false, .. }, Ok(_)) => {}
            (_, Ok(answer)) => {
                panic!("a removal was answered by {} records and a cursor", answer.users.len())
            }
        }
    }
    let answer = answer::full(&mut *started.bed.source()).await;
    assert_eq!(answer.users.len(), PEOPLE - 1);
}

pub async fn a_cursor_of_another_kind_is_refused<B: Bed>() {
    let bed = B::start(&Company::sample()).await;
    for cursor in ["", "not a cursor", "{\"version\":999}", "\u{0}\u{FFFF}"] {
        let answer = answer::pull(&mut *bed.source(), Pull::Changes(Cursor(cursor.to_owned()))).await;
        assert_eq!(answer.expect_err("it is no cursor").class, Class::ChangesUnknown, "cursor {cursor:?}");
    }
}

pub async fn a_pull_that_is_dropped_leaves_nothing_running<B: Bed>() {
    let bed = B::start(&Company::sample()).await;
    let before = Handle::current().metrics().num_alive_tasks();
    let mut source = bed.source();
    let mut stream = source.pull(Pull::Full);
    stream.next().await.expect("a first page").expect("a good one");
    drop(stream);
    let again = answer::full(&mut *source).await;
    assert_eq!(again.users.len(), PEOPLE, "the same source can be asked again");
    drop(source);
    let gone = async {
        while Handle::current().metrics().num_alive_tasks() > before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("no task outlives its source");
}

pub async fn an_error_ends_the_stream_and_tells_no_secret<B: Bed>() {
    let bed = B::start(&Company::sample()).await;
    let error = match bed.failing_source() {
        Err(error) => error,
        // `pull` checks that nothing follows the error.
        Ok(mut source) => answer::pull(&mut *source, Pull::Full).await.expect_err("the settings are bad"),
    };
    let told = format!("{error} {error:?}");
    assert!(!told.contains(CANARY), "a message tells a secret");
    assert!(error.message.len() > 20 && error.message.len() < 1_000, "{error}");
    assert!(!error.message.contains("@acme.example"), "a message names a person: {error}");
}

/// A bed with the answer to a first full reading.
struct Started<B> {
    bed: B,
    first: Answer,
}

impl<B: Bed> Started<B> {
    async fn new() -> Self {
        let bed = B::start(&Company::sample()).await;
        let first = answer::full(&mut *bed.source()).await;
        Self { bed, first }
    }

    fn cursor(&self) -> Option<Cursor> {
        self.first.end.cursor.clone()
    }

    /// Asks for changes as the operator does, and checks who came: people by e-mail address,
    /// groups by name.
    async fn expect_told(&mut self, expected: &[&str]) -> Answer {
        let Some(cursor) = self.cursor() else {
            let answer = answer::full(&mut *self.bed.source()).await;
            self.expect_changed(&answer, expected);
            return answer;
        };
        match (B::CHANGES, answer::pull(&mut *self.bed.source(), Pull::Changes(cursor)).await) {
            (Changes::Listed { .. }, Ok(answer)) => {
                self.expect_changed(&answer, expected);
                let next = answer.end.cursor.clone().expect("the next pull needs a cursor");
                let after = answer::pull(&mut *self.bed.source(), Pull::Changes(next)).await;
                self.first.absorb(&answer);
                self.expect_changed(&after.expect("the new cursor is good"), &[]);
                answer
            }
            (Changes::EqualOrUnknown, Err(error)) => {
                assert_eq!(error.class, Class::ChangesUnknown, "{error}");
                let answer = answer::full(&mut *self.bed.source()).await;
                self.expect_changed(&answer, expected);
                answer
            }
            (kind, answer) => panic!("a source with {kind:?} answered {:?}", answer.map(|answer| answer.end)),
        }
    }

    /// Checks which records are other than in the first reading; records that are equal may only
    /// come where the provider's list of changes repeats or everything was read.
    fn expect_changed(&self, answer: &Answer, expected: &[&str]) {
        let (before, now) = (self.first.records(), answer.records());
        let changed = |kind: &'static str, id: &String| {
            let key = (kind, id.clone());
            before.get(&key) != now.get(&key)
        };
        let users = answer.users.iter().filter(|user| changed("user", &user.user.external_id)).map(email);
        let groups = answer.groups.iter().filter(|group| changed("group", &group.external_id));
        let changed: BTreeSet<String> = users.chain(groups.map(|group| group.display_name.clone())).collect();
        assert_eq!(changed, expected.iter().map(|name| (*name).to_owned()).collect());
        if matches!(B::CHANGES, Changes::Listed { repeats: false, .. }) {
            assert_eq!(
                answer.users.len() + answer.groups.len(),
                expected.len(),
                "unchanged records came again"
            );
        }
    }
}

impl Answer {
    /// Takes over records as a reader of changes does.
    fn absorb(&mut self, changes: &Self) {
        self.users
            .retain(|user| !changes.users.iter().any(|new| new.user.external_id == user.user.external_id));
        self.groups.retain(|group| !changes.groups.iter().any(|new| new.external_id == group.external_id));
        self.users.extend(changes.users.iter().cloned());
        self.groups.extend(changes.groups.iter().cloned());
    }
}

//! A change of form and a split of slices in which the operator dies, or loses the answer, at each single
//! write: everybody is there afterwards as if nothing had been, and nothing is left behind.

use std::collections::BTreeSet;

use directory_sync::cluster::mirrors::{Place, ReadError};
use directory_sync::model::Kind;
use serde_json::{Value, json};

use super::*;
use crate::slices::{Entries, members, mode, people, slices};
use crate::support::stage::{Stage, with};

/// From one size and form to another.
#[derive(Debug)]
struct Move {
    prefix: &'static str,
    people: (usize, usize),
    modes: (&'static str, &'static str),
}

const TO_SLICES: Move = Move { prefix: "to-slices", people: (8, 8), modes: ("Objects", "Slices") };
const TO_OBJECTS: Move = Move { prefix: "to-objects", people: (8, 8), modes: ("Slices", "Objects") };
const SPLIT: Move = Move { prefix: "split", people: (140, 310), modes: ("Slices", "Slices") };

/// Everybody, the names of all slices, and how many objects there are.
type Found = (Entries, BTreeSet<String>, usize);

impl Move {
    /// A Directory before the move, with an operator behind a proxy.
    async fn start(&self, proxy: &Proxy) -> Stage {
        let cluster = Cluster::get();
        let namespace = cluster.namespace(self.prefix).await;
        let setup = Operator::setup(cluster, &namespace).arguments(&["--leader-elect=false"]);
        let operator = setup.through(proxy).start().await;
        let stage = Stage { cluster, namespace, operator };
        stage.tables("people", &people(0..self.people.0), &members("admins", 0..5)).await;
        stage.directory("acme", with(mode(self.modes.0), &json!({"sync": {"interval": "1s"}}))).await;
        told(&stage, self.people.0, self.modes.0).await;
        stage
    }

    async fn change(&self, stage: &Stage) {
        if self.people.0 != self.people.1 {
            stage.rewrite("people", json!({"users.csv": people(0..self.people.1)})).await;
        }
        stage.respecify("acme", json!({"output": {"mode": self.modes.1}})).await;
    }

    /// What a move without a mishap comes to, and with how many writes.
    async fn undisturbed(&self) -> (Found, usize) {
        let proxy = Proxy::start(Cluster::get()).await;
        let stage = self.start(&proxy).await;
        let writes = count_writes(&proxy, |_| Verdict::Pass);
        self.change(&stage).await;
        told(&stage, self.people.1, self.modes.1).await;
        let writes = writes.load(Ordering::SeqCst);
        (found(&stage).await.unwrap(), writes)
    }

    /// Lets the mishap happen at the write of this number, and compares.
    async fn happens(&self, mishap: Mishap, at: usize, expected: &Found) {
        let proxy = Proxy::start(Cluster::get()).await;
        let mut stage = self.start(&proxy).await;
        let arranged = arrange(&proxy, &stage.operator, mishap, at);
        self.change(&stage).await;
        arranged.survive(&mut stage.operator).await;
        eventually("all is as in a move without a mishap", LIMIT, async || match found(&stage).await {
            Ok(found) if found == *expected => Ok(()),
            found => Err(format!("{found:?}\n{}", stage.operator.log())),
        })
        .await;
    }

    /// Tries every write.
    async fn whatever_goes_wrong(&self) {
        let (expected, writes) = self.undisturbed().await;
        assert!(writes >= 6, "{writes}");
        // Killed before a write is killed after the one before it; the syncs of the other harness try that, too.
        let mishaps = [Mishap::KilledAfter, Mishap::AnswerLost];
        let happens = async |mishap, at| self.happens(mishap, at, &expected).await;
        at_every_write(self.prefix, writes, &mishaps, happens).await;
    }
}

/// Waits until the status tells of so many people in a form: that is the last write of a sync.
async fn told(stage: &Stage, people: usize, form: &str) {
    eventually("the status tells of all", LIMIT, async || {
        let status = stage.status("acme").await;
        let active = status.users.map_or(0, |users| users.active);
        let shown = status.form.map(|form| format!("{form:?}"));
        if usize::try_from(active) == Ok(people) && shown.as_deref() == Some(form) {
            Ok(())
        } else {
            Err(format!("{active} people, {shown:?}\n{}", stage.operator.log()))
        }
    })
    .await;
}

async fn found(stage: &Stage) -> Result<Found, String> {
    let client = Cluster::get().client();
    let place = Place { client: &client, namespace: &stage.namespace, directory: "acme" };
    let mut entries = Entries::new();
    for kind in [Kind::User, Kind::Group] {
        let visited = place.visit::<ReadError>(kind, |mirrored| {
            entries.insert(mirrored.name, Value::Object(mirrored.spec));
            Ok(())
        });
        visited.await.map_err(|error| error.to_string())?;
    }
    let names = slices(stage, "acme").await.into_keys().collect();
    Ok((entries, names, stage.mirrors("acme").await.len()))
}

#[tokio::test]
async fn whatever_goes_wrong_at_a_write_on_the_way_to_slices_everybody_is_in_them_in_the_end() {
    TO_SLICES.whatever_goes_wrong().await;
}

#[tokio::test]
async fn whatever_goes_wrong_at_a_write_on_the_way_to_objects_everybody_is_one_in_the_end() {
    TO_OBJECTS.whatever_goes_wrong().await;
}

#[tokio::test]
async fn whatever_goes_wrong_at_a_write_of_a_split_everybody_is_in_the_halves_in_the_end() {
    SPLIT.whatever_goes_wrong().await;
}

//! A small Directory and a change of its source in which everything happens that can: people and groups
//! come, change and go.

use std::collections::BTreeMap;

use directory_sync::api::{
    ANNOTATION_CONTENT, Directory, DirectoryCheckpoint, DirectoryGroup, DirectoryUser,
};
use directory_sync::plan::Index;
use directory_sync::sink::object::observe;
use kube::api::{ListParams, ObjectMeta};
use serde_json::{Value, json};

use crate::support::audit::AuditMark;
use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::proxy::Proxy;
pub use crate::support::stage::LIMIT;
use crate::support::stage::{Stage, csv, with};
use crate::support::wait::eventually;

const USERS: &str = "user_id,first_name,last_name,email,job_title\n\
    1,Ada,Lovelace,ada@a.test,Clerk\n2,Grace,Hopper,grace@a.test,Clerk\n3,Alan,Turing,alan@a.test,Clerk\n\
    4,Edsger,Dijkstra,edsger@a.test,Clerk\n5,Barbara,Liskov,barbara@a.test,Clerk\n6,Tony,Hoare,tony@a.test,Clerk\n";
const MEMBERSHIPS: &str = "group_name,user_id\nadmins,1\nadmins,2\nstaff,1\nstaff,2\nstaff,3\nold,6\n";

/// Two change, two go, two come.
const USERS_AFTER: &str = "user_id,first_name,last_name,email,job_title\n\
    1,Ada,Lovelace,ada@a.test,Head\n2,Grace,Hopper,grace@a.test,Head\n3,Alan,Turing,alan@a.test,Clerk\n\
    4,Edsger,Dijkstra,edsger@a.test,Clerk\n7,Leslie,Lamport,leslie@a.test,Clerk\n8,Robin,Milner,robin@a.test,Clerk\n";
/// Two change, one goes, one comes.
const MEMBERSHIPS_AFTER: &str =
    "group_name,user_id\nadmins,1\nadmins,3\nstaff,1\nstaff,2\nstaff,3\nstaff,7\nnew,8\n";

/// What was done to which mirror.
pub type Write = (String, String);

/// The Directory and an operator behind a proxy, with nothing to do.
pub struct Scenario {
    pub stage: Stage,
}

/// All that an operator leaves behind, but for what differs from one namespace or run to the other.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// By name: labels, content annotation, spec.
    mirrors: BTreeMap<String, (Value, String, Value)>,
    /// Counts of the status, and its conditions by type, status and reason.
    status: Value,
    /// Rules and cursor of the checkpoint.
    checkpoint: Value,
    /// Whether the checkpoint is of these very mirrors.
    adds_up: bool,
}

impl State {
    /// Whether the status is about these mirrors.
    fn is_told(&self) -> bool {
        let members = self.mirrors.values().filter_map(|(_, _, spec)| spec["memberCount"].as_u64());
        self.status["memberships"] == members.sum::<u64>() && self.status["users"]["active"] == 6
    }
}

impl Scenario {
    pub async fn start(cluster: &'static Cluster, prefix: &str, proxy: &Proxy) -> Self {
        let namespace = cluster.namespace(prefix).await;
        // Who is alone need not wait until the Lease of the dead has ended.
        let setup = Operator::setup(cluster, &namespace).arguments(&["--leader-elect=false"]);
        let operator = setup.through(proxy).start().await;
        let stage = Stage { cluster, namespace, operator };
        stage.tables("people", USERS, MEMBERSHIPS).await;
        stage.directory("acme", with(csv(), &json!({"sync": {"interval": "1s"}}))).await;
        let scenario = Self { stage };
        scenario.settled().await;
        scenario
    }

    /// Changes the source, all at once.
    pub async fn change(&self) {
        let tables = json!({"users.csv": USERS_AFTER, "user_groups.csv": MEMBERSHIPS_AFTER});
        self.stage.rewrite("people", tables).await;
    }

    /// The state once status and checkpoint are about the mirrors that are there.
    pub async fn settled(&self) -> State {
        eventually("all has been written", LIMIT, async || {
            let state = self.state().await.ok_or("there is no checkpoint yet")?;
            if state.adds_up && state.is_told() && self.up_to_date(&state).await {
                Ok(state)
            } else {
                Err(format!("{state:?}\n{}", self.stage.operator.log()))
            }
        })
        .await
    }

    /// Waits until the state is this one.
    pub async fn settles_as(&self, expected: &State) {
        eventually("all is as in a run without a mishap", LIMIT, async || {
            let state = self.state().await;
            if state.as_ref() == Some(expected) {
                Ok(())
            } else {
                Err(format!("{state:#?}\nexpected: {expected:#?}\n{}", self.stage.operator.log()))
            }
        })
        .await;
    }

    /// The mirrors that were written since a mark, and how often each, as the apiserver has it.
    pub fn written(&self, mark: AuditMark) -> BTreeMap<Write, usize> {
        let mut written = BTreeMap::new();
        let mirrors = self.stage.written(mark).filter(|event| {
            ["directoryusers", "directorygroups"].contains(&event.object_ref.resource.as_str())
                && event.code() < 300
        });
        for event in mirrors.iter() {
            *written.entry((event.verb.clone(), event.object_ref.name.clone())).or_default() += 1;
        }
        written
    }

    /// Whether the mirrors are those of the source as it is now.
    async fn up_to_date(&self, state: &State) -> bool {
        let map = self.stage.api::<k8s_openapi::api::core::v1::ConfigMap>().get("people").await.unwrap();
        let changed = map.data.unwrap()["users.csv"] == USERS_AFTER;
        changed == state.mirrors.values().any(|(_, _, spec)| spec["title"] == "Head")
    }

    /// None while there is no checkpoint, or no apiserver.
    async fn state(&self) -> Option<State> {
        let checkpoint = self.stage.api::<DirectoryCheckpoint>().get_opt("acme").await.ok()??.spec;
        let users = self.stage.api::<DirectoryUser>().list(&ListParams::default()).await.ok()?.items;
        let groups = self.stage.api::<DirectoryGroup>().list(&ListParams::default()).await.ok()?.items;
        let users = users.into_iter().map(|user| (user.metadata, json!(user.spec)));
        let groups = groups.into_iter().map(|group| (group.metadata, json!(group.spec)));
        let mut index = Index::default();
        let mut mirrors = BTreeMap::new();
        for (metadata, spec) in users.chain(groups) {
            let (_, name, observed) = observe(&metadata)?;
            index.insert(name, observed);
            let ObjectMeta { name, labels, annotations, .. } = metadata;
            mirrors.insert(name?, (json!(labels), annotations?.get(ANNOTATION_CONTENT)?.clone(), spec));
        }
        let directory = self.stage.api::<Directory>().get("acme").await.ok()?;
        let status = directory.status.unwrap_or_default();
        let conditions = status.conditions.iter();
        let conditions: BTreeMap<&str, (&str, &str)> = conditions
            .map(|condition| {
                (condition.type_.as_str(), (condition.status.as_str(), condition.reason.as_str()))
            })
            .collect();
        Some(State {
            mirrors,
            status: json!({
                "users": status.users, "groups": status.groups, "memberships": status.memberships,
                "failures": status.failures, "pendingPlan": status.pending_plan, "conditions": conditions,
            }),
            checkpoint: json!({"rules": checkpoint.rules_hash, "cursor": checkpoint.cursor}),
            adds_up: checkpoint.mirrors == index.digest().to_string(),
        })
    }
}

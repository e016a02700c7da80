//! The example consumers: applications with no more rights than they need, whose tables follow a
//! directory through changes, restarts and expired watches, the same in every language.

mod apiserver;
mod config_map;
mod program;
mod rust;
mod slices;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::definitions;
use crate::support::kubeconfig;
use crate::support::ldap::company::{SUFFIX, group_dn, user_dn};
use crate::support::ldap::{Company, Slapd};
use crate::support::stage::{Stage, ldap, with};

use apiserver::{Apiserver, Expiry, Store};
use program::{Consumer, PROGRAMS, Program};

/// A person in the table: whether they are active, and their groups.
type Row = (bool, BTreeSet<String>);

/// The rows of a table by e-mail address.
fn rows(table: &str) -> BTreeMap<String, Row> {
    let rows = table.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| {
        let groups = row["groups"].as_array().unwrap().iter();
        let groups = groups.map(|name| name.as_str().unwrap().to_owned()).collect();
        (row["email"].as_str().unwrap().to_owned(), (row["active"].as_bool().unwrap(), groups))
    })
    .collect()
}

/// All example programs in one namespace, as a ServiceAccount that may only read people and groups.
struct Consumers {
    running: Vec<Consumer>,
    _kubeconfig: tempfile::TempDir,
}

impl Consumers {
    /// Starts them for the Directory `acme`.
    async fn start(stage: &Stage) -> Self {
        let rule = json!({
            "apiGroups": ["directory-sync.io"],
            "resources": ["directoryusers", "directorygroups", "directoryslices"],
            "verbs": ["get", "list", "watch"],
        });
        Self::start_from(stage, "acme", &json!([rule])).await
    }

    /// Starts them for a Directory, or for `configmap/NAME`, with these rights.
    async fn start_from(stage: &Stage, source: &str, rules: &Value) -> Self {
        let account = json!({"metadata": {"name": "application"}});
        stage.create::<ServiceAccount>(account.clone()).await;
        stage.create::<Role>(with(account, &json!({"rules": rules}))).await;
        let binding = json!({
            "metadata": {"name": "application"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "application"},
            "subjects": [{"kind": "ServiceAccount", "name": "application"}],
        });
        stage.create::<RoleBinding>(binding).await;
        let token = Cluster::get().service_account_token(&stage.namespace, "application").await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = kubeconfig::write(Cluster::get(), folder.path(), &stage.namespace, &token);
        let start = |program| Consumer::start_from(program, source, &kubeconfig);
        let running = PROGRAMS.iter().map(start).collect();
        Self { running, _kubeconfig: folder }
    }

    /// Waits until every table has these rows. Then they are the same to the byte, and private.
    async fn tables_become(&self, expected: &BTreeMap<String, Row>) {
        for consumer in &self.running {
            let judge = |table: &str| {
                let found = rows(table);
                if found == *expected { Ok(()) } else { Err(format!("{found:?}\n{expected:?}")) }
            };
            consumer.table_passes(judge).await;
            assert_eq!(consumer.mode(), 0o600, "personal data of the consumer in {}", consumer.program.name);
        }
        let first = self.running[0].table();
        for consumer in &self.running {
            assert_eq!(consumer.table(), first, "the consumer in {}", consumer.program.name);
        }
    }

    fn kill(&mut self) {
        self.running.iter_mut().for_each(Consumer::kill);
    }

    fn restart(&mut self) {
        self.running.iter_mut().for_each(Consumer::restart);
    }
}

fn email(number: usize) -> String {
    format!("user{number:04}@example.test")
}

#[tokio::test]
async fn tables_of_people_and_their_groups_follow_the_directory_and_outlive_restarts() {
    let stage = Stage::new("consumer").await;
    let company = Company { cycle: true, ..Company::of(20, 3) };
    // A group of groups: everybody who is in group00 or in the circle of alpha and omega.
    let all = format!(
        "dn: cn=all,ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: all\nmember: {}\nmember: cn=omega,ou=groups,{SUFFIX}",
        group_dn(0)
    );
    let slapd = Slapd::builder().company(company.clone()).ldif(&all).start();
    let mut expected: BTreeMap<String, Row> =
        (0..20).map(|number| (email(number), (true, BTreeSet::new()))).collect();
    let mut join = |number: usize, group: &str| {
        expected.get_mut(&email(number)).unwrap().1.insert(group.to_owned());
    };
    for group in 0..3 {
        company.members_of(group).into_iter().for_each(|number| join(number, &format!("group{group:02}")));
    }
    company.members_of(0).into_iter().for_each(|number| join(number, "all"));
    for group in ["alpha", "omega", "all"] {
        join(0, group);
    }

    stage.reader().await;
    let inactive = json!({"provider": {"ldap": {"users": {"inactiveFilter": "(title=Left)"}}}});
    stage.directory("acme", with(ldap(&slapd.url()), &inactive)).await;
    let mut consumers = Consumers::start(&stage).await;
    stage.ready("acme", "True", "Synced").await;
    consumers.tables_become(&expected).await;

    // While they run: somebody is new, somebody leaves, somebody is gone, somebody joins a group.
    slapd.modify(&format!(
        "dn: uid=new,ou=people,{SUFFIX}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: new\ncn: New\nsn: New\nmail: {}\n",
        email(20)
    ));
    slapd.modify(&format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: Left\n", user_dn(7)));
    slapd.modify(&format!("dn: {}\nchangetype: delete\n", user_dn(8)));
    slapd.modify(&format!("dn: {}\nchangetype: modify\nadd: member\nmember: {}\n", group_dn(0), user_dn(9)));
    stage.sync("acme").await;
    expected.insert(email(20), (true, BTreeSet::new()));
    expected.get_mut(&email(7)).unwrap().0 = false;
    expected.remove(&email(8));
    expected.get_mut(&email(9)).unwrap().1.extend(["group00".to_owned(), "all".to_owned()]);
    consumers.tables_become(&expected).await;

    // While they are away: people and a group are gone, which no event will ever tell them.
    consumers.kill();
    for gone in [user_dn(10), user_dn(11), group_dn(2)] {
        slapd.modify(&format!("dn: {gone}\nchangetype: delete\n"));
    }
    stage.sync("acme").await;
    for consumer in &consumers.running {
        assert!(rows(&consumer.table()).contains_key(&email(10)), "the table is as it was left");
    }
    consumers.restart();
    expected.remove(&email(10));
    expected.remove(&email(11));
    for (_, groups) in expected.values_mut() {
        groups.remove("group02");
    }
    consumers.tables_become(&expected).await;
}

#[tokio::test]
async fn a_broken_directory_leaves_the_tables_as_they_were() {
    let stage = Stage::new("consumer").await;
    let mut slapd = Slapd::builder().start();
    stage.reader().await;
    stage.directory("acme", ldap(&slapd.url())).await;
    stage.ready("acme", "True", "Synced").await;
    let mut consumers = Consumers::start(&stage).await;
    consumers.running[0]
        .table_passes(|table| match rows(table).len() {
            20 => Ok(()),
            people => Err(format!("{people} people")),
        })
        .await;
    let before = rows(&consumers.running[0].table());
    consumers.tables_become(&before).await;
    slapd.stop();
    stage.sync("acme").await;
    stage.ready("acme", "False", "Unreachable").await;
    consumers.kill();
    consumers.running.iter().for_each(|consumer| fs::remove_file(consumer.path()).unwrap());
    consumers.restart();
    consumers.tables_become(&before).await;
}

fn user(id: &str) -> Value {
    json!({"directory": "acme", "externalId": id, "state": "Active"})
}

fn group(name: &str, members: &Value) -> Value {
    json!({"directory": "acme", "externalId": name, "displayName": name, "members": members})
}

/// A row of somebody without user name and e-mail address.
fn row(id: &str, groups: &Value) -> String {
    format!(
        "{{\"externalId\":\"{id}\",\"userName\":null,\"email\":null,\"active\":true,\"groups\":{groups}}}\n"
    )
}

/// Asserts that a program was told that its watch of a kind has expired. Who lists everything anew after
/// any of its watches need not have been.
fn was_told(program: &Program, apiserver: &Apiserver, plural: &str) {
    assert!(!program.resumes || apiserver.expired(plural) > 0, "{} was never told", program.name);
}

#[tokio::test]
async fn an_expired_watch_leaves_nobody_in_a_table_who_was_deleted_meanwhile() {
    for expiry in [Expiry::WhenOpenedAgain, Expiry::WhileOpen] {
        for program in &PROGRAMS {
            let apiserver = Apiserver::start(expiry).await;
            apiserver.put("directoryusers", "u-ada", &user("ada"));
            let consumer = Consumer::start(program, &apiserver.kubeconfig());
            consumer.table_becomes(&row("ada", &json!([]))).await;
            // The watches are open: changes arrive by them.
            apiserver.put("directoryusers", "u-grace", &user("grace"));
            apiserver.put("directorygroups", "g-all", &group("all", &json!({"users": ["u-ada", "u-grace"]})));
            consumer.table_becomes(&(row("ada", &json!(["all"])) + &row("grace", &json!(["all"])))).await;

            apiserver.untold(|store| store.delete("directoryusers", "u-ada"));
            consumer.table_becomes(&row("grace", &json!(["all"]))).await;
            was_told(program, &apiserver, "directoryusers");
            // And goes on from there.
            apiserver.put("directoryusers", "u-alan", &user("alan"));
            consumer.table_becomes(&(row("alan", &json!([])) + &row("grace", &json!(["all"])))).await;
        }
    }
}

/// A person as an entry of a slice or of a file.
fn entry(id: &&str) -> Value {
    with(user(id), &json!({"objectName": format!("u-{id}")}))
}

/// The table of these people, who are in no group.
fn table_of(people: &[&str]) -> String {
    people.iter().map(|id| row(id, &json!([]))).collect()
}

/// Has each program follow `source` over a watch that expires, in both ways, while somebody goes. `write` writes
/// people in the objects of this plural.
async fn outlive_expired_watches(source: &str, plural: &str, write: impl Fn(&mut Store, &[&str])) {
    let write = &write;
    let follow = async |program: &'static Program, expiry| {
        let apiserver = Apiserver::start(expiry).await;
        apiserver.change(|store| write(store, &["ada", "grace"]));
        let consumer = Consumer::start_from(program, source, &apiserver.kubeconfig());
        consumer.table_becomes(&table_of(&["ada", "grace"])).await;
        // The watch is open: a change arrives by it.
        apiserver.change(|store| write(store, &["ada", "alan"]));
        consumer.table_becomes(&table_of(&["ada", "alan"])).await;

        apiserver.untold(|store| write(store, &["alan"]));
        consumer.table_becomes(&table_of(&["alan"])).await;
        was_told(program, &apiserver, plural);
        // And goes on from there.
        apiserver.change(|store| write(store, &["alan", "grace"]));
        consumer.table_becomes(&table_of(&["alan", "grace"])).await;
    };
    for expiry in [Expiry::WhenOpenedAgain, Expiry::WhileOpen] {
        join_all(PROGRAMS.iter().map(|program| follow(program, expiry))).await;
    }
}

/// Reads a watch that begins too far back from the real apiserver, to see that the stand-in tells
/// the truth.
#[tokio::test]
async fn an_apiserver_answers_a_watch_that_has_expired_as_its_stand_in_does() {
    let cluster = Cluster::get();
    definitions::install(cluster).await;
    let path = "/apis/directory-sync.io/v1alpha1/directoryusers?watch=true&resourceVersion=1";
    let request = axum::http::Request::get(path).body(Vec::new()).unwrap();
    let event: Value = cluster.client().request(request).await.unwrap();
    let mut expected = apiserver::gone("");
    expected["message"] = event["object"]["message"].clone();
    assert_eq!(event, json!({"type": "ERROR", "object": expected}));
}

#[tokio::test]
async fn groups_in_circles_and_members_that_are_not_there_harm_no_table() {
    let apiserver = Apiserver::start(Expiry::WhileOpen).await;
    apiserver.put("directoryusers", "u-1", &user("Zoë <é&ö>"));
    apiserver.put("directorygroups", "g-a", &group("a", &json!({"groups": ["g-b"], "users": ["u-gone"]})));
    apiserver.put(
        "directorygroups",
        "g-b",
        &group("b", &json!({"groups": ["g-a", "g-gone"], "users": ["u-1"]})),
    );
    apiserver.put(
        "directorygroups",
        "g-c",
        &json!({"externalId": "c", "displayName": "c", "memberCount": 0}),
    );
    for program in &PROGRAMS {
        let consumer = Consumer::start(program, &apiserver.kubeconfig());
        consumer.table_becomes(&row("Zoë <é&ö>", &json!(["a", "b"]))).await;
    }
}

#[tokio::test]
async fn changes_without_a_pause_do_not_put_the_tables_off() {
    let apiserver = Arc::new(Apiserver::start(Expiry::WhileOpen).await);
    let changing = Arc::clone(&apiserver);
    let changes = tokio::spawn(async move {
        let mut often = tokio::time::interval(Duration::from_millis(20));
        for number in 0_u64.. {
            often.tick().await;
            changing.put(
                "directoryusers",
                "u-ada",
                &with(user("ada"), &json!({"userName": number.to_string()})),
            );
        }
    });
    for program in &PROGRAMS {
        let consumer = Consumer::start(program, &apiserver.kubeconfig());
        let number = |table: &str| -> Option<u64> {
            serde_json::from_str::<Value>(table).ok()?["userName"].as_str()?.parse().ok()
        };
        let written = |table: &str| number(table).map(drop).ok_or_else(|| "not written yet".to_owned());
        consumer.table_passes(written).await;
        let first = number(&consumer.table());
        consumer
            .table_passes(
                |table| if number(table) > first { Ok(()) } else { Err("not written again".to_owned()) },
            )
            .await;
    }
    assert!(!changes.is_finished(), "the changes went on all the time");
    changes.abort();
}

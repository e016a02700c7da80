//! The example consumer: an application with no more rights than it needs, whose table follows a
//! directory through changes, restarts and expired watches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::kubeconfig;
use crate::support::ldap::company::{SUFFIX, group_dn, user_dn};
use crate::support::ldap::{Company, Slapd};
use crate::support::stage::{LIMIT, Stage, ldap, with};
use crate::support::wait::eventually;

#[path = "../../examples/consumers/rust/replica.rs"]
mod replica;
#[path = "../../examples/consumers/rust/table.rs"]
mod table;

use replica::{Mirror, Replica};
use table::{Group, User};

/// A person in the table: whether they are active, and their groups.
type Row = (bool, BTreeSet<String>);

/// The running example; ends when dropped.
struct Consumer {
    child: Child,
    folder: tempfile::TempDir,
}

impl Consumer {
    /// Starts it for the Directory `acme`, as a ServiceAccount that may only read people and groups.
    async fn start(stage: &Stage) -> Self {
        let account = json!({"metadata": {"name": "application"}});
        let rule = json!({
            "apiGroups": ["directory-sync.io"], "resources": ["directoryusers", "directorygroups"],
            "verbs": ["get", "list", "watch"],
        });
        stage.create::<ServiceAccount>(account.clone()).await;
        stage.create::<Role>(with(account, &json!({"rules": [rule]}))).await;
        let binding = json!({
            "metadata": {"name": "application"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "application"},
            "subjects": [{"kind": "ServiceAccount", "name": "application"}],
        });
        stage.create::<RoleBinding>(binding).await;
        let token = Cluster::get().service_account_token(&stage.namespace, "application").await;
        let folder = tempfile::tempdir().unwrap();
        kubeconfig::write(Cluster::get(), folder.path(), &stage.namespace, &token);
        Self { child: Self::spawn(folder.path()), folder }
    }

    fn spawn(folder: &Path) -> Child {
        Command::new(program())
            .args([Path::new("acme"), &folder.join("table.jsonl")])
            .env("KUBECONFIG", folder.join(kubeconfig::FILE))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::options().create(true).append(true).open(folder.join("log")).unwrap())
            .spawn()
            .unwrap()
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again, where it left its table.
    fn restart(&mut self) {
        self.kill();
        self.child = Self::spawn(self.folder.path());
    }

    /// The table by e-mail address.
    fn table(&self) -> BTreeMap<String, Row> {
        let text = fs::read_to_string(self.folder.path().join("table.jsonl")).unwrap_or_default();
        let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| {
            let groups = row["groups"].as_array().unwrap().iter();
            let groups = groups.map(|name| name.as_str().unwrap().to_owned()).collect();
            (row["email"].as_str().unwrap().to_owned(), (row["active"].as_bool().unwrap(), groups))
        })
        .collect()
    }

    async fn table_becomes(&self, expected: &BTreeMap<String, Row>) {
        eventually("the table is as the directory", LIMIT, async || {
            let table = self.table();
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            if table == *expected { Ok(()) } else { Err(format!("{table:?}\n{expected:?}\n{}", log())) }
        })
        .await;
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The example, which `cargo test` builds beside the tests.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_directory-sync")).with_file_name("examples").join("consumer");
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/consumers/rust");
    let newest = ["main.rs", "replica.rs", "table.rs"].map(|name| changed(&sources.join(name)).unwrap());
    let built = changed(&program).is_ok_and(|built| newest.iter().all(|source| *source <= built));
    assert!(built, "{} is not there or out of date: run cargo build --example consumer", program.display());
    program
}

fn email(number: usize) -> String {
    format!("user{number:04}@example.test")
}

#[tokio::test]
async fn a_table_of_people_and_their_groups_follows_the_directory_and_outlives_restarts() {
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
    let mut consumer = Consumer::start(&stage).await;
    stage.ready("acme", "True", "Synced").await;
    consumer.table_becomes(&expected).await;

    // While it runs: somebody leaves, somebody is gone, somebody joins a group.
    slapd.modify(&format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: Left\n", user_dn(7)));
    slapd.modify(&format!("dn: {}\nchangetype: delete\n", user_dn(8)));
    slapd.modify(&format!("dn: {}\nchangetype: modify\nadd: member\nmember: {}\n", group_dn(0), user_dn(9)));
    stage.sync("acme").await;
    expected.get_mut(&email(7)).unwrap().0 = false;
    expected.remove(&email(8));
    expected.get_mut(&email(9)).unwrap().1.extend(["group00".to_owned(), "all".to_owned()]);
    consumer.table_becomes(&expected).await;

    // While it is away: people and a group are gone, which no event will ever tell it.
    consumer.kill();
    for gone in [user_dn(10), user_dn(11), group_dn(2)] {
        slapd.modify(&format!("dn: {gone}\nchangetype: delete\n"));
    }
    stage.sync("acme").await;
    assert!(consumer.table().contains_key(&email(10)), "the table is as it was left");
    consumer.restart();
    expected.remove(&email(10));
    expected.remove(&email(11));
    for (_, groups) in expected.values_mut() {
        groups.remove("group02");
    }
    consumer.table_becomes(&expected).await;
}

#[tokio::test]
async fn a_broken_directory_leaves_the_table_as_it_was() {
    let stage = Stage::new("consumer").await;
    let mut slapd = Slapd::builder().start();
    stage.reader().await;
    stage.directory("acme", ldap(&slapd.url())).await;
    stage.ready("acme", "True", "Synced").await;
    let mut consumer = Consumer::start(&stage).await;
    eventually("everybody is in the table", LIMIT, async || {
        let people = consumer.table().len();
        if people == 20 { Ok(()) } else { Err(format!("{people} people")) }
    })
    .await;
    let before = consumer.table();
    slapd.stop();
    stage.sync("acme").await;
    stage.ready("acme", "False", "Unreachable").await;
    fs::remove_file(consumer.folder.path().join("table.jsonl")).unwrap();
    consumer.restart();
    consumer.table_becomes(&before).await;
}

/// A mirror as the apiserver sends it.
fn mirror<S: serde::de::DeserializeOwned + Clone>(name: &str, spec: &Value) -> Mirror<S> {
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
}

fn user(name: &str) -> Mirror<User> {
    mirror(name, &json!({"externalId": name, "state": "Active"}))
}

#[test]
fn a_new_list_takes_the_place_of_the_old_one_when_it_is_complete() {
    let mut users = Replica::<User>::default();
    assert!(!users.note(Ok(Event::Init)));
    assert!(!users.note(Ok(Event::InitApply(user("ada")))));
    assert!(users.objects().is_none(), "half a list is no list");
    assert!(users.note(Ok(Event::InitDone)));
    assert!(users.note(Ok(Event::Apply(user("grace")))));
    // The watch has expired: a new list comes, and ada is not in it.
    assert!(!users.note(Ok(Event::Init)));
    assert!(!users.note(Ok(Event::InitApply(user("grace")))));
    assert_eq!(users.objects().unwrap().len(), 2, "until the list is complete, all are there");
    assert!(users.note(Ok(Event::InitDone)));
    assert_eq!(users.objects().unwrap().keys().collect::<Vec<_>>(), ["grace"]);
    assert!(users.note(Ok(Event::Delete(user("grace")))));
    assert!(users.objects().unwrap().is_empty());
}

#[test]
fn groups_in_circles_and_members_that_are_not_there_harm_nobody() {
    let users = HashMap::from([("u-1".to_owned(), user("u-1").spec)]);
    let group = |name: &str, members: Value| {
        let spec = json!({"displayName": name.to_uppercase(), "members": members});
        (name.to_owned(), mirror::<Group>(name, &spec).spec)
    };
    let groups = HashMap::from([
        group("a", json!({"groups": ["b"], "users": ["u-gone"]})),
        group("b", json!({"groups": ["a", "g-gone"], "users": ["u-1"]})),
    ]);
    let rows = table::rows(&users, &groups);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].groups, ["A", "B"].into());
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("table.jsonl");
    table::write(&path, &rows).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        "{\"externalId\":\"u-1\",\"userName\":null,\"email\":null,\"active\":true,\"groups\":[\"A\",\"B\"]}\n"
    );
}

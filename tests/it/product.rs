//! The whole product: Directories applied to a real cluster, people from CSV and a real slapd, and
//! what an application then sees.

use std::time::Duration;

use directory_sync::api::{ANNOTATION_SYNC_REQUESTED, Directory, DirectoryGroup, DirectoryUser};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::ldap::{PASSWORD, READER, Slapd, company::Company};
use crate::support::operator::Operator;
use crate::support::samba::{self, Samba, company as domain};
use crate::support::wait::eventually;

const LIMIT: Duration = Duration::from_secs(60);

/// A namespace with an operator in it.
struct Stage {
    namespace: String,
    operator: Operator,
}

impl Stage {
    async fn new(prefix: &str) -> Self {
        let cluster = Cluster::get();
        let namespace = cluster.namespace(prefix).await;
        let operator = Operator::start(cluster, &namespace).await;
        Self { namespace, operator }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(Cluster::get().client(), &self.namespace)
    }

    async fn create<K>(&self, object: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + serde::Serialize
            + std::fmt::Debug,
    {
        let object: K = serde_json::from_value(object).unwrap();
        self.api::<K>().create(&PostParams::default(), &object).await.unwrap();
    }

    async fn directory(&self, name: &str, spec: Value) {
        let object = json!({
            "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory",
            "metadata": {"name": name}, "spec": spec,
        });
        self.create::<Directory>(object).await;
    }

    async fn people(&self, users: &str) {
        let map = json!({"metadata": {"name": "people"}, "data": {
            "users.csv": users,
            "user_groups.csv": "group_name,user_id\nadmins,1\n",
        }});
        self.create::<ConfigMap>(map).await;
    }

    async fn patch<K>(&self, name: &str, patch: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Asks for a sync and waits until it has ended.
    async fn sync(&self, name: &str) {
        static REQUESTS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let request = format!("request-{}", REQUESTS.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let patch = json!({"metadata": {"annotations": {ANNOTATION_SYNC_REQUESTED: request}}});
        self.patch::<Directory>(name, patch).await;
        eventually("the requested sync has ended", LIMIT, async || {
            let status = self.api::<Directory>().get(name).await.unwrap().status.unwrap_or_default();
            let handled = status.last_handled_request.unwrap_or_default();
            if handled.starts_with(&format!("{request} ")) { Ok(()) } else { Err(handled) }
        })
        .await;
    }

    /// Waits for the Ready condition and returns its message.
    async fn ready(&self, name: &str, status: &str, reason: &str) -> String {
        eventually("the Directory says so", LIMIT, async || {
            let directory = self.api::<Directory>().get(name).await.unwrap();
            let conditions = directory.status.unwrap_or_default().conditions;
            match conditions.iter().find(|condition| condition.type_ == "Ready") {
                Some(ready) if ready.status == status && ready.reason == reason => Ok(ready.message.clone()),
                other => Err(format!("{other:?}\n{}", self.operator.log())),
            }
        })
        .await
    }

    async fn user_names(&self) -> Vec<String> {
        let users = self.api::<DirectoryUser>().list(&ListParams::default()).await.unwrap();
        let mut names: Vec<String> =
            users.items.into_iter().map(|user| user.spec.user.email.unwrap_or_default()).collect();
        names.sort();
        names
    }

    async fn users_become(&self, expected: &[&str]) {
        eventually("the users are as expected", LIMIT, async || {
            let names = self.user_names().await;
            if names == expected { Ok(()) } else { Err(format!("{names:?}")) }
        })
        .await;
    }
}

fn csv() -> Value {
    json!({"provider": {"csv": {"from": {"configMap": {"name": "people"}}}}})
}

const TWO: &str =
    "user_id,first_name,last_name,email\n1,Ada,Lovelace,ada@a.test\n2,Grace,Hopper,grace@a.test\n";
const ONE: &str = "user_id,first_name,last_name,email\n1,Ada,Lovelace,ada@a.test\n";
const NOBODY: &str = "user_id,first_name,last_name,email\n";

#[tokio::test]
async fn people_in_a_config_map_become_objects_and_follow_its_changes() {
    let stage = Stage::new("csv").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    let groups = stage.api::<DirectoryGroup>().list(&ListParams::default()).await.unwrap();
    assert_eq!(groups.items[0].spec.group.member_count, 1);

    stage.patch::<ConfigMap>("people", json!({"data": {"users.csv": ONE}})).await;
    stage.sync("acme").await;
    stage.users_become(&["ada@a.test"]).await;
}

#[tokio::test]
async fn a_source_without_anybody_empties_nothing() {
    let stage = Stage::new("empty").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage.patch::<ConfigMap>("people", json!({"data": {"users.csv": NOBODY}})).await;
    let message = stage.ready("acme", "False", "EmptyResult").await;
    assert!(message.contains("2 mirrors stay"), "{message}");
    assert_eq!(stage.user_names().await.len(), 2);
}

#[tokio::test]
async fn a_missing_config_map_is_named_and_changes_nothing() {
    let stage = Stage::new("missing").await;
    stage.directory("acme", csv()).await;
    let message = stage.ready("acme", "False", "ReferenceNotReadable").await;
    assert!(message.starts_with("ConfigMap people does not exist"), "{message}");
}

#[tokio::test]
async fn nothing_is_written_when_nothing_has_changed() {
    let stage = Stage::new("quiet").await;
    stage.people(TWO).await;
    let mut spec = csv();
    spec["sync"] = json!({"interval": "1s", "fullInterval": "1s"});
    stage.directory("acme", spec).await;
    stage.ready("acme", "True", "Synced").await;
    let mark = Cluster::get().audit_mark();
    eventually("four more syncs have read their ConfigMap", LIMIT, async || {
        let audit = Cluster::get().audit_since(mark);
        let reads = audit
            .iter()
            .filter(|event| {
                event.object_ref.namespace == stage.namespace && event.object_ref.resource == "configmaps"
            })
            .count();
        if reads >= 8 { Ok(()) } else { Err(format!("{reads} reads")) }
    })
    .await;
    let audit = Cluster::get().audit_since(mark);
    let writes: Vec<_> = audit
        .iter()
        .filter(|event| event.is_write() && event.object_ref.namespace == stage.namespace)
        .filter(|event| event.object_ref.api_group == "directory-sync.io")
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[tokio::test]
async fn an_edited_and_a_deleted_mirror_are_repaired() {
    let stage = Stage::new("drift").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let users = stage.api::<DirectoryUser>();
    let items = users.list(&ListParams::default()).await.unwrap().items;
    let name = |email: &str| {
        let found = items.iter().find(|user| user.spec.user.email.as_deref() == Some(email));
        found.unwrap().metadata.name.clone().unwrap()
    };
    stage.patch::<DirectoryUser>(&name("ada@a.test"), json!({"spec": {"email": "mallory@a.test"}})).await;
    users.delete(&name("grace@a.test"), &DeleteParams::default()).await.unwrap();
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
}

#[tokio::test]
async fn a_directory_that_is_created_anew_takes_over_its_mirrors() {
    let stage = Stage::new("adopt").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let users = stage.api::<DirectoryUser>();
    let uids = async || {
        let items = users.list(&ListParams::default()).await.unwrap().items;
        let mut uids: Vec<String> = items.into_iter().filter_map(|user| user.metadata.uid).collect();
        uids.sort();
        uids
    };
    let before = uids().await;
    stage.api::<Directory>().delete("acme", &DeleteParams::default()).await.unwrap();
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(uids().await, before);
}

#[tokio::test]
async fn deleting_a_directory_takes_its_mirrors_with_it_where_that_was_asked_for() {
    let stage = Stage::new("delete").await;
    stage.people(TWO).await;
    let mut spec = csv();
    spec["deletion"] = json!({"onDirectoryDelete": "Delete"});
    stage.directory("acme", spec).await;
    stage.ready("acme", "True", "Synced").await;
    stage.api::<Directory>().delete("acme", &DeleteParams::default()).await.unwrap();
    stage.users_become(&[]).await;
}

#[tokio::test]
async fn people_of_a_real_ldap_server_become_objects_and_a_wrong_password_is_explained() {
    let stage = Stage::new("ldap").await;
    let slapd = Slapd::builder().company(Company::of(20, 3)).start();
    let secret = |password: &str| json!({"metadata": {"name": "ldap"}, "stringData": {"bindDN": READER, "password": password}});
    stage.create::<Secret>(secret(PASSWORD)).await;
    let spec = json!({
        "provider": {"ldap": {
            "url": slapd.url(),
            "insecure": "PlaintextPasswordsAndData",
            "credentialsSecretRef": {"name": "ldap"},
            "users": {"baseDN": "ou=people,dc=example,dc=test"},
            "groups": {"baseDN": "ou=groups,dc=example,dc=test"},
        }},
    });
    stage.directory("acme", spec).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await.len(), 20);

    stage.patch::<Secret>("ldap", json!({"stringData": {"password": "canary-wrong"}})).await;
    let message = stage.ready("acme", "False", "Unauthorized").await;
    assert!(!message.contains("canary-wrong"), "{message}");
    assert!(!stage.operator.log().contains("canary-wrong"));
    assert_eq!(stage.user_names().await.len(), 20);
}

#[tokio::test]
async fn people_of_a_real_domain_become_objects_and_a_deleted_one_goes() {
    let stage = Stage::new("domain").await;
    let samba = Samba::start();
    let person = |account: &str| {
        format!(
            "dn: CN={account},{}\nchangetype: add\nobjectClass: user\nsAMAccountName: {account}\n\
             userAccountControl: 544\nmail: {account}@a.test\n\n",
            domain::LAB
        )
    };
    let group = format!(
        "dn: CN=staff,{0}\nchangetype: add\nobjectClass: group\nsAMAccountName: staff\nmember: CN=ada,{0}\n",
        domain::LAB
    );
    samba.modify(&format!("{}{}{group}", person("ada"), person("grace")));
    let secret = json!({"username": samba::READER, "password": samba::PASSWORD});
    stage.create::<Secret>(json!({"metadata": {"name": "domain"}, "stringData": secret})).await;
    let authority = json!({"metadata": {"name": "domain-ca"}, "data": {"ca.crt": samba.authority()}});
    stage.create::<ConfigMap>(authority).await;
    let provider = json!({
        "urls": [samba.url()],
        "credentialsSecretRef": {"name": "domain"},
        "caRef": {"configMap": {"name": "domain-ca"}},
        "users": {"baseDN": domain::LAB},
        "groups": {"baseDN": domain::LAB},
    });
    let mut global_catalog = provider.clone();
    global_catalog["urls"] = json!(["ldaps://gc.ad.example.test:3269"]);
    let refused = serde_json::from_value::<Directory>(json!({
        "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "gc"},
        "spec": {"provider": {"activeDirectory": global_catalog}},
    }));
    let error = stage.api::<Directory>().create(&PostParams::default(), &refused.unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("ports 3268 and 3269 are the Global Catalog"), "{error}");

    stage.directory("acme", json!({"provider": {"activeDirectory": provider}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await, ["ada@a.test", "grace@a.test"]);
    let groups = stage.api::<DirectoryGroup>().list(&ListParams::default()).await.unwrap();
    assert_eq!(groups.items[0].spec.group.member_count, 1);
    samba.modify(&format!("dn: CN=ada,{}\nchangetype: delete\n", domain::LAB));
    stage.sync("acme").await;
    stage.users_become(&["grace@a.test"]).await;
}

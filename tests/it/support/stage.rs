//! A namespace of a real cluster with an operator in it: what tests of the whole product do and see.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use directory_sync::api::status::DirectoryStatus;
use directory_sync::api::{
    ANNOTATION_FULL_SYNC_REQUESTED, ANNOTATION_SYNC_REQUESTED, Directory, DirectoryGroup, DirectoryUser,
    LABEL_DIRECTORY,
};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::audit::{Audit, AuditMark};
use super::cluster::Cluster;
use super::ldap::{PASSWORD, READER};
use super::operator::Operator;
use super::samba::{self, Samba};
use super::wait::eventually;

/// How long anything may take that is to happen, on a machine that does much else.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Two people for [`Stage::people`], of whom the first is in the group `admins`.
pub const TWO: &str =
    "user_id,first_name,last_name,email\n1,Ada,Lovelace,ada@a.test\n2,Grace,Hopper,grace@a.test\n";
/// The first of [`TWO`].
pub const ONE: &str = "user_id,first_name,last_name,email\n1,Ada,Lovelace,ada@a.test\n";

/// A namespace with an operator in it.
pub struct Stage {
    pub cluster: &'static Cluster,
    pub namespace: String,
    pub operator: Operator,
}

/// A mirror as an application could tell that it has been touched: its uid, resource version and
/// generation, by kind and name.
pub type Mirrors = BTreeMap<(&'static str, String), (String, String, i64)>;

impl Stage {
    /// A namespace whose name begins with `prefix`.
    pub async fn new(prefix: &str) -> Self {
        let cluster = Cluster::get();
        let namespace = cluster.namespace(prefix).await;
        let operator = Operator::start(cluster, &namespace).await;
        Self { cluster, namespace, operator }
    }

    /// As [`Stage::new`], with arguments for the operator.
    pub async fn with(prefix: &str, arguments: &[&str]) -> Self {
        let cluster = Cluster::get();
        let namespace = cluster.namespace(prefix).await;
        let operator = Operator::start_with(cluster, &namespace, arguments).await;
        Self { cluster, namespace, operator }
    }

    /// The way to the objects of a kind in the namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.cluster.client(), &self.namespace)
    }

    /// Creates an object.
    pub async fn create<K>(&self, object: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Serialize
            + std::fmt::Debug,
    {
        let object: K = serde_json::from_value(object).unwrap();
        self.api::<K>().create(&PostParams::default(), &object).await.unwrap();
    }

    /// Changes an object by a merge patch (RFC 7396).
    pub async fn patch<K>(&self, name: &str, patch: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Creates a Directory.
    pub async fn directory(&self, name: &str, spec: Value) {
        let object = json!({
            "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory",
            "metadata": {"name": name}, "spec": spec,
        });
        self.create::<Directory>(object).await;
    }

    /// Changes a Directory's spec.
    pub async fn respecify(&self, name: &str, spec: Value) {
        self.patch::<Directory>(name, json!({"spec": spec})).await;
    }

    /// Creates the ConfigMap `people` with a table of people for [`csv`], of whom number 1 is in the
    /// group `admins`.
    pub async fn people(&self, users: &str) {
        self.tables("people", users, "group_name,user_id\nadmins,1\n").await;
    }

    /// Creates a ConfigMap with tables for [`csv_from`].
    pub async fn tables(&self, name: &str, users: &str, memberships: &str) {
        let data = json!({"users.csv": users, "user_groups.csv": memberships});
        self.create::<ConfigMap>(json!({"metadata": {"name": name}, "data": data})).await;
    }

    /// Changes tables that are there.
    pub async fn rewrite(&self, name: &str, data: Value) {
        self.patch::<ConfigMap>(name, json!({"data": data})).await;
    }

    /// Creates the Secret `ldap` with the account that [`ldap`] reads with.
    pub async fn reader(&self) {
        self.secret("ldap", json!({"bindDN": READER, "password": PASSWORD})).await;
    }

    /// Creates a Secret.
    pub async fn secret(&self, name: &str, data: Value) {
        self.create::<Secret>(json!({"metadata": {"name": name}, "stringData": data})).await;
    }

    /// Creates the Secret `domain` and the ConfigMap `domain-ca` with which [`active_directory`] reads.
    pub async fn domain(&self, samba: &Samba) {
        self.secret("domain", json!({"username": samba::READER, "password": samba::PASSWORD})).await;
        let authority = json!({"ca.crt": samba.authority()});
        self.create::<ConfigMap>(json!({"metadata": {"name": "domain-ca"}, "data": authority})).await;
    }

    /// Asks for a sync and waits until it has ended.
    pub async fn sync(&self, name: &str) {
        self.request(name, ANNOTATION_SYNC_REQUESTED).await;
    }

    /// Asks for a full reading and waits until it has ended.
    pub async fn full_sync(&self, name: &str) {
        self.request(name, ANNOTATION_FULL_SYNC_REQUESTED).await;
    }

    async fn request(&self, name: &str, annotation: &str) {
        static REQUESTS: AtomicUsize = AtomicUsize::new(0);
        let request = format!("request-{}", REQUESTS.fetch_add(1, Ordering::Relaxed));
        self.patch::<Directory>(name, json!({"metadata": {"annotations": {annotation: request}}})).await;
        eventually("the requested sync has ended", LIMIT, async || {
            let handled = self.status(name).await.last_handled_request.unwrap_or_default();
            if handled.split(' ').any(|part| part == request) { Ok(()) } else { Err(handled) }
        })
        .await;
    }

    /// What a Directory's status says now.
    pub async fn status(&self, name: &str) -> DirectoryStatus {
        self.api::<Directory>().get(name).await.unwrap().status.unwrap_or_default()
    }

    /// A condition of a Directory, as it is now.
    pub async fn condition(&self, name: &str, kind: &str) -> Option<Condition> {
        self.status(name).await.conditions.into_iter().find(|condition| condition.type_ == kind)
    }

    /// Waits for a condition and returns its message.
    pub async fn told(&self, name: &str, kind: &str, status: &str, reason: &str) -> String {
        eventually("the Directory says so", LIMIT, async || match self.condition(name, kind).await {
            Some(found) if found.status == status && found.reason == reason => Ok(found.message),
            other => Err(format!("{other:?}\n{}", self.operator.log())),
        })
        .await
    }

    /// Waits for the Ready condition and returns its message.
    pub async fn ready(&self, name: &str, status: &str, reason: &str) -> String {
        self.told(name, "Ready", status, reason).await
    }

    /// All users of the namespace.
    pub async fn users(&self) -> Vec<DirectoryUser> {
        self.api::<DirectoryUser>().list(&ListParams::default()).await.unwrap().items
    }

    /// The user with an e-mail address.
    pub async fn user(&self, email: &str) -> DirectoryUser {
        let mut users = self.users().await.into_iter();
        users.find(|user| user.spec.user.email.as_deref() == Some(email)).expect("the person has a mirror")
    }

    /// The group with a name.
    pub async fn group(&self, name: &str) -> DirectoryGroup {
        let groups = self.api::<DirectoryGroup>().list(&ListParams::default()).await.unwrap().items;
        let group = groups.into_iter().find(|group| group.spec.group.display_name == name);
        group.expect("the group has a mirror")
    }

    /// The e-mail addresses of all users of the namespace, in order.
    pub async fn user_names(&self) -> Vec<String> {
        let users = self.users().await.into_iter();
        let mut names: Vec<String> = users.map(|user| user.spec.user.email.unwrap_or_default()).collect();
        names.sort();
        names
    }

    /// Waits until the namespace has exactly these users, by e-mail address.
    pub async fn users_become(&self, expected: &[&str]) {
        eventually("the users are as expected", LIMIT, async || {
            let names = self.user_names().await;
            if names == expected { Ok(()) } else { Err(format!("{names:?}")) }
        })
        .await;
    }

    /// All mirrors of a Directory, for comparing them with what they are later.
    pub async fn mirrors(&self, directory: &str) -> Mirrors {
        let which = ListParams::default().labels(&format!("{LABEL_DIRECTORY}={directory}"));
        let users = self.api::<DirectoryUser>().list(&which).await.unwrap().items;
        let groups = self.api::<DirectoryGroup>().list(&which).await.unwrap().items;
        let users = users.into_iter().map(|user| ("user", user.metadata));
        let groups = groups.into_iter().map(|group| ("group", group.metadata));
        let all = users.chain(groups);
        all.map(|(kind, metadata): (_, ObjectMeta)| {
            let version = metadata.resource_version.unwrap_or_default();
            let uid = metadata.uid.unwrap_or_default();
            let generation = metadata.generation.unwrap_or_default();
            ((kind, metadata.name.unwrap_or_default()), (uid, version, generation))
        })
        .collect()
    }

    /// What the operator has asked the apiserver for in this namespace since `mark`.
    pub fn asked(&self, mark: AuditMark) -> Audit {
        let operator = format!("system:serviceaccount:{}:directory-sync", self.namespace);
        self.cluster.audit_since(mark, &self.namespace).by(&operator)
    }

    /// Waits until the operator has read a ConfigMap so many times since a mark.
    pub async fn reads(&self, mark: AuditMark, map: &str, times: usize) {
        eventually("the ConfigMap is read", LIMIT, async || {
            let reads = self.reads_since(mark, map);
            if reads >= times { Ok(()) } else { Err(format!("{reads} reads\n{}", self.operator.log())) }
        })
        .await;
    }

    /// How many times the operator has read a ConfigMap since a mark.
    pub fn reads_since(&self, mark: AuditMark, map: &str) -> usize {
        self.asked(mark).of("configmaps").filter(|event| event.object_ref.name == map).len()
    }

    /// A mark behind all that belongs to the last sync of a Directory on the ConfigMap `people` with
    /// a short interval. Its status can be seen before its write is in the audit log, and its Event
    /// comes after it; the next sync begins when both are done.
    pub async fn after_a_sync(&self) -> AuditMark {
        self.reads(Cluster::get().audit_mark(), "people", 1).await;
        Cluster::get().audit_mark()
    }

    /// What the operator has written since `mark`, Events and its Lease left out.
    pub fn written(&self, mark: AuditMark) -> Audit {
        let besides = ["events", "leases"];
        self.asked(mark).writes().filter(|event| !besides.contains(&event.object_ref.resource.as_str()))
    }
}

/// A Directory's spec: people from the ConfigMap `people`.
pub fn csv() -> Value {
    csv_from("people")
}

/// A Directory's spec: people from a ConfigMap. Whoever is missing goes at once.
pub fn csv_from(name: &str) -> Value {
    csv_files(&json!({"configMap": {"name": name}}))
}

/// A Directory's spec: people from the files of a server or a bucket. Whoever is missing goes at once.
pub fn csv_files(from: &Value) -> Value {
    at_once(&json!({"csv": {"from": from}}))
}

/// A Directory's spec: people and groups of the sample company, from the server at a url, with the
/// account of [`Stage::reader`]. Whoever is missing goes at once.
pub fn ldap(url: &str) -> Value {
    let mut ldap = json!({
        "url": url,
        "credentialsSecretRef": {"name": "ldap"},
        "users": {"baseDN": "ou=people,dc=example,dc=test"},
        "groups": {"baseDN": "ou=groups,dc=example,dc=test"},
    });
    if url.starts_with("ldap://") {
        ldap["insecure"] = json!("PlaintextPasswordsAndData");
    }
    at_once(&json!({"ldap": ldap}))
}

/// A spec without a grace time, for tests of what happens after it.
fn at_once(provider: &Value) -> Value {
    json!({"provider": provider, "deletion": {"graceTime": "0s"}})
}

/// A Directory's spec: people and groups of a domain below an entry, with what [`Stage::domain`] makes.
/// Whoever is missing goes at once.
pub fn active_directory(samba: &Samba, base: &str) -> Value {
    at_once(&json!({"activeDirectory": {
        "urls": [samba.url()],
        "credentialsSecretRef": {"name": "domain"},
        "caRef": {"configMap": {"name": "domain-ca"}},
        "users": {"baseDN": base},
        "groups": {"baseDN": base},
    }}))
}

/// A spec with changes (RFC 7396).
pub fn with(mut spec: Value, patch: &Value) -> Value {
    json_patch::merge(&mut spec, patch);
    spec
}

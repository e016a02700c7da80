//! What the schema cannot refuse is told by the first reconcile, before anything is sent to the directory.

use std::net::TcpListener;
use std::time::Duration;

use directory_sync::api::Directory;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::wait::eventually;

const LIMIT: Duration = Duration::from_secs(120);

/// A directory server that only waits to be connected to.
struct Silent(TcpListener);

impl Silent {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self) -> String {
        format!("ldap://{}", self.0.local_addr().unwrap())
    }

    /// Whether anybody has connected. The kernel keeps connections until they are accepted.
    fn was_asked(&self) -> bool {
        self.0.accept().is_ok()
    }
}

/// A Directory of that server, with a change.
fn directory(name: &str, server: &Silent, change: &Value) -> Directory {
    let mut object = json!({
        "apiVersion": "directory-sync.io/v1alpha1",
        "kind": "Directory",
        "metadata": {"name": name},
        "spec": {"provider": {"ldap": {
            "url": server.url(),
            "insecure": "PlaintextPasswordsAndData",
            "users": {"baseDN": "dc=acme"},
        }}},
    });
    json_patch::merge(&mut object["spec"], change);
    serde_json::from_value(object).unwrap()
}

/// The Stalled condition, once the Directory has it.
async fn stalled(directories: &Api<Directory>, name: &str) -> Condition {
    eventually("the Directory is stalled", LIMIT, async || {
        let status = directories.get(name).await.unwrap().status.unwrap_or_default();
        let found = status.conditions.iter().find(|condition| condition.type_ == "Stalled");
        found.cloned().ok_or_else(|| format!("{:?}", status.conditions))
    })
    .await
}

#[tokio::test]
async fn an_expression_that_does_not_compile_is_reported_with_its_place_before_any_connection() {
    let cluster = Cluster::get();
    let namespace = cluster.namespace("reconcile").await;
    let _operator = Operator::start(cluster, &namespace).await;
    let directories: Api<Directory> = Api::namespaced(cluster.client(), &namespace);
    let server = Silent::listen();
    let cases = [
        (
            "scope-users",
            json!({"scope": {"users": "user.email.endsWith('@acme.example') &&\n  usr.state == 'Active'"}}),
            "spec.scope.users: line 2, column 3: 'usr' is not known here",
        ),
        (
            "scope-groups",
            json!({"scope": {"groups": "group.displayName.beginsWith('app-')"}}),
            "spec.scope.groups: line 1, column 29: there is no function 'beginsWith'",
        ),
        (
            "mapping",
            json!({"mapping": [{"attribute": "a", "value": "raw.a"}, {"attribute": "b", "value": "raw.b[0"}]}),
            "spec.mapping[1].value: line 1, column 8",
        ),
        (
            "filter",
            json!({"provider": {"ldap": {"users": {"filter": "(a=b)(c=d)"}}}}),
            "spec.provider.ldap.users.filter: it is not an LDAP filter (RFC 4515)",
        ),
        (
            "dn",
            json!({"provider": {"ldap": {"users": {"baseDN": "ou=people,acme"}}}}),
            "spec.provider.ldap.users.baseDN: it is not a DN (RFC 4514)",
        ),
    ];
    for (name, change, _) in &cases {
        directories.create(&PostParams::default(), &directory(name, &server, change)).await.unwrap();
    }
    for (name, _, words) in &cases {
        let condition = stalled(&directories, name).await;
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("True", "InvalidSpec"));
        assert!(condition.message.contains(words), "{name}: {}", condition.message);
    }
    assert!(!server.was_asked(), "somebody has connected to the directory");

    // The listener would have noticed.
    let right = directory("right", &server, &json!({}));
    directories.create(&PostParams::default(), &right).await.unwrap();
    eventually("a Directory without mistakes connects", LIMIT, async || {
        if server.was_asked() { Ok(()) } else { Err("nobody".to_owned()) }
    })
    .await;
}

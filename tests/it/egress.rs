//! Where an operator that is set up as in a cluster connects for a Directory, and where not.

use serde_json::json;
use tokio::net::TcpListener;

use crate::support::cluster::Cluster;
use crate::support::ldap::Slapd;
use crate::support::operator::Operator;
use crate::support::stage::{Stage, ldap};

/// A namespace with an operator that may not connect to this machine.
async fn stage() -> Stage {
    stage_with(&[]).await
}

/// As [`stage`], with arguments for the operator.
async fn stage_with(arguments: &[&str]) -> Stage {
    let cluster = Cluster::get();
    let namespace = cluster.namespace("egress").await;
    let operator = Operator::start_as_installed(cluster, &namespace, arguments).await;
    let stage = Stage { cluster, namespace, operator };
    stage.reader().await;
    stage
}

/// Waits for the refusal, in its words.
async fn refused(stage: &Stage, name: &str, host: &str, kind: &str) {
    let message = stage.told(name, "SourceReady", "False", "Misconfigured").await;
    assert!(
        message.starts_with(&format!("{host} is {kind}, where the operator does not connect")),
        "{message}"
    );
    assert!(message.contains("operator.allowAddresses"), "{message}");
}

#[tokio::test]
async fn the_pod_itself_and_its_node_are_not_connected_to_by_any_protocol() {
    let stage = stage().await;
    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = here.local_addr().unwrap().port();
    let sftp = json!({"provider": {"csv": {"from": {"sftp": {
        "host": "127.0.0.1", "port": port, "user": "u", "credentialsSecretRef": {"name": "account"},
        "hostKeys": [format!("SHA256:{}", "A".repeat(43))],
    }}}}});
    let bucket = |endpoint: String| {
        json!({"provider": {"csv": {"from": {"s3": {
            "bucket": "acme", "endpoint": endpoint, "insecure": "PlaintextData",
            "credentialsSecretRef": {"name": "account"},
        }}}}})
    };
    let account = json!({
        "metadata": {"name": "account"},
        "stringData": {"password": "p", "username": "u@acme.test", "accessKeyID": "a", "secretAccessKey": "s"},
    });
    stage.create::<k8s_openapi::api::core::v1::Secret>(account).await;
    let domain = json!({"provider": {"activeDirectory": {
        "urls": [format!("ldap://127.0.0.1:{port}")], "insecure": "PlaintextPasswordsAndData",
        "credentialsSecretRef": {"name": "account"},
    }}});
    for (name, spec, host, kind) in [
        ("address", ldap(&format!("ldap://127.0.0.1:{port}")), "127.0.0.1", "a loopback address"),
        ("name", ldap(&format!("ldap://localhost:{port}")), "localhost", "a loopback address"),
        (
            "mapped",
            ldap(&format!("ldap://[::ffff:127.0.0.1]:{port}")),
            "::ffff:127.0.0.1",
            "a loopback address",
        ),
        ("domain", domain, "127.0.0.1", "a loopback address"),
        ("sftp", sftp, "127.0.0.1", "a loopback address"),
        ("bucket", bucket(format!("http://localhost:{port}")), "localhost", "a loopback address"),
        ("metadata", bucket("http://169.254.169.254".into()), "169.254.169.254", "a link-local address"),
    ] {
        stage.directory(name, spec).await;
        refused(&stage, name, host, kind).await;
    }
    let nobody = tokio::time::timeout(std::time::Duration::ZERO, here.accept()).await;
    assert!(nobody.is_err(), "somebody connected: {nobody:?}");
}

#[tokio::test]
async fn of_the_clusters_own_networks_only_what_the_operator_allows_is_connected_to() {
    let arguments =
        ["--cluster-network=192.0.2.0/24,2001:db8::/32", "--allow-address=192.0.2.7/32,127.0.0.0/8"];
    let stage = stage_with(&arguments).await;
    for (name, host) in [("service", "192.0.2.8"), ("pod", "2001:db8::8")] {
        let literal = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        stage.directory(name, ldap(&format!("ldap://{literal}:389"))).await;
        refused(&stage, name, host, "an address in the cluster's own networks").await;
    }
    let server = Slapd::builder().start();
    stage.directory("allowed", ldap(&server.url().replace("localhost", "127.0.0.1"))).await;
    stage.ready("allowed", "True", "Synced").await;
}

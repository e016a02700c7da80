//! All that the operator may, and attempts at what whoever takes it over would want.

use std::fs;
use std::path::Path;

use kube::api::DynamicObject;
use serde_json::json;

use super::requester::{Requester, Rights};
use super::{Release, set, values_file};
use crate::support::cluster::Cluster;
use crate::support::manifest;

/// The table of what the operator may where it watches, in the document about security: with these values of the
/// chart, which some rows need.
fn documented(values: &[&str]) -> Rights {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md")).unwrap();
    let rows = page.lines().skip_while(|line| !line.starts_with("| object |")).skip(2);
    let mut rights = Rights::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        // Not where it watches, but where it runs.
        if cells[1].starts_with("Leases ") {
            continue;
        }
        let (objects, needed) = match cells[1].split_once(", only with ") {
            Some((objects, value)) => (objects, Some(value.trim_matches('`'))),
            None => (cells[1], None),
        };
        if needed.is_some_and(|value| !values.contains(&value)) {
            continue;
        }
        for object in objects.split(", ") {
            let resource = if object == "their status" {
                "directories/status".to_owned()
            } else {
                object.to_lowercase()
            };
            rights.extend(cells[2].split(", ").map(|verb| format!("{resource} {verb}")));
        }
    }
    assert!(rights.len() > 20, "the table is not found");
    rights
}

#[tokio::test]
async fn the_operator_may_what_its_document_says_where_it_watches_and_nothing_anywhere_else() {
    let (watched, other) =
        (Cluster::get().namespace("watched").await, Cluster::get().namespace("other").await);
    let release = Release::render(&set(&[&format!("watchNamespaces={{{watched}}}")])).await;
    release.install().await;
    let operator = release.operator().await;
    assert_eq!(operator.rights(&watched).await, documented(&[]));
    let elections = ["leases create", "leases get", "leases update"].map(str::to_owned);
    assert_eq!(operator.rights(&release.namespace).await, Rights::from(elections));
    for namespace in [other.as_str(), "kube-system", "default"] {
        assert_eq!(operator.rights(namespace).await, Rights::new(), "{namespace}");
    }
}

#[tokio::test]
async fn to_write_config_maps_it_needs_more_and_gets_what_its_document_says() {
    let release = Release::render(&set(&["configMapOutput.enabled=true"])).await;
    release.install().await;
    let rights = release.operator().await.rights(&release.namespace).await;
    let elections = ["leases create", "leases get", "leases update"].map(str::to_owned);
    let expected = documented(&["configMapOutput.enabled"]).into_iter().chain(elections);
    assert_eq!(rights, expected.collect());
    assert_ne!(documented(&["configMapOutput.enabled"]), documented(&[]));
}

#[tokio::test]
async fn for_the_whole_cluster_the_operator_may_no_more_in_a_namespace_than_otherwise() {
    let release = Release::render(&values_file("cluster-wide")).await;
    release.install().await;
    let other = Cluster::get().namespace("other").await;
    assert_eq!(release.operator().await.rights(&other).await, documented(&[]));
}

#[tokio::test]
async fn the_operator_may_do_its_work_in_the_watched_namespaces_and_nothing_elsewhere() {
    let cluster = Cluster::get();
    let watched = [cluster.namespace("watched").await, cluster.namespace("watched").await];
    let other = cluster.namespace("other").await;
    let release = Release::render(&set(&[&format!("watchNamespaces={{{}}}", watched.join(","))])).await;
    release.install().await;
    let operator = release.operator().await;

    let ours = |namespace: &str| format!("/apis/directory-sync.io/v1alpha1/namespaces/{namespace}");
    let core = |namespace: &str| format!("/api/v1/namespaces/{namespace}");
    let work = |namespace: &str| {
        let (ours, core) = (ours(namespace), core(namespace));
        let mut requests = vec![
            format!("GET {ours}/directories"),
            format!("GET {ours}/directories?watch=1&timeoutSeconds=1"),
            format!("GET {ours}/directories/x"),
            format!("PATCH {ours}/directories/x"),
            format!("PATCH {ours}/directories/x/status"),
            format!("GET {core}/secrets/x"),
            format!("GET {core}/configmaps/x"),
            format!("POST /apis/events.k8s.io/v1/namespaces/{namespace}/events"),
        ];
        for plural in ["directoryusers", "directorygroups", "directoryslices"] {
            requests.extend([
                format!("GET {ours}/{plural}"),
                format!("GET {ours}/{plural}?watch=1&timeoutSeconds=1"),
                format!("GET {ours}/{plural}/x"),
                format!("POST {ours}/{plural}"),
                format!("PATCH {ours}/{plural}/x"),
                format!("DELETE {ours}/{plural}/x"),
                format!("DELETE {ours}/{plural}"),
            ]);
        }
        let checkpoints = format!("{ours}/directorycheckpoints");
        requests.extend([
            format!("GET {checkpoints}"),
            format!("GET {checkpoints}/x"),
            format!("POST {checkpoints}"),
            format!("PUT {checkpoints}/x"),
            format!("DELETE {checkpoints}/x"),
        ]);
        requests
    };
    for namespace in &watched {
        operator.assert_may(&work(namespace)).await;
    }
    let leases = |namespace: &str| format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
    let own = leases(&release.namespace);
    let mine =
        [format!("POST {own}"), format!("GET {own}/directory-sync"), format!("PUT {own}/directory-sync")];
    operator.assert_may(&mine).await;
    let not_mine = [
        format!("GET {own}"),
        format!("GET {own}/other"),
        format!("PUT {own}/other"),
        format!("DELETE {own}/directory-sync"),
        format!("GET {}/directory-sync", leases(&watched[0])),
        format!("POST {}", leases(&watched[0])),
    ];
    operator.assert_may_not(&not_mine).await;
    operator.assert_may_not(&work(&other)).await;
    operator.assert_may_not(&work(&release.namespace)).await;
    operator
        .assert_may_not(&[
            "GET /apis/directory-sync.io/v1alpha1/directories".to_owned(),
            "GET /apis/directory-sync.io/v1alpha1/directoryusers".to_owned(),
            "GET /api/v1/secrets".to_owned(),
            "GET /api/v1/namespaces".to_owned(),
        ])
        .await;
}

#[tokio::test]
async fn the_operator_may_not_reach_for_more_than_its_work_needs() {
    let release = Release::render(&[]).await;
    release.install().await;
    let operator = release.operator().await;
    let namespace = &release.namespace;
    let ours = format!("/apis/directory-sync.io/v1alpha1/namespaces/{namespace}");
    let core = format!("/api/v1/namespaces/{namespace}");
    let roles = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
    operator.assert_may(&[format!("GET {core}/secrets/x")]).await;
    operator
        .assert_may_not(&[
            format!("GET {core}/secrets"),
            format!("GET {core}/secrets?watch=1&timeoutSeconds=1"),
            format!("POST {core}/secrets"),
            format!("PATCH {core}/secrets/x"),
            format!("DELETE {core}/secrets/x"),
            format!("GET {core}/configmaps"),
            format!("POST {core}/configmaps"),
            format!("PATCH {core}/configmaps/x"),
            format!("PUT {core}/configmaps/x"),
            format!("DELETE {core}/configmaps"),
            format!("POST {ours}/directories"),
            format!("DELETE {ours}/directories/x"),
            format!("DELETE {ours}/directories"),
            format!("PUT {ours}/directories/x"),
            format!("PUT {ours}/directories/x/status"),
            format!("PATCH {ours}/directorycheckpoints/x"),
            format!("GET {ours}/directorycheckpoints?watch=1&timeoutSeconds=1"),
            format!("DELETE {ours}/directorycheckpoints"),
            format!("POST {core}/events"),
            format!("PATCH {core}/events/x"),
            format!("GET {core}/pods"),
            format!("POST {core}/pods"),
            format!("POST {core}/serviceaccounts/directory-sync/token"),
            format!("GET {roles}/roles"),
            format!("POST {roles}/rolebindings"),
            format!("PATCH {roles}/roles/directory-sync"),
            "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned(),
        ])
        .await;
}

#[tokio::test]
async fn only_the_secrets_and_config_maps_that_the_values_name_can_be_read() {
    let release =
        Release::render(&set(&["secrets.resourceNames={acme-ldap}", "configMaps.resourceNames={acme-ca}"]))
            .await;
    release.install().await;
    let operator = release.operator().await;
    let core = format!("/api/v1/namespaces/{}", release.namespace);
    operator
        .assert_may(&[format!("GET {core}/secrets/acme-ldap"), format!("GET {core}/configmaps/acme-ca")])
        .await;
    operator
        .assert_may_not(&[format!("GET {core}/secrets/other"), format!("GET {core}/configmaps/other")])
        .await;
}

#[tokio::test]
async fn config_maps_are_written_only_where_a_value_allows_it_and_even_then_not_listed() {
    let release =
        Release::render(&set(&["configMapOutput.enabled=true", "configMaps.resourceNames={acme-ca}"])).await;
    release.install().await;
    let operator = release.operator().await;
    let core = format!("/api/v1/namespaces/{}", release.namespace);
    operator
        .assert_may(&[
            format!("GET {core}/configmaps/x"),
            format!("POST {core}/configmaps"),
            format!("PUT {core}/configmaps/x"),
            format!("DELETE {core}/configmaps"),
        ])
        .await;
    operator
        .assert_may_not(&[
            format!("GET {core}/configmaps"),
            format!("GET {core}/configmaps?watch=1&timeoutSeconds=1"),
            format!("PATCH {core}/configmaps/x"),
            format!("DELETE {core}/configmaps/x"),
            format!("POST {core}/secrets"),
        ])
        .await;
}

#[tokio::test]
async fn for_the_whole_cluster_the_operator_works_everywhere_but_still_lists_no_secrets() {
    let release = Release::render(&values_file("cluster-wide")).await;
    release.install().await;
    let operator = release.operator().await;
    let elsewhere = Cluster::get().namespace("elsewhere").await;
    operator
        .assert_may(&[
            "GET /apis/directory-sync.io/v1alpha1/directories".to_owned(),
            format!("GET /api/v1/namespaces/{elsewhere}/secrets/x"),
            format!("POST /apis/directory-sync.io/v1alpha1/namespaces/{elsewhere}/directoryusers"),
        ])
        .await;
    operator
        .assert_may_not(&[
            "GET /api/v1/secrets".to_owned(),
            format!("GET /api/v1/namespaces/{elsewhere}/secrets"),
            format!("DELETE /apis/directory-sync.io/v1alpha1/namespaces/{elsewhere}/directories/x"),
        ])
        .await;
}

#[tokio::test]
async fn whoever_takes_the_operator_over_gets_no_further_with_its_rights() {
    let release = Release::render(&[]).await;
    release.install().await;
    let operator = release.operator().await;
    let namespace = &release.namespace;
    let core = format!("/api/v1/namespaces/{namespace}");
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let ours = format!("/apis/directory-sync.io/v1alpha1/namespaces/{namespace}");
    let attempts = [
        // Rights for itself.
        format!("POST {rbac}/namespaces/{namespace}/roles"),
        format!("PATCH {rbac}/namespaces/{namespace}/rolebindings/directory-sync"),
        format!("POST {rbac}/clusterroles"),
        format!("POST {rbac}/clusterrolebindings"),
        format!("PATCH {rbac}/clusterroles/view"),
        format!("PATCH {core}/serviceaccounts/directory-sync"),
        format!("POST {core}/serviceaccounts"),
        format!("POST {core}/serviceaccounts/default/token"),
        "POST /apis/certificates.k8s.io/v1/certificatesigningrequests".to_owned(),
        // Programs of its own, and those of others.
        format!("POST {core}/pods/x/exec"),
        format!("GET {core}/pods/x/log"),
        format!("POST /apis/apps/v1/namespaces/{namespace}/deployments"),
        format!("PATCH /apis/apps/v1/namespaces/{namespace}/deployments/directory-sync"),
        format!("POST /apis/batch/v1/namespaces/{namespace}/jobs"),
        "GET /api/v1/nodes".to_owned(),
        "GET /api/v1/nodes/x/proxy/pods".to_owned(),
        // Its own limits.
        format!("DELETE /apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/directory-sync"),
        format!("PATCH {core}/resourcequotas/x"),
        "PATCH /api/v1/namespaces/default".to_owned(),
        "POST /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations".to_owned(),
        "POST /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations".to_owned(),
        "PATCH /apis/apiextensions.k8s.io/v1/customresourcedefinitions/directories.directory-sync.io"
            .to_owned(),
        "DELETE /apis/apiextensions.k8s.io/v1/customresourcedefinitions/directories.directory-sync.io"
            .to_owned(),
        // What others have.
        format!("PUT {core}/secrets/x"),
        format!("DELETE {core}/secrets"),
        format!("DELETE {core}/configmaps/x"),
        format!("GET {core}/configmaps?watch=1&timeoutSeconds=1"),
        format!("GET {core}/events"),
        format!("DELETE {core}/events/x"),
        format!("GET {core}/services"),
        format!("GET {core}/endpoints"),
        // What it has itself, in ways that its work does not need.
        format!("PUT {ours}/directoryusers/x"),
        format!("DELETE {ours}/directorycheckpoints"),
        format!("DELETE {ours}/directories"),
        "POST /apis/authentication.k8s.io/v1/tokenreviews".to_owned(),
        "POST /apis/authorization.k8s.io/v1/subjectaccessreviews".to_owned(),
    ];
    operator.assert_may_not(&attempts).await;
}

#[tokio::test]
async fn the_operator_cannot_act_as_somebody_else() {
    let release = Release::render(&[]).await;
    release.install().await;
    let operator = release.operator().await;
    let request = format!("GET /api/v1/namespaces/{}/secrets/x", release.namespace);
    assert!(operator.may(&request).await);
    let other = "system:serviceaccount:kube-system:default";
    for headers in [
        &[("impersonate-user", "admin"), ("impersonate-group", "system:masters")][..],
        &[("impersonate-user", other)],
        &[("impersonate-user", "x"), ("impersonate-uid", "1")],
        &[("impersonate-user", "x"), ("impersonate-extra-scopes", "all")],
    ] {
        assert!(!operator.may_with(&request, headers).await, "{headers:?}");
    }
}

#[tokio::test]
async fn whoever_has_the_readers_role_sees_mirrors_and_how_fresh_they_are_but_changes_nothing() {
    let release = Release::render(&set(&["rbac.userRoles=true"])).await;
    release.install().await;
    let namespace = &release.namespace;
    let binding: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "application"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": format!("{namespace}-directory-sync-reader"),
        },
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    }))
    .unwrap();
    manifest::apply(&release.client, namespace, &binding, false).await.unwrap();
    let application = Requester(
        Cluster::get().client_as(&Cluster::get().service_account_token(namespace, "default").await),
    );
    let ours = format!("/apis/directory-sync.io/v1alpha1/namespaces/{namespace}");
    for plural in ["directories", "directoryusers", "directorygroups", "directoryslices"] {
        application
            .assert_may(&[
                format!("GET {ours}/{plural}"),
                format!("GET {ours}/{plural}?watch=1&timeoutSeconds=1"),
                format!("GET {ours}/{plural}/x"),
            ])
            .await;
        application
            .assert_may_not(&[
                format!("POST {ours}/{plural}"),
                format!("PATCH {ours}/{plural}/x"),
                format!("PUT {ours}/{plural}/x"),
                format!("DELETE {ours}/{plural}/x"),
            ])
            .await;
    }
    application.assert_may_not(&[format!("GET /api/v1/namespaces/{namespace}/secrets/x")]).await;
}

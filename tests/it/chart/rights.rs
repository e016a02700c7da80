//! All that the operator may, and attempts at what whoever takes it over would want.

use std::collections::BTreeSet;
use std::fs;

use k8s_openapi::api::authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};

use super::*;

/// What somebody may do, as `RESOURCE VERB`.
type Rights = BTreeSet<String>;

impl Requester {
    /// All that the apiserver says of somebody's rights in a namespace, but for what everybody may: to ask for their own.
    async fn rights(&self, namespace: &str) -> Rights {
        let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) };
        let review = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
        let reviews: Api<SelfSubjectRulesReview> = Api::all(self.0.clone());
        let status = reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap();
        assert!(!status.incomplete, "{status:?}");
        let mut rights = Rights::new();
        for rule in status.resource_rules {
            for resource in
                rule.resources.iter().flatten().filter(|resource| !resource.starts_with("selfsubject"))
            {
                rights.extend(rule.verbs.iter().map(|verb| format!("{resource} {verb}")));
            }
        }
        rights
    }
}

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

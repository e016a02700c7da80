//! The chart as the apiserver takes it, and what the operator may do with the rights that it gives.

mod rights;

use std::path::Path;
use std::process::Command;

use http::{Method, Request, StatusCode};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use crate::support::chart::HELM;
use crate::support::cluster::Cluster;
use crate::support::definitions;
use crate::support::manifest::{self, kind};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/directory-sync");

/// A release of the chart in a namespace of its own.
struct Release {
    client: Client,
    namespace: String,
    objects: Vec<DynamicObject>,
}

impl Release {
    /// Renders the chart as `helm install` would, with the arguments that set its values.
    async fn render(values: &[String]) -> Self {
        let cluster = Cluster::get();
        let client = cluster.client();
        let namespace = cluster.namespace("release").await;
        let version = client.apiserver_version().await.unwrap().git_version;
        let output = Command::new(&*HELM)
            .args([
                "template",
                "directory-sync",
                CHART,
                "--namespace",
                &namespace,
                "--kube-version",
                &version,
            ])
            .args(values)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let objects = manifest::parse(&String::from_utf8(output.stdout).unwrap());
        Self { client, namespace, objects }
    }

    /// Applies what was rendered, but for the kinds that neither Kubernetes nor the chart defines.
    async fn install(&self) {
        definitions::install(Cluster::get()).await;
        let foreign = ["ServiceMonitor", "PrometheusRule"];
        for object in self.objects.iter().filter(|object| !foreign.contains(&kind(object))) {
            manifest::apply(&self.client, &self.namespace, object, false).await.unwrap_or_else(|error| {
                panic!("{} {}: {error}", kind(object), object.name_any());
            });
        }
    }

    /// The names of the Roles, in the order in which they are rendered.
    fn roles(&self) -> Vec<String> {
        self.objects.iter().filter(|object| kind(object) == "Role").map(ResourceExt::name_any).collect()
    }

    fn only(&self, wanted: &str) -> &DynamicObject {
        let mut found = self.objects.iter().filter(|object| kind(object) == wanted);
        let first = found.next().unwrap_or_else(|| panic!("no {wanted} is rendered"));
        assert!(found.next().is_none(), "more than one {wanted} is rendered");
        first
    }

    /// Who the operator is to the apiserver.
    async fn operator(&self) -> Requester {
        let account = self.only("ServiceAccount").name_any();
        let token = Cluster::get().service_account_token(&self.namespace, &account).await;
        Requester(Cluster::get().client_as(&token))
    }
}

/// Somebody whose rights are looked at.
struct Requester(Client);

impl Requester {
    /// Whether the apiserver would do it. Nothing is done: writes are dry runs, and rights are looked at before
    /// objects, so a 404 or a complaint about the body is the answer to somebody who may.
    async fn may(&self, request: &str) -> bool {
        self.may_with(request, &[]).await
    }

    /// As [`Requester::may`], with more headers.
    async fn may_with(&self, request: &str, headers: &[(&str, &str)]) -> bool {
        let (method, path) = request.split_once(' ').expect("METHOD PATH");
        let method: Method = method.parse().expect("a method of HTTP");
        let separator = if path.contains('?') { '&' } else { '?' };
        let uri = match method {
            Method::GET => path.to_owned(),
            _ => format!("{path}{separator}dryRun=All"),
        };
        let content_type =
            if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let body = if method == Method::GET { Vec::new() } else { b"{}".to_vec() };
        let mut request = Request::builder().method(method).uri(uri).header("content-type", content_type);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match self.0.request_text(request.body(body).unwrap()).await {
            Ok(_) => true,
            Err(kube::Error::Api(status)) => status.code != StatusCode::FORBIDDEN.as_u16(),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    async fn assert_may(&self, requests: &[String]) {
        for request in requests {
            assert!(self.may(request).await, "{request} is refused");
        }
    }

    async fn assert_may_not(&self, requests: &[String]) {
        for request in requests {
            assert!(!self.may(request).await, "{request} is allowed");
        }
    }
}

fn values_file(name: &str) -> Vec<String> {
    vec!["--values".to_owned(), format!("{CHART}/ci/{name}-values.yaml")]
}

fn set(values: &[&str]) -> Vec<String> {
    values.iter().flat_map(|value| ["--set".to_owned(), (*value).to_owned()]).collect()
}

/// The namespaces that the value files name.
async fn make_teams(client: &Client) {
    for name in ["team-a", "team-b"] {
        let namespace = Namespace {
            metadata: ObjectMeta { name: Some(name.into()), ..Default::default() },
            ..Default::default()
        };
        Api::<Namespace>::all(client.clone())
            .patch(name, &PatchParams::apply("tests"), &Patch::Apply(namespace))
            .await
            .unwrap();
    }
}

async fn installs(values: &str) -> Release {
    let release = Release::render(&values_file(values)).await;
    make_teams(&release.client).await;
    release.install().await;
    release
}

#[tokio::test]
async fn the_chart_installs_with_nothing_set() {
    let release = installs("default").await;
    assert_eq!(release.roles(), ["directory-sync-leader-election", "directory-sync"]);
}

#[tokio::test]
async fn the_chart_installs_one_operator_without_a_lease() {
    let release = installs("one-replica").await;
    assert_eq!(release.roles(), ["directory-sync"]);
    let spec = &release.only("Deployment").data["spec"];
    assert_eq!(spec["strategy"]["type"], "Recreate");
    let arguments = spec["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    let about_leases = arguments.iter().filter(|argument| argument.to_string().contains("leader-elect"));
    assert_eq!(about_leases.collect::<Vec<_>>(), ["--leader-elect=false"]);
}

#[tokio::test]
async fn the_chart_installs_for_two_namespaces() {
    let release = installs("two-namespaces").await;
    assert_eq!(release.roles(), ["directory-sync-leader-election", "directory-sync", "directory-sync"]);
    assert!(!release.objects.iter().any(|object| kind(object).starts_with("ClusterRole")));
}

#[tokio::test]
async fn the_chart_installs_for_the_whole_cluster() {
    let release = installs("cluster-wide").await;
    assert_eq!(release.roles(), ["directory-sync-leader-election"]);
    let arguments =
        release.only("Deployment").data["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    assert!(!arguments.contains("--watch-namespace"), "{arguments}");
}

#[tokio::test]
async fn the_chart_installs_with_everything_set() {
    let release = installs("everything").await;
    let service = release.only("Service");
    let wanted = &release.only("ServiceMonitor").data["spec"]["selector"]["matchLabels"];
    for (label, value) in wanted.as_object().unwrap() {
        assert_eq!(service.labels().get(label).map(String::as_str), value.as_str(), "{label}");
    }
}

#[tokio::test]
async fn the_charts_definitions_are_those_of_the_program_and_outlive_the_release() {
    let release = Release::render(&values_file("default")).await;
    definitions::install(Cluster::get()).await;
    let installed = Api::<CustomResourceDefinition>::all(release.client.clone());
    let mut names: Vec<String> = Vec::new();
    for definition in release.objects.iter().filter(|object| kind(object) == "CustomResourceDefinition") {
        names.push(definition.name_any());
        let kept = definition.annotations().get("helm.sh/resource-policy").map(String::as_str);
        assert_eq!(kept, Some("keep"), "{}", definition.name_any());
        let before = installed.get(&definition.name_any()).await.unwrap();
        let after = manifest::apply(&release.client, "", definition, true).await.unwrap();
        let after: CustomResourceDefinition = after.try_parse().unwrap();
        assert_eq!(before.spec, after.spec, "{}", definition.name_any());
    }
    let mut expected: Vec<String> = definitions::all()
        .iter()
        .map(|definition| definition["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn the_pod_is_admitted_where_the_restricted_pod_security_standard_is_enforced() {
    let release = Release::render(&[]).await;
    release.install().await;
    let enforce = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    Api::<Namespace>::all(release.client.clone())
        .patch(&release.namespace, &PatchParams::default(), &Patch::Merge(enforce))
        .await
        .unwrap();
    let pods = Api::<k8s_openapi::api::core::v1::Pod>::namespaced(release.client.clone(), &release.namespace);
    let template = release.only("Deployment").data["spec"]["template"].clone();
    let pod = |template: &Value| {
        let mut pod = template.clone();
        pod["metadata"]["generateName"] = json!("operator-");
        serde_json::from_value(pod).unwrap()
    };
    let params = PostParams { dry_run: true, ..PostParams::default() };
    pods.create(&params, &pod(&template)).await.unwrap();

    let mut loose = template;
    loose["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    let refusal = pods.create(&params, &pod(&loose)).await.unwrap_err().to_string();
    assert!(refusal.contains("PodSecurity"), "{refusal}");
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
            format!("POST {core}/events"),
            format!("POST /apis/events.k8s.io/v1/namespaces/{namespace}/events"),
        ];
        for plural in ["directoryusers", "directorygroups", "directoryslices", "directorycheckpoints"] {
            requests.extend([
                format!("GET {ours}/{plural}"),
                format!("GET {ours}/{plural}?watch=1&timeoutSeconds=1"),
                format!("GET {ours}/{plural}/x"),
                format!("POST {ours}/{plural}"),
                format!("PATCH {ours}/{plural}/x"),
                format!("DELETE {ours}/{plural}/x"),
            ]);
        }
        requests.push(format!("PUT {ours}/directorycheckpoints/x"));
        for plural in ["directoryusers", "directorygroups", "directoryslices"] {
            requests.push(format!("DELETE {ours}/{plural}"));
        }
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
            format!("DELETE {ours}/directorycheckpoints"),
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

//! The chart as the apiserver takes it.

mod monitoring;
mod requester;
mod rights;

use std::process::Command;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use self::requester::Requester;
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

    /// Applies what was rendered.
    async fn install(&self) {
        definitions::install(Cluster::get()).await;
        monitoring::install(Cluster::get()).await;
        for object in &self.objects {
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
async fn the_chart_installs_where_the_platform_chooses_the_pods_user() {
    let release = installs("openshift").await;
    let security = &release.only("Deployment").data["spec"]["template"]["spec"]["securityContext"];
    assert_eq!(security, &json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}));
}

#[tokio::test]
async fn the_replicas_prefer_different_nodes_unless_told_otherwise() {
    for (values, expected) in
        [("default", "kubernetes.io/hostname"), ("everything", "topology.kubernetes.io/zone")]
    {
        let release = Release::render(&values_file(values)).await;
        let spec = &release.only("Deployment").data["spec"]["template"]["spec"];
        let constraints = spec["topologySpreadConstraints"].as_array().unwrap();
        assert_eq!(constraints.len(), 1, "{constraints:?}");
        assert_eq!(constraints[0]["topologyKey"], expected);
        assert_eq!(constraints[0]["whenUnsatisfiable"], "ScheduleAnyway");
    }
}

#[tokio::test]
async fn alerts_can_be_left_out_and_given_labels() {
    let release = Release::render(&values_file("everything")).await;
    let rules = release.only("PrometheusRule").data["spec"]["groups"][0]["rules"].clone();
    let rules = rules.as_array().unwrap();
    assert!(rules.len() > 5, "{rules:?}");
    for rule in rules {
        assert_ne!(rule["alert"], "DirectoryNotSynced");
        assert_eq!(rule["labels"]["team"], "platform", "{rule}");
        assert!(rule["labels"]["severity"].is_string(), "{rule}");
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

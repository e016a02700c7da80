//! What `kubectl` shows of the kinds by itself: columns, short names, the category, and whom a field
//! selector finds.

use std::collections::BTreeSet;

use directory_sync::api::{Directory, crd};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
};
use serde_json::{Value, json};

use crate::support::kubectl::{Table, kubectl};
use crate::support::stage::{LIMIT, ONE, Stage, TWO, csv, csv_from, with};
use crate::support::wait::eventually;

/// How wide a listing without options may be for the terminals that people have.
const WIDTH: usize = 100;

/// What answers: is it working, why not in a word, since when, how many.
const ANSWERS: &[&str] = &["READY", "REASON", "SINCE", "USERS", "GROUPS", "LAST-SYNC"];

/// Moves the times in a Directory's status into the past, each by its own length.
async fn long_ago(stage: &Stage, name: &str, ready: SignedDuration, sync: SignedDuration) {
    let mut status = stage.status(name).await;
    for condition in &mut status.conditions {
        condition.last_transition_time = Time(Timestamp::now() - ready);
    }
    status.last_sync.as_mut().expect("it was synced").start_time = Time(Timestamp::now() - sync);
    let patch = Patch::Merge(json!({"status": status}));
    stage.api::<Directory>().patch_status(name, &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test]
async fn a_listing_says_which_directories_work_since_when_how_many_they_have_and_why_not() {
    let mut stage = Stage::new("kubectl").await;
    stage.people(TWO).await;
    stage.tables("partners", ONE, "group_name,user_id\n").await;
    stage.directory("acme", csv()).await;
    stage.directory("partners", csv_from("partners")).await;
    stage.ready("acme", "True", "Synced").await;
    stage.ready("partners", "True", "Synced").await;
    stage.api::<ConfigMap>().delete("partners", &DeleteParams::default()).await.unwrap();
    stage.sync("partners").await;
    stage.ready("partners", "False", "ReferenceNotReadable").await;
    // What is shown as a time in seconds could be any of the times.
    stage.operator.stop();
    let (days, hours) = (SignedDuration::from_hours(3 * 24), SignedDuration::from_hours(12));
    long_ago(&stage, "acme", days, hours).await;
    long_ago(&stage, "partners", hours, days).await;

    let text = kubectl(&stage, &["get", "dir"]);
    let narrow = Table::parse(&text);
    assert_eq!(narrow.headings, [&["NAME", "PROVIDER"], ANSWERS, &["AGE"]].concat());
    assert_eq!(narrow.row("acme", ANSWERS), ["True", "Synced", "3d", "2", "1", "12h"]);
    let failing = ["False", "ReferenceNotReadable", "12h", "1", "0", "3d"];
    assert_eq!(narrow.row("partners", ANSWERS), failing);
    assert!(text.lines().all(|line| line.trim_end().len() <= WIDTH), "{text}");

    let wide = Table::parse(&kubectl(&stage, &["get", "dir", "--output", "wide"]));
    assert_eq!(wide.row("partners", ANSWERS), failing);
    for name in ["acme", "partners"] {
        let message = stage.condition(name, "Ready").await.unwrap().message;
        assert_eq!(wide.row(name, &["MESSAGE"]), [message]);
    }
}

#[tokio::test]
async fn listings_of_people_and_groups_show_who_they_are_and_whose() {
    let stage = Stage::new("kubectl").await;
    let users = "user_id,first_name,last_name,email,username,state\n\
                 1,Ada,Lovelace,ada@a.test,ada,active\n2,Grace,Hopper,grace@a.test,grace,inactive\n";
    stage.tables("people", users, "group_name,user_id\nadmins,1\nadmins,2\n").await;
    let roles = json!({"roles": {"rules": [{"role": "writer", "groups": ["admins"]}]}});
    stage.directory("acme", with(csv(), &roles)).await;
    stage.ready("acme", "True", "Synced").await;

    let people = Table::parse(&kubectl(&stage, &["get", "duser"]));
    assert_eq!(people.headings, ["NAME", "USER-NAME", "EMAIL", "STATE", "DIRECTORY", "AGE"]);
    assert_eq!(
        people.columns(&["USER-NAME", "EMAIL", "STATE", "DIRECTORY"]),
        [["ada", "ada@a.test", "Active", "acme"], ["grace", "grace@a.test", "Inactive", "acme"]]
    );
    let wide = Table::parse(&kubectl(&stage, &["get", "duser", "--output", "wide"]));
    assert_eq!(wide.columns(&["USER-NAME", "ROLE"]), [["ada", "writer"], ["grace", "writer"]]);
    let groups = Table::parse(&kubectl(&stage, &["get", "dgroup"]));
    assert_eq!(groups.headings, ["NAME", "DISPLAY-NAME", "MEMBERS", "DIRECTORY", "AGE"]);
    assert_eq!(groups.columns(&["DISPLAY-NAME", "MEMBERS", "DIRECTORY"]), [["admins", "2", "acme"]]);
}

#[tokio::test]
async fn short_names_and_one_category_are_served() {
    let stage = Stage::new("kubectl").await;
    stage.people(ONE).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let expected = [
        ("directories", Some("dir")),
        ("directorycheckpoints", None),
        ("directorygroups", Some("dgroup")),
        ("directoryslices", Some("dslice")),
        ("directoryusers", Some("duser")),
    ];
    let client = stage.cluster.client();
    eventually("they are served", LIMIT, async || {
        let served = client.list_api_group_resources("directory-sync.io/v1alpha1").await.unwrap().resources;
        let missing: Vec<_> = expected
            .iter()
            .filter(|(plural, short)| {
                !served.iter().any(|resource| {
                    resource.name == *plural
                        && resource.short_names.iter().flatten().eq(short.iter())
                        && resource.categories.iter().flatten().eq(["directory-sync"])
                })
            })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("not {missing:?} but {served:?}")) }
    })
    .await;

    let all = kubectl(&stage, &["get", "directory-sync", "--output", "name"]);
    for kind in ["directory", "directorycheckpoint", "directorygroup", "directoryuser"] {
        assert!(all.contains(&format!("{kind}.directory-sync.io/acme")), "there is no {kind} in {all}");
    }
}

/// The objects of a kind in a stage's namespace.
fn objects(stage: &Stage, definition: &CustomResourceDefinition) -> Api<DynamicObject> {
    let (spec, names) = (&definition.spec, &definition.spec.names);
    let kind = GroupVersionKind::gvk(&spec.group, &spec.versions[0].name, &names.kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, &names.plural);
    Api::namespaced_with(stage.cluster.client(), &stage.namespace, &resource)
}

/// The names of those objects that a test holds for.
fn names(objects: &[DynamicObject], holds: impl Fn(&DynamicObject) -> bool) -> BTreeSet<String> {
    objects.iter().filter(|object| holds(object)).map(ResourceExt::name_any).collect()
}

#[tokio::test]
async fn each_selectable_field_selects_those_who_have_the_value_and_nobody_else() {
    let stage = Stage::new("selectors").await;
    let head = "user_id,first_name,last_name,email,username,state";
    for (number, company) in ["a", "b"].into_iter().enumerate() {
        let (one, two) = (number * 2 + 1, number * 2 + 2);
        let users = format!(
            "{head}\n{one},Ada,Lovelace,ada@{company}.test,ada-{company},active\n\
             {two},Grace,Hopper,grace@{company}.test,grace-{company},inactive\n"
        );
        let groups = format!("group_name,user_id\nadmins-{company},{one}\nstaff-{company},{two}\n");
        stage.tables(company, &users, &groups).await;
        for mode in ["Objects", "Slices"] {
            let name = format!("{company}-{}", mode.to_lowercase());
            let more = json!({"organization": name, "output": {"mode": mode}});
            stage.directory(&name, with(csv_from(company), &more)).await;
            stage.ready(&name, "True", "Synced").await;
        }
    }

    let mut tried = Vec::new();
    for definition in crd::all().unwrap() {
        let api = objects(&stage, &definition);
        let all = api.list(&ListParams::default()).await.unwrap().items;
        for field in definition.spec.versions[0].selectable_fields.iter().flatten() {
            let path = field.json_path.trim_start_matches('.');
            let pointer = format!("/{}", path.replace('.', "/"));
            let value = |object: &DynamicObject| object.data.pointer(&pointer).cloned();
            let values: BTreeSet<String> = all
                .iter()
                .filter_map(value)
                .map(|value| value.as_str().expect("it is text").to_owned())
                .collect();
            assert!(
                values.len() > 1,
                "{} has nothing to tell apart by {path}: {values:?}",
                definition.spec.names.kind
            );
            for wanted in values {
                let expected = names(&all, |object| value(object) == Some(Value::from(wanted.as_str())));
                let selector = ListParams::default().fields(&format!("{path}={wanted}"));
                let found = api.list(&selector).await.unwrap().items;
                assert_eq!(names(&found, |_| true), expected, "{path}={wanted}");
            }
            tried.push(format!("{} {path}", definition.spec.names.plural));
        }
    }
    tried.sort_unstable();
    assert_eq!(
        tried,
        [
            "directories spec.organization",
            "directorygroups spec.directory",
            "directorygroups spec.displayName",
            "directorygroups spec.externalId",
            "directoryslices spec.content",
            "directoryslices spec.directory",
            "directoryusers spec.directory",
            "directoryusers spec.email",
            "directoryusers spec.externalId",
            "directoryusers spec.state",
            "directoryusers spec.userName",
        ]
    );
}

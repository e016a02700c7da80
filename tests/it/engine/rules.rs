//! Scope, mapping, roles and output: changed without asking the source again, and writing only
//! what differs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::support::audit::AuditMark;
use crate::support::cluster::Cluster;
use crate::support::ldap::Slapd;
use crate::support::stage::{TWO, csv, ldap, with};

/// What was written to mirrors since a mark: the verb, and people by e-mail address or groups by
/// name as they were before.
fn writes(stage: &Stage, mark: AuditMark, names: &[(String, String)]) -> BTreeSet<(String, String)> {
    let mirrors = stage
        .written(mark)
        .filter(|event| ["directoryusers", "directorygroups"].contains(&event.object_ref.resource.as_str()));
    let found = mirrors.iter().map(|event| {
        let known = names.iter().find(|(name, _)| *name == event.object_ref.name);
        let shown = known.map_or_else(|| event.object_ref.name.clone(), |(_, shown)| shown.clone());
        (event.verb.clone(), shown)
    });
    found.collect()
}

/// The names of all mirrors with what a person would call them.
async fn names(stage: &Stage) -> Vec<(String, String)> {
    let groups = stage.api::<directory_sync::api::DirectoryGroup>();
    let groups = groups.list(&kube::api::ListParams::default()).await.unwrap().items.into_iter();
    let users = stage.users().await.into_iter();
    let users = users.map(|user| (user.metadata.name.unwrap(), user.spec.user.email.unwrap()));
    let groups = groups.map(|group| (group.metadata.name.unwrap(), group.spec.group.display_name));
    users.chain(groups).collect()
}

fn set<const N: usize>(verb: &str, shown: [&str; N]) -> BTreeSet<(String, String)> {
    shown.map(|name| (verb.to_owned(), name.to_owned())).into()
}

#[tokio::test]
async fn changed_rules_ask_nobody_and_write_only_what_differs() {
    let stage = Stage::new("rules").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    let more =
        json!({"provider": {"ldap": {"users": {"attributes": ["uidNumber"]}}}, "sync": {"interval": "168h"}});
    stage.directory("acme", with(ldap(&slapd.url()), &more)).await;
    stage.ready("acme", "True", "Synced").await;
    let before = slapd.wait_until("the connection is closed", |seen| seen.closed == seen.connections).await;
    let email = |number: usize| format!("user{number:04}@example.test");

    // group00 has the people 0 to 4.
    let change = async |spec: Value, expected: BTreeSet<(String, String)>| {
        let (names, mark) = (names(&stage).await, Cluster::get().audit_mark());
        let generation = {
            stage.respecify("acme", spec.clone()).await;
            stage.api::<directory_sync::api::Directory>().get("acme").await.unwrap().metadata.generation
        };
        eventually("the rules have taken effect", LIMIT, async || {
            let status = stage.status("acme").await;
            if status.observed_generation == generation { Ok(()) } else { Err(format!("{status:?}")) }
        })
        .await;
        stage.ready("acme", "True", "Synced").await;
        assert_eq!(writes(&stage, mark, &names), expected, "{spec}");
    };
    let admins = json!({"roles": {"rules": [{"role": "admin", "groups": ["group00"]}]}});
    let zero_to_four: BTreeSet<_> = (0..5).map(|number| ("patch".to_owned(), email(number))).collect();
    change(admins, zero_to_four.clone()).await;
    let badge = json!({"mapping": [{"attribute": "badge", "value": "user.employeeNumber == '7' ? raw.uidNumber[0] : ''"}]});
    change(badge, set("patch", [&email(7)])).await;
    assert_eq!(stage.user(&email(7)).await.spec.user.attributes["badge"], json!("10007"));
    let but_three = json!({"scope": {"users": "user.email != 'user0003@example.test'"}});
    let mut gone = set("delete", [&email(3)]);
    gone.extend(set("patch", ["group00"]));
    change(but_three, gone).await;
    let slim = json!({"output": {"attributes": ["userName", "email", "badge"]}});
    let everybody = (0..20).filter(|number| *number != 3).map(|number| ("patch".to_owned(), email(number)));
    change(slim, everybody.collect()).await;
    assert_eq!(stage.user(&email(0)).await.spec.user.title, None);

    assert_eq!(slapd.operations(), before, "the server was not asked");
}

#[tokio::test]
async fn a_person_without_a_required_attribute_is_held_back_and_an_optional_one_is_left_out() {
    let stage = Stage::new("required").await;
    let table = |badge: &str, title: &str| {
        format!(
            "user_id,first_name,last_name,email,badge,job_title\n1,Ada,Lovelace,ada@a.test,117,Analyst\n\
             2,Grace,Hopper,grace@a.test,{badge},{title}\n"
        )
    };
    stage.people(&table("118", "Admiral")).await;
    let rule = |required: bool| json!({"mapping": [{"attribute": "badge", "value": "raw.badge", "required": required}]});
    stage.directory("acme", with(csv(), &rule(true))).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;

    stage.rewrite("people", json!({"users.csv": table("", "Rear Admiral")})).await;
    stage.sync("acme").await;
    let message = stage.ready("acme", "True", "Synced").await;
    assert_eq!(
        message,
        "people and groups are up to date, but for 1 that is held back: see status.quarantined"
    );
    let quarantined = stage.status("acme").await.quarantined;
    assert_eq!(
        (quarantined.len(), quarantined[0].reason.as_str(), quarantined[0].count),
        (1, "MissingAttribute", 1)
    );
    assert_eq!(
        quarantined[0].example,
        "the required attribute 'badge' is missing; correct it at the source, or change spec.mapping[0].value"
    );
    assert_eq!(stage.mirrors("acme").await, before, "the mirror stays as it was");

    stage.respecify("acme", rule(false)).await;
    eventually("nobody is held back", LIMIT, async || {
        let status = stage.status("acme").await;
        if status.quarantined.is_empty() { Ok(()) } else { Err(format!("{:?}", status.quarantined)) }
    })
    .await;
    let grace = stage.user("grace@a.test").await.spec.user;
    assert_eq!((grace.title.as_deref(), grace.attributes.get("badge")), (Some("Rear Admiral"), None));
}

#[tokio::test]
async fn only_members_of_groups_in_scope_are_in() {
    let stage = Stage::new("members").await;
    stage.tables("people", TWO, "group_name,user_id\nadmins,1\nguests,2\n").await;
    let scope = json!({"scope": {"groups": "group.displayName == 'admins'", "onlyGroupMembers": true}});
    stage.directory("acme", with(csv(), &scope)).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await, ["ada@a.test"]);
    assert_eq!(stage.mirrors("acme").await.len(), 2, "one person, one group");
    stage.respecify("acme", json!({"scope": {"groups": null}})).await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
}

#[tokio::test]
async fn the_first_rule_gives_the_role_and_all_that_match_the_roles() {
    let stage = Stage::new("roles").await;
    let people = format!("{TWO}3,Katherine,Johnson,katherine@a.test\n");
    stage.tables("people", &people, "group_name,user_id\nadmins,1\nstaff,1\nstaff,2\n").await;
    let roles = json!({"roles": {
        "rules": [
            {"role": "owner", "groups": ["owners"]},
            {"role": "admin", "groups": ["admins"]},
            {"role": "member", "groups": ["*"]},
        ],
        "default": "guest",
    }});
    stage.directory("acme", with(csv(), &roles)).await;
    stage.ready("acme", "True", "Synced").await;
    for (email, role, all) in [
        ("ada@a.test", "admin", &["admin", "member"][..]),
        ("grace@a.test", "member", &["member"]),
        ("katherine@a.test", "guest", &["guest"]),
    ] {
        let user = stage.user(email).await.spec.user;
        assert_eq!(
            (user.role.as_deref(), user.roles),
            (Some(role), all.iter().map(|&role| role.to_owned()).collect())
        );
    }
}

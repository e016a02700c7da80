//! People's attributes: in their own objects; in logs at debug at most; in no status, Event or metric.

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};

use super::*;
use crate::support::ldap::Slapd;
use crate::support::ldap::company::user_dn;
use crate::support::stage::{csv_from, ldap, with};
use crate::support::wait::eventually;

const PEOPLE: &str = "ou=people,dc=example,dc=test";

/// Words that stand in people's attributes alone. Each is of one kind of attribute.
const CANARIES: &[&str] = &[
    "canaryuid",
    "canarygiven",
    "canaryfamily",
    "canarymail",
    "canarytitle",
    "canarytelephone",
    "canarystreet",
    "canarybadge",
    "canarygroup",
    "canarymanager",
    "canarycell",
];

/// A person in LDAP with a canary in every attribute.
fn person(number: usize, more: &str) -> String {
    format!(
        "dn: uid=canaryuid{number},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: canaryuid{number}\n\
         cn: canarygiven{number} canaryfamily{number}\ngivenName: canarygiven{number}\nsn: canaryfamily{number}\n\
         mail: canarymail{number}@example.test\ntitle: canarytitle\npostalAddress: canarystreet 5$Berlin\n\
         employeeType: canarybadge{number}\nmanager: uid=canarymanager,{PEOPLE}\n{more}"
    )
}

/// Tables with rows of every kind of fault, and one that is good.
fn tables() -> Value {
    let rows = [
        "user_id,first_name,last_name,email,start_date,manager_id",
        "canaryuid1,canarygiven,canaryfamily,canarymail1@example.test,2024-01-02,canarymanager",
        "canaryuid1,canarygiven,canaryfamily,canarymail1@example.test,2024-01-02,",
        "canaryuid2,canarygiven,canaryfamily,canarymail1@example.test,canarycell,",
        "canaryuid3,canarygiven,canaryfamily,canarymail3 not an address,,",
        "canaryuid4,canarycell",
        ",canarygiven,canaryfamily,canarymail5@example.test,,",
    ];
    let members =
        "group_name,user_id\ncanarygroup,canaryuid1\ncanarygroup,canaryuid404\ncanarygroup,canaryuid1\n";
    json!({"users.csv": rows.join("\n"), "user_groups.csv": members})
}

async fn syncs_that_succeed_and_fail(log: &[&str]) -> Evidence {
    let server = Slapd::builder()
        .ldif(&person(1, "telephoneNumber: +49 30 canarytelephone"))
        .ldif(&person(2, &format!("description: canarycell {}", "x".repeat(70_000))))
        .ldif(&person(3, "userSMIMECertificate:: /2NhbmFyeWNlbGw="))
        .ldif(&format!(
            "dn: cn=canarygroup,ou=groups,dc=example,dc=test\nobjectClass: groupOfNames\ncn: canarygroup\n\
             member: uid=canaryuid1,{PEOPLE}\nmember: uid=canaryuid404,{PEOPLE}"
        ))
        .start();
    let stage = Stage::with("canary", log).await;
    stage.reader().await;
    let attributes =
        json!({"provider": {"ldap": {"users": {"attributes": ["description", "userSMIMECertificate"]}}}});
    let all = with(ldap(&server.url()), &attributes);
    stage.directory("all", all.clone()).await;
    // A scope and a mapping that cannot be computed of these values, and an attribute that most lack.
    let undecided = json!({"scope": {"users": "!has(raw.employeeType) || int(raw.employeeType[0]) > 0"}});
    stage.directory("undecided", with(all.clone(), &undecided)).await;
    let unmapped = json!({"mapping": [
        {"attribute": "badge", "value": "int(raw.employeeType[0])"},
        {"attribute": "phone", "value": "has(raw.employeeType) ? raw.telephoneNumber[0] : 'none'", "required": true},
    ]});
    stage.directory("unmapped", with(all, &unmapped)).await;
    stage.create::<ConfigMap>(json!({"metadata": {"name": "tables"}, "data": tables()})).await;
    stage.directory("tables", csv_from("tables")).await;
    for name in ["all", "undecided", "unmapped", "tables"] {
        eventually("the Directory has been read", crate::support::stage::LIMIT, async || {
            let status = stage.status(name).await;
            if status.last_sync.is_some() {
                Ok(())
            } else {
                Err(format!("{status:?}\n{}", stage.operator.log()))
            }
        })
        .await;
    }
    assert!(text(&stage.users().await).contains("canarymail1"), "the people are there");
    // More people are gone than may go at once, and one of those who stay is renamed.
    let gone: Vec<String> =
        (0..20).map(|number| format!("dn: {}\nchangetype: delete\n", user_dn(number))).collect();
    server.modify(&gone.join("\n"));
    server.modify(&format!(
        "dn: uid=canaryuid1,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=canaryuid9\ndeleteoldrdn: 1"
    ));
    stage.full_sync("all").await;
    assert!(stage.status("all").await.pending_plan.is_some(), "the losses are held");
    Evidence::of(&stage).await
}

#[tokio::test]
async fn nothing_of_a_person_leaves_their_object_when_the_operator_logs_as_the_chart_has_it() {
    let evidence = syncs_that_succeed_and_fail(AS_INSTALLED).await;
    evidence.assert_log_of_objects();
    evidence.assert_none_of(CANARIES, &[]);
    evidence.assert_none_of(&["user0001", "User Number"], &[]);
}

#[tokio::test]
async fn nothing_of_a_person_is_in_a_status_event_or_metric_when_the_operator_logs_for_finding_faults() {
    syncs_that_succeed_and_fail(&["--log-level", "debug"]).await.assert_none_of(CANARIES, &[Place::Log]);
}

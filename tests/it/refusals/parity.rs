//! `directory-sync check` says the same as the apiserver.

use directory_sync::check::{Checker, Input, Report, Severity};
use serde_json::Value;

use super::{Server, schema, table};

fn checked(checker: &Checker, manifest: &Value) -> Report {
    checker.check(&[Input { name: "case.json".to_owned(), bytes: manifest.to_string().into_bytes() }])
}

#[test]
fn whatever_the_apiserver_refuses_is_an_error_of_the_check_and_its_neighbour_is_none() {
    let checker = Checker::new().unwrap();
    let mut wrong = Vec::new();
    for case in table::cases() {
        if checked(&checker, &case.bad()).count(Severity::Error) == 0 {
            wrong.push(format!("{case:?} passes"));
        }
        let report = checked(&checker, &case.good());
        if report.count(Severity::Error) > 0 {
            wrong.push(format!("the neighbour of {case:?} fails: {}", report.text()));
        }
    }
    for mistake in schema::mistakes(&schema::of("Directory")) {
        if checked(&checker, &mistake.manifest).count(Severity::Error) == 0 {
            wrong.push(format!("{} passes", mistake.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_broken_rule_is_told_in_the_words_of_the_apiserver() {
    let checker = Checker::new().unwrap();
    let mut compared = 0;
    for case in table::cases().into_iter().filter(|case| case.keyword == "rule") {
        let text = checked(&checker, &case.bad()).text();
        assert!(text.contains(&case.says), "{} should say: {}\n  but says: {text}", case.path, case.says);
        compared += 1;
    }
    assert!(compared > 80, "{compared}");
}

#[tokio::test]
async fn nulls_are_nothing_to_both() {
    let (server, checker) = (Server::new().await, Checker::new().unwrap());
    let mut manifest = super::case::base("spec.provider.ldap");
    for path in ["spec.sync", "spec.scope", "spec.mapping", "spec.provider.ldap.groups", "spec.provider.csv"]
    {
        let (parent, name) = path.rsplit_once('.').unwrap();
        manifest.pointer_mut(&format!("/{}", parent.replace('.', "/"))).unwrap()[name] = Value::Null;
    }
    server.judge(&manifest).await.unwrap();
    assert_eq!(checked(&checker, &manifest).text(), "");
}

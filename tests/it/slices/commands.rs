//! `directory-sync users` and `groups`, in both forms.

use std::process::{Command, Output};

use super::*;

fn run(stage: &Stage, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_directory-sync"))
        .args(arguments)
        .args(["--namespace", &stage.namespace])
        .env("KUBECONFIG", Cluster::get().kubeconfig())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn people_and_groups_are_listed_found_and_filtered_alike_in_both_forms() {
    let stage = stage_with("listed", 200, "Objects").await;
    let look = || {
        let csv = stdout(&run(&stage, &["users", "list", "acme", "-o", "csv"]));
        assert_eq!(csv.lines().count(), 201);
        let condition = ["users", "list", "acme", "--where", "user.email == 'ada7@a.test'", "-o", "json"];
        let some: Vec<Value> = serde_json::from_str(&stdout(&run(&stage, &condition))).unwrap();
        assert_eq!(some.len(), 1);
        assert_eq!(some[0]["spec"]["name"]["family"], "Lovelace 7");
        let one: Value = serde_json::from_str(&stdout(&run(
            &stage,
            &["users", "get", "acme", "ada7@a.test", "-o", "json"],
        )))
        .unwrap();
        assert_eq!(one, some[0]);
        let groups = stdout(&run(&stage, &["groups", "list", "acme"]));
        assert!(groups.lines().nth(1).unwrap().contains("admins"), "{groups}");
        let nobody = run(&stage, &["users", "get", "acme", "nobody"]);
        assert!(String::from_utf8_lossy(&nobody.stderr).contains("there is no user nobody"), "{nobody:?}");
        let wrong = run(&stage, &["groups", "list", "acme", "--where", "user.email == ''"]);
        assert!(
            !wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("--where"),
            "{wrong:?}"
        );
        (csv, groups)
    };
    let objects = look();
    stage.respecify("acme", json!({"output": {"mode": "Slices"}})).await;
    has_form(&stage, "acme", "Slices").await;
    assert_eq!(look(), objects);
}

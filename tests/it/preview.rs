//! `directory-sync preview`: what it shows, of a source alone and against a cluster, and that it
//! writes nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use directory_sync::api::Directory;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::cluster::Cluster;
use crate::support::ldap::{PASSWORD, READER, Slapd, company::Company};
use crate::support::moto::{self, Bucket};
use crate::support::samba::{self, Samba, company as domain};
use crate::support::sftp::{self, Sshd};
use crate::support::stage::{LIMIT, Stage, TWO, active_directory, csv, csv_files};
use crate::support::wait::eventually;

const PEOPLE: &str = "user_id,first_name,last_name,email,title\n1,Ada,Lovelace,ada@a.test,Analyst\n2,Grace,Hopper,grace@a.test,\n";

/// Runs the command; standard input is empty.
fn preview(arguments: &[&str], files: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_directory-sync"));
    command.arg("preview").args(arguments).env_remove("KUBECONFIG").env("HOME", "/nonexistent");
    for file in files {
        command.arg("-f").arg(file);
    }
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

fn write(folder: &TempDir, name: &str, object: &Value) -> std::path::PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, serde_json::to_string(object).unwrap()).unwrap();
    path
}

fn csv_directory() -> Value {
    json!({
        "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "acme"},
        "spec": {
            "provider": {"csv": {"from": {"configMap": {"name": "people"}}}},
            "mapping": [{"attribute": "badge", "value": "'b-' + raw.user_id"}],
            "roles": {"rules": [{"role": "admin", "groups": ["admins"]}], "default": "guest"},
        },
    })
}

fn people() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "people"},
        "data": {"users.csv": PEOPLE, "user_groups.csv": "group_name,user_id\nadmins,1\n"},
    })
}

#[test]
fn people_and_groups_are_shown_as_they_would_stand_in_the_cluster() {
    let folder = TempDir::new().unwrap();
    let files =
        [write(&folder, "directory.json", &csv_directory()), write(&folder, "people.json", &people())];
    let files = [files[0].as_path(), files[1].as_path()];
    let shown = json_of(&preview(&["--output=json"], &files));
    let ada = &shown["users"][0];
    assert_eq!(ada["spec"]["attributes"]["badge"], "b-1", "{shown}");
    assert_eq!(ada["spec"]["role"], "admin");
    assert_eq!(shown["users"][1]["spec"]["role"], "guest");
    assert_eq!(shown["groups"][0]["spec"]["members"], json!({"users": [ada["name"]]}));

    let text = stdout(&preview(&[], &files));
    assert!(text.lines().any(|line| line.starts_with("Ada Lovelace") && line.ends_with("admin")), "{text}");
    assert!(text.contains("2 people, 1 group."), "{text}");
}

#[test]
fn raw_shows_the_attributes_that_mapping_can_name() {
    let folder = TempDir::new().unwrap();
    let files =
        [write(&folder, "directory.json", &csv_directory()), write(&folder, "people.json", &people())];
    let files = [files[0].as_path(), files[1].as_path()];
    let raw = json_of(&preview(&["--raw", "--records=1", "--output=json"], &files));
    assert_eq!(raw["users"]["attributes"]["user_id"], json!({"types": ["string"], "records": 2}));
    assert_eq!(raw["users"]["records"].as_array().unwrap().len(), 1);
    let text = stdout(&preview(&["--raw"], &files));
    assert!(text.contains("raw.user_id"), "{text}");
}

#[test]
fn a_secret_can_be_a_folder_and_a_missing_one_is_named_with_the_ways_to_give_it() {
    let slapd = Slapd::builder().company(Company::of(20, 3)).start();
    let folder = TempDir::new().unwrap();
    let directory = json!({
        "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "acme"},
        "spec": {"provider": {"ldap": {
            "url": slapd.url(),
            "insecure": "PlaintextPasswordsAndData",
            "credentialsSecretRef": {"name": "acme-ldap"},
            "users": {"baseDN": "ou=people,dc=example,dc=test"},
            "groups": {"baseDN": "ou=groups,dc=example,dc=test"},
        }}},
    });
    let directory = write(&folder, "directory.json", &directory);

    let complaint = stderr(&preview(&[], &[&directory]));
    assert!(complaint.contains("Secret acme-ldap, which is not given"), "{complaint}");
    assert!(complaint.contains("--secret=acme-ldap=FOLDER"), "{complaint}");

    let secret = folder.path().join("secret");
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("bindDN"), READER).unwrap();
    fs::write(secret.join("password"), format!("{PASSWORD}\n")).unwrap();
    let given = format!("--secret=acme-ldap={}", secret.display());
    let shown = json_of(&preview(&[&given, "--output=json"], &[&directory]));
    assert_eq!(shown["users"].as_array().unwrap().len(), 20);
    assert_eq!(shown["groups"].as_array().unwrap().len(), 3);

    fs::write(secret.join("password"), "canary-wrong").unwrap();
    let complaint = stderr(&preview(&[&given], &[&directory]));
    assert!(!complaint.contains("canary-wrong"), "{complaint}");
    assert!(complaint.contains("bindDN"), "{complaint}");
}

#[test]
fn a_domain_is_shown_with_what_its_account_may_not_see() {
    let samba = Samba::start();
    let folder = TempDir::new().unwrap();
    let mut spec = active_directory(&samba, domain::GROUPS);
    let few = json!({"users": {"baseDN": domain::PEOPLE, "filter": "(sAMAccountName=p000*)"}});
    json_patch::merge(&mut spec["provider"]["activeDirectory"], &few);
    let directory = json!({
        "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "acme"}, "spec": spec,
    });
    let authority = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "domain-ca"},
        "data": {"ca.crt": samba.authority()},
    });
    let files = [write(&folder, "directory.json", &directory), write(&folder, "ca.json", &authority)];
    let given = |account: &str, password: &str| {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "domain"},
            "stringData": {"username": account, "password": password},
        });
        let secret = write(&folder, "secret.json", &secret);
        preview(&["--output=json"], &[&files[0], &files[1], &secret])
    };

    let shown = json_of(&given(samba::READER, samba::PASSWORD));
    assert_eq!(shown["users"].as_array().unwrap().len(), 10);
    assert!(!shown["notes"].to_string().contains("Deleted Objects"), "{}", shown["notes"]);
    let shown = json_of(&given(samba::CLERK, samba::PASSWORD));
    assert!(shown["notes"].to_string().contains("Deleted Objects"), "{}", shown["notes"]);
    let complaint = stderr(&given(samba::READER, "canary-wrong"));
    assert!(complaint.contains("data 52e: wrong name or password"), "{complaint}");
    assert!(!complaint.contains("canary-wrong"), "{complaint}");
}

#[test]
fn tables_on_an_sftp_server_and_in_a_bucket_are_shown() {
    let folder = TempDir::new().unwrap();
    let sshd = Sshd::start();
    sshd.put("users.csv", TWO);
    let (bucket, keys) = Bucket::guarded("preview", |bucket| bucket.put("users.csv", TWO));
    let key = sshd.private_key();
    for (from, name, good, bad) in [
        (
            json!({"sftp": sshd.from()}),
            sftp::SECRET,
            json!({"privateKey": key}),
            json!({"password": "canary-wrong"}),
        ),
        (
            json!({"s3": bucket.from()}),
            moto::SECRET,
            json!({"accessKeyID": keys.id, "secretAccessKey": keys.secret}),
            json!({"accessKeyID": keys.id, "secretAccessKey": "canary-wrong"}),
        ),
    ] {
        let directory = json!({
            "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "acme"},
            "spec": csv_files(&from),
        });
        let directory = write(&folder, "directory.json", &directory);
        let given = |data: &Value| {
            let secret =
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
            preview(&["--output=json"], &[&directory, &write(&folder, "secret.json", &secret)])
        };
        let shown = json_of(&given(&good));
        assert_eq!(shown["users"][0]["spec"]["email"], "ada@a.test", "{shown}");
        assert_eq!(shown["users"].as_array().unwrap().len(), 2, "{shown}");
        let complaint = stderr(&given(&bad));
        assert!(complaint.contains(&format!("Secret {name}")), "{complaint}");
        assert!(!complaint.contains("canary-wrong"), "{complaint}");
    }
}

#[test]
fn a_spec_that_cannot_work_is_told_before_any_connection_is_made() {
    let folder = TempDir::new().unwrap();
    let mut directory = csv_directory();
    directory["spec"]["scope"] = json!({"users": "user.email.endsWith("});
    let files = [write(&folder, "directory.json", &directory), write(&folder, "people.json", &people())];
    let complaint = stderr(&preview(&[], &[&files[0], &files[1]]));
    assert!(complaint.contains("spec.scope.users"), "{complaint}");
}

/// What `preview` says of a Directory with this spec, compared with the mirrors of `acme`.
fn difference(stage: &Stage, spec: &Value, arguments: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let directory = json!({
        "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory",
        "metadata": {"name": "acme", "namespace": stage.namespace}, "spec": spec,
    });
    Command::new(env!("CARGO_BIN_EXE_directory-sync"))
        .args(["preview", "--from-cluster", "--diff", "-f"])
        .arg(write(&folder, "directory.json", &directory))
        .args(arguments)
        .env("KUBECONFIG", Cluster::get().kubeconfig())
        .output()
        .unwrap()
}

#[tokio::test]
async fn only_a_directory_that_may_become_empty_shows_that_it_would() {
    let stage = Stage::new("preview-empty").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let header = TWO.lines().next().unwrap();
    stage.rewrite("people", json!({"users.csv": format!("{header}\n")})).await;
    let would = |spec: &Value, action: &str| {
        let shown = json_of(&difference(&stage, spec, &["--output=json"]));
        let changes = shown["changes"].as_array().unwrap();
        changes.iter().filter(|change| change["action"] == action).count()
    };
    assert_eq!(would(&csv(), "delete"), 0);
    let mut spec = csv();
    let uid = stage.api::<Directory>().get("acme").await.unwrap().metadata.uid;
    spec["deletion"]["guard"] = json!({"allowEmpty": uid});
    assert_eq!(would(&spec, "delete"), 2);
    // With a grace time they would be missing first.
    spec["deletion"]["graceTime"] = json!("1h");
    assert_eq!((would(&spec, "delete"), would(&spec, "missing")), (0, 2));
}

#[tokio::test]
async fn the_difference_to_a_cluster_is_what_the_next_sync_writes_and_nothing_is_written_before() {
    let stage = Stage::new("preview").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage.respecify("acme", json!({"sync": {"suspend": true}})).await;
    stage.ready("acme", "False", "Suspended").await;
    stage
        .rewrite(
            "people",
            json!({"users.csv": PEOPLE.replace("title", "job_title").replace("2,Grace", "3,Alan")}),
        )
        .await;

    let mark = Cluster::get().audit_mark();
    let shown = json_of(&difference(&stage, &csv(), &["--output=json"]));
    let changes: Vec<_> =
        shown["changes"].as_array().unwrap().iter().map(|change| &change["action"]).collect();
    assert_eq!(changes, ["delete", "update", "create"], "{shown}");
    let title = json!([{"member": "title", "from": null, "to": "Analyst"}]);
    assert_eq!(shown["changes"][1]["members"], title, "{shown}");
    let text = stdout(&difference(&stage, &csv(), &[]));
    assert!(text.contains("1 to create, 1 to update, 0 to deactivate, 1 to delete, 1 unchanged."), "{text}");
    let writes = Cluster::get().audit_since(mark, &stage.namespace).by("admin").writes();
    assert_eq!(writes.len(), 0, "{writes:?}");

    stage.respecify("acme", json!({"sync": {"suspend": false}})).await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    eventually("the sync has written just that", LIMIT, async || {
        let run = stage.status("acme").await.last_sync.unwrap();
        if (run.created, run.updated, run.deleted) == (1, 1, 1) { Ok(()) } else { Err(format!("{run:?}")) }
    })
    .await;
}

#[test]
fn who_is_held_back_is_listed_by_id_in_every_form() {
    let folder = TempDir::new().unwrap();
    let mut directory = csv_directory();
    directory["spec"]["mapping"] = json!([{"attribute": "title", "value": "raw.title", "required": true}]);
    let mut people = people();
    people["data"]["users.csv"] = json!(format!("{PEOPLE}3,Alan\n"));
    let files = [write(&folder, "directory.json", &directory), write(&folder, "people.json", &people)];
    let files = [files[0].as_path(), files[1].as_path()];
    for arguments in [&["--output=json"][..], &["--raw", "--output=json"]] {
        let shown = json_of(&preview(arguments, &files));
        let held = shown["heldBack"].as_array().unwrap();
        let of = |reason: &str| held.iter().find(|held| held["reason"] == reason).unwrap();
        assert_eq!(of("MissingAttribute")["id"], "2", "{shown}");
        assert!(of("UnreadableRecord")["message"].as_str().unwrap().contains("line 4"), "{shown}");
        assert_eq!(shown["quarantined"].as_array().unwrap().len(), 2, "{shown}");
        assert!(shown["notes"].is_array(), "{shown}");
    }
    for arguments in [&[][..], &["--raw"]] {
        let text = stdout(&preview(arguments, &files));
        assert!(
            text.contains("held back: 1 (MissingAttribute): ") && text.contains("    user 2\n"),
            "{text}"
        );
    }
    directory["spec"] = csv_directory()["spec"].clone();
    directory["spec"]["scope"] = json!({"users": "has(user.title) && user.title == 'Nobody'"});
    let directory = write(&folder, "directory.json", &directory);
    let text = stdout(&preview(&["--raw"], &[&directory, files[1]]));
    assert!(text.contains("note: Of 2 people nobody is in scope; look at spec.scope."), "{text}");
}

#[test]
fn a_spec_is_shown_as_it_stands_in_the_cluster() {
    let folder = TempDir::new().unwrap();
    let files =
        [write(&folder, "directory.json", &csv_directory()), write(&folder, "people.json", &people())];
    let shown = json_of(&preview(&["--output=json"], &[&files[0], &files[1]]));
    for kind in ["users", "groups"] {
        assert_eq!(shown[kind][0]["spec"]["directory"], "acme", "{shown}");
    }
}

#[test]
fn only_what_is_wrong_with_the_chosen_directory_stops_its_preview() {
    let folder = TempDir::new().unwrap();
    let in_namespace = |namespace: &str| {
        let mut directory = csv_directory();
        directory["metadata"]["namespace"] = json!(namespace);
        directory
    };
    let mut wrong = csv_directory();
    wrong["metadata"]["name"] = json!("wrong");
    wrong["spec"]["scope"] = json!({"users": "user.email.endsWith("});
    let files = [
        write(&folder, "crm.json", &in_namespace("crm")),
        write(&folder, "shop.json", &in_namespace("shop")),
        write(&folder, "wrong.json", &wrong),
        write(&folder, "people.json", &people()),
    ];
    let files = files.each_ref().map(std::path::PathBuf::as_path);
    let complaint = stderr(&preview(&["--directory=acme"], &files));
    assert!(complaint.contains("the Directories wrong, crm/acme, shop/acme: choose one"), "{complaint}");
    let shown = json_of(&preview(&["--directory=acme", "--namespace=shop", "--output=json"], &files));
    assert_eq!(shown["users"].as_array().unwrap().len(), 2);
    let complaint = stderr(&preview(&["--directory=wrong"], &files));
    assert!(complaint.contains("spec.scope.users"), "{complaint}");
    // What nobody can read may be what is missing.
    let broken = folder.path().join("broken.yaml");
    fs::write(&broken, "kind: [\n").unwrap();
    let chosen = ["--directory=acme", "--namespace=shop"];
    assert!(preview(&chosen, &[files[1], files[3], &broken]).status.success());
    let complaint = stderr(&preview(&chosen, &[files[1], &broken]));
    assert!(complaint.contains("broken.yaml:"), "{complaint}");
}

#[test]
fn a_folder_that_is_none_or_that_nobody_names_is_told() {
    let folder = TempDir::new().unwrap();
    let files =
        [write(&folder, "directory.json", &csv_directory()), write(&folder, "people.json", &people())];
    let files = [files[0].as_path(), files[1].as_path()];
    let wrong = preview(&["--secret=acme"], &files);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(2), "{told}");
    assert!(told.contains("--secret") && told.contains("it is not NAME=FOLDER"), "{told}");
    let keys = folder.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let given = format!("--config-map=peple={}", keys.display());
    let text = stdout(&preview(&[&given], &files));
    assert!(text.contains("note: ConfigMap peple was given, and spec.provider does not name it."), "{text}");
    let complaint = stderr(&preview(&[&given], &files[..1]));
    assert!(complaint.contains("not given (only ConfigMap peple, which it does not name)"), "{complaint}");
}

//! `directory-sync check` as a pipeline runs it: files in, lines or JSON and an exit code out.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const GOOD: &str = "\
apiVersion: directory-sync.io/v1alpha1
kind: Directory
metadata: {name: acme}
spec:
  provider:
    ldap:
      url: ldaps://ldap.acme.example
      users: {baseDN: \"ou=people,dc=acme,dc=example\"}
";

const CREDENTIALS: &str = "      credentialsSecretRef: {name: acme-ldap}\n";

const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: acme-ldap}
stringData: {bindDN: \"cn=reader,dc=acme\", pasword: canary-1}
data: {other: Y2FuYXJ5LTI=}
";

/// Runs the command in a folder.
fn check(folder: &Path, arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_directory-sync"))
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that looks at nothing closes its input unread.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn good_manifests_pass_without_a_line() {
    let folder = folder(&[("apps/acme.yaml", GOOD), ("apps/deep/er/values.yaml", "replicas: 2\n")]);
    let output = check(folder.path(), &["-f", "apps"], "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "");
    let summary = "2 files, 1 object of directory-sync.io, 1 of other groups: 0 errors, 0 warnings\n";
    assert_eq!(text(&output.stderr), summary);
}

#[test]
fn an_error_has_a_line_of_its_own_and_fails_the_pipeline() {
    let bad = GOOD.replace("users:", "user:");
    let folder = folder(&[("acme.yaml", &bad), ("good.yaml", &GOOD.replace("name: acme", "name: other"))]);
    let output = check(folder.path(), &["-f", "acme.yaml", "good.yaml"], "");
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(
        lines,
        [
            "acme.yaml:6: Directory/acme: spec.provider.ldap.users: it must be set",
            "acme.yaml:8: Directory/acme: spec.provider.ldap.user: there is no such field; did you mean 'users'?",
        ]
    );
}

#[test]
fn warnings_fail_only_where_that_is_asked_for() {
    let manifest = format!("{GOOD}{CREDENTIALS}");
    let folder = folder(&[("acme.yaml", &manifest)]);
    let output = check(folder.path(), &["-f", "acme.yaml"], "");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("warning: Secret acme-ldap is not among the files"), "{output:?}");
    assert_eq!(check(folder.path(), &["-f", "acme.yaml", "--strict"], "").status.code(), Some(1));
}

#[test]
fn the_standard_input_and_files_are_looked_at_together_and_no_secret_is_shown() {
    let folder = folder(&[("secret.yaml", SECRET)]);
    let manifest = format!("# rendered\n---\n{GOOD}{CREDENTIALS}");
    for output in ["text", "json"] {
        let result = check(folder.path(), &["-f", "-", "-f", "secret.yaml", "--output", output], &manifest);
        assert_eq!(result.status.code(), Some(1));
        assert!(text(&result.stdout).contains("Secret acme-ldap has no key 'password'"), "{result:?}");
        for stream in [&result.stdout, &result.stderr] {
            assert!(!text(stream).contains("canary"), "{result:?}");
        }
    }
}

#[test]
fn a_domain_is_checked_with_its_secret_and_its_authority() {
    let directory = "\
apiVersion: directory-sync.io/v1alpha1
kind: Directory
metadata: {name: ad}
spec:
  provider:
    activeDirectory:
      urls: [\"ldaps://dc1.ad.acme.example\", \"ldaps://gc.ad.acme.example:3269\"]
      credentialsSecretRef: {name: ad}
      users: {attributes: [memberOf]}
";
    let secret = "\
apiVersion: v1
kind: Secret
metadata: {name: ad}
stringData: {bindDN: \"reader@ad.acme.example\", password: canary-1}
";
    let folder = folder(&[("ad.yaml", directory), ("secret.yaml", secret)]);
    let output = check(folder.path(), &["-f", "."], "");
    assert_eq!(output.status.code(), Some(1));
    for words in [
        "ad.yaml:7: Directory/ad: spec.provider.activeDirectory.urls: ports 3268 and 3269 are the Global Catalog",
        "ad.yaml:9: Directory/ad: spec.provider.activeDirectory.users.attributes: attributes that are computed",
    ] {
        assert!(text(&output.stdout).contains(words), "{output:?}");
    }
    let good = directory.replace(", \"ldaps://gc.ad.acme.example:3269\"", "").replace("memberOf", "info");
    fs::write(folder.path().join("ad.yaml"), good).unwrap();
    let output = check(folder.path(), &["-f", "."], "");
    assert!(text(&output.stdout).contains("Secret ad has no key 'username'"), "{output:?}");
    assert!(!text(&output.stdout).contains("canary"), "{output:?}");
}

#[test]
fn programs_get_one_json_object() {
    let folder = folder(&[(
        "acme.yaml",
        &GOOD.replace("name: acme", "name: acme, namespace: crm").replace("ldaps:", "ldap:"),
    )]);
    let output = check(folder.path(), &["-f", "acme.yaml", "--output", "json"], "");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["files"], &report["objects"], &report["others"]), (&1.into(), &1.into(), &0.into()));
    let problem = &report["problems"][0];
    for (name, value) in [
        ("file", "acme.yaml"),
        ("kind", "Directory"),
        ("namespace", "crm"),
        ("name", "acme"),
        ("field", "spec.provider.ldap"),
        ("severity", "error"),
    ] {
        assert_eq!(problem[name], value);
    }
    assert_eq!((&problem["document"], &problem["line"]), (&1.into(), &6.into()));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn what_cannot_be_checked_is_told_apart_from_what_is_wrong() {
    let folder = folder(&[("empty/notes.txt", "")]);
    for (arguments, words) in [
        (&["-f", "missing.yaml"][..], "missing.yaml cannot be read"),
        (&["-f", "empty"][..], "has no manifests"),
        (&["--strict"][..], "--file"),
        (&["-f", "empty", "--output", "xml"][..], "xml"),
    ] {
        let output = check(folder.path(), arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(words), "{output:?}");
    }
    let output = check(folder.path(), &["-f", "-"], "kind: [\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("-:"), "{output:?}");
}

/// A Directory with tables in files, and the Secret with which they are read.
fn tables_in_files(from: &str, secret: &str) -> String {
    format!(
        "apiVersion: directory-sync.io/v1alpha1\nkind: Directory\nmetadata: {{name: acme}}\n\
         spec: {{provider: {{csv: {{from: {from}}}}}}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: account}}\nstringData: {secret}\n"
    )
}

#[test]
fn the_account_for_tables_in_files_is_checked_and_nothing_is_connected_to() {
    let here = TcpListener::bind("127.0.0.1:0").unwrap();
    here.set_nonblocking(true).unwrap();
    let port = here.local_addr().unwrap().port();
    let key = format!("SHA256:{}", "A".repeat(43));
    let sftp = format!(
        "{{sftp: {{host: 127.0.0.1, port: {port}, user: hr, hostKeys: ['{key}'], credentialsSecretRef: {{name: account}}}}}}"
    );
    let bucket = format!(
        "{{s3: {{bucket: acme, endpoint: 'http://127.0.0.1:{port}', insecure: PlaintextData, \
         credentialsSecretRef: {{name: account}}}}}}"
    );
    for (from, secret, complaint) in [
        (&sftp, "{password: canary}", None),
        (&sftp, "{pasword: canary}", Some("Secret account has neither 'password' nor 'privateKey'")),
        (&bucket, "{accessKeyID: id, secretAccessKey: canary}", None),
        (
            &bucket,
            "{accessKeyID: id, secretKey: canary}",
            Some("Secret account has no key 'secretAccessKey'"),
        ),
    ] {
        let folder = folder(&[("acme.yaml", &tables_in_files(from, secret))]);
        let output = check(folder.path(), &["-f", "acme.yaml"], "");
        let said = text(&output.stdout);
        assert!(!said.contains("canary"), "{said}");
        match complaint {
            None => assert_eq!((output.status.code(), said), (Some(0), "")),
            Some(complaint) => assert!(said.contains(complaint), "{said}"),
        }
    }
    let nobody = here.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(nobody, Err(std::io::ErrorKind::WouldBlock));
}

#[test]
fn the_help_shows_examples_and_exit_codes() {
    let output = check(Path::new("."), &["--help"], "");
    let help = text(&output.stdout);
    assert!(help.contains("kustomize build") && help.contains("Exit codes: 0"), "{help}");
}

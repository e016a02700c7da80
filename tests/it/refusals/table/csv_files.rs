//! Tables that are files: on an SFTP server, or in a bucket.

use serde_json::{Value, json};

use super::super::case::Case;
use super::bounds::{most, range, some, twice};
use super::case;
use super::forms::forms;
use super::lengths::lengths;
use super::letters;
use super::members::{either, needed, unknown, words};

const SFTP: &str = "spec.provider.csv.from.sftp";
const S3: &str = "spec.provider.csv.from.s3";

/// Keys of no server.
const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIDymntusNIqMOIJDY0Y0r3LUJa5W6f2xeIkzkEbAbXFC";
const NISTP256: &str = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDbJIXoqdV7na9ht/owJ/t853SjyaYdI2odvx38pfwqOwEHOeKl/GIgYCCbuMd+jTg/zeKpW3SjCJcfgn1/ohV4=";

pub fn cases() -> Vec<Case> {
    [origins(), sftp(), host_keys(), s3(), endpoints(), files(SFTP), files(S3)].concat()
}

fn of(origin: &str, field: &str) -> String {
    format!("{origin}.{field}")
}

fn origins() -> Vec<Case> {
    let from = "spec.provider.csv.from";
    let secret = json!({"secret": {"name": "it"}});
    let one = |refused: Value| {
        let says = "exactly one of configMap, secret, sftp, s3 must be set";
        case(from, "rule", refused, secret.clone(), says)
    };
    let own_key = |table: &str| {
        case(
            &format!("spec.provider.csv.{table}.key"),
            "rule",
            json!("people.txt"),
            Value::Null,
            "key is for tables in a ConfigMap or Secret",
        )
        .given(from, json!({"s3": {"bucket": "acme-hr", "credentialsSecretRef": {"name": "acme-s3"}}}))
    };
    vec![
        one(json!({})),
        one(json!({"configMap": {"name": "it"}, "secret": {"name": "it"}})),
        unknown(from, secret.clone()),
        own_key("users"),
        own_key("userGroups"),
        own_key("groups"),
    ]
}

fn sftp() -> Vec<Case> {
    let at = |field| of(SFTP, field);
    [
        vec![
            needed(&at("host"), json!("sftp.acme.example")),
            needed(&at("user"), json!("acme")),
            needed(&at("hostKeys"), json!([fingerprint(1)])),
            needed(&at("credentialsSecretRef"), json!({"name": "acme-sftp"})),
            needed(&at("credentialsSecretRef.name"), json!("acme-sftp")),
        ],
        lengths(&at("host"), 1, 253, letters),
        lengths(&at("user"), 1, 64, letters),
        lengths(&at("directory"), 1, 1_024, letters),
        range(&at("port"), 1, 65_535),
        range(&at("settleSeconds"), 1, 300),
        range(&at("timeoutSeconds"), 1, 600),
        forms(
            &[&at("host")],
            &[("sftp.acme.example/upload", "sftp.acme.example"), ("acme@sftp", "10.0.0.1")],
            "host is the server's name or address alone",
        ),
    ]
    .concat()
}

/// A fingerprint of the right form.
fn fingerprint(number: usize) -> String {
    format!("SHA256:{number:A<43}")
}

fn host_keys() -> Vec<Case> {
    let keys = of(SFTP, "hostKeys");
    let key = |text: &str, right: &str| {
        let says = "a host key is written as 'ssh-ed25519 AAAA...' or 'ecdsa-sha2-nistp256 AAAA...'";
        case(&format!("{keys}[0]"), "rule", json!(text), json!(right), says)
    };
    let with_comment = |length: usize| format!("{:c<length$}", format!("ssh-ed25519 {ED25519} "));
    let first = format!("{keys}[0]");
    let long =
        lengths(&first, 20, 1_024, with_comment).into_iter().filter(|case| case.keyword == "maxLength");
    let says = "should be at least 20 chars long";
    let short = case(&first, "minLength", json!(letters(19)), json!(fingerprint(1)), says);
    [
        long.chain([short]).collect(),
        vec![
            most(&keys, 8, |count| (0..count).map(fingerprint).collect()),
            some(&keys, &json!(fingerprint(1))),
            twice(&keys, &fingerprint(1), &fingerprint(2)),
            key("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB", &format!("ecdsa-sha2-nistp256 {NISTP256}")),
            key(
                &format!("sftp.acme.example ssh-ed25519 {ED25519}"),
                &format!("ssh-ed25519 {ED25519} of June"),
            ),
            key("MD5:00:11:22:33:44:55:66:77:88", &fingerprint(3)),
        ],
    ]
    .concat()
}

fn s3() -> Vec<Case> {
    let at = |field| of(S3, field);
    let buckets = [("Acme", "acme"), ("acme_hr", "acme-hr"), ("-acme", "acme"), ("acme-", "a.b")];
    let prefixes = [("/hr", "hr"), ("hr//export", "hr/export"), ("hr//", "hr/"), ("/", "")];
    [
        vec![
            needed(&at("bucket"), json!("acme-hr")),
            needed(&at("credentialsSecretRef"), json!({"name": "acme-s3"})),
            needed(&at("credentialsSecretRef.name"), json!("acme-s3")),
            needed(&at("caRef.configMap.name"), json!("acme-ca"))
                .given("spec.provider.csv.from.s3.caRef", json!({"configMap": {}})),
            needed(&at("caRef.secret.name"), json!("acme-ca"))
                .given("spec.provider.csv.from.s3.caRef", json!({"secret": {}})),
        ],
        either(&at("caRef")),
        lengths(&at("bucket"), 3, 63, letters),
        lengths(&at("region"), 1, 63, letters),
        lengths(&at("prefix"), 0, 768, letters),
        range(&at("settleSeconds"), 1, 300),
        range(&at("timeoutSeconds"), 1, 600),
        forms(&[&at("bucket")], &buckets, "a bucket's name has lower-case letters"),
        forms(
            &[&at("region")],
            &[("eu central", "eu-central-1")],
            "a region has only letters, digits and '-'",
        ),
        forms(&[&at("prefix")], &prefixes, "prefix is written as folders are"),
    ]
    .concat()
}

fn endpoints() -> Vec<Case> {
    let (endpoint, insecure) = (of(S3, "endpoint"), of(S3, "insecure"));
    let (plain, encrypted) = ("http://minio.acme.example:9000", "https://minio.acme.example:9000");
    let pairs = [
        ("https://minio/acme-hr", "https://minio/"),
        ("https://me@minio", encrypted),
        ("minio:9000", "https://minio:9000"),
        ("https://minio?x=1", "https://minio"),
    ];
    let fill = |length: usize| format!("{:x<length$}", "https://").chars().take(length).collect();
    let long = lengths(&endpoint, 8, 512, fill).into_iter().filter(|case| case.keyword == "maxLength");
    let short =
        case(&endpoint, "minLength", json!("https:/"), json!(encrypted), "should be at least 8 chars long");
    let risks = words(&insecure, &["PlaintextData"]).into_iter();
    [
        long.chain([short]).collect(),
        forms(&[&endpoint], &pairs, "endpoint must be a url with a host and perhaps a port and nothing else"),
        vec![
            case(
                &endpoint,
                "rule",
                json!(plain),
                json!(encrypted),
                "a plain http:// endpoint sends people's data",
            ),
            case(&insecure, "rule", json!("PlaintextData"), Value::Null, "insecure is for http:// endpoints"),
            case(&insecure, "rule", json!("PlaintextData"), Value::Null, "insecure is for http:// endpoints")
                .given("spec.provider.csv.from.s3.endpoint", json!(encrypted)),
        ],
        risks.map(|case| case.given("spec.provider.csv.from.s3.endpoint", json!(plain))).collect(),
    ]
    .concat()
}

fn files(origin: &str) -> Vec<Case> {
    let at = |field: &str| of(origin, &format!("files.{field}"));
    let tables = [at("users"), at("userGroups"), at("groups")];
    let paths: Vec<&str> = tables.iter().map(String::as_str).collect();
    let pairs = [("a/b.csv", "b.csv"), ("", "x")];
    let one_kind = "either all names of files have a * or none has";
    let own = "each table is a file of its own";
    [
        paths.iter().flat_map(|path| lengths(path, 1, 255, letters)).collect(),
        forms(&paths, &pairs[..1], "this must be the name of a file with at most one *"),
        forms(
            &paths[..1],
            &[("*-*.csv", "*-users.csv")],
            "this must be the name of a file with at most one *",
        ),
        words(&at("ending"), &["LineEnd", "WholeRow"]),
        forms(&paths[1..], &[("*.csv", "memberships.csv")], one_kind),
        forms(&paths[1..], &[("users.csv", "teams.csv")], own),
    ]
    .concat()
}

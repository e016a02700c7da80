//! Alerts, runbooks and the dashboard: they ask for metrics that the operator has, and belong together.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::stage::{LIMIT, Stage, TWO, csv};
use crate::support::wait::eventually;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names of the series that an operator has once it has synced a Directory.
async fn series() -> BTreeSet<String> {
    let stage = Stage::new("series").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let scraped = stage.operator.metrics().await;
    let (_, body) = scraped.split_once("\r\n\r\n").expect("an answer of HTTP");
    let samples = body.lines().filter(|line| !line.starts_with('#'));
    let name = |line: &str| line.split(['{', ' ']).next().unwrap_or_default().to_owned();
    samples.map(name).filter(|name| asked_for(name).contains(name)).collect()
}

/// The words of an expression that can only be names of series.
fn asked_for(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = ["directory_sync_", "controller_runtime_", "workqueue_", "rest_client_"];
    words.filter(|word| ours.iter().any(|prefix| word.starts_with(prefix))).map(str::to_owned).collect()
}

/// The alerts with their expressions.
fn alerts() -> Vec<(String, String)> {
    let rules: Value = serde_saphyr::from_str(&read("charts/directory-sync/files/alerts.yaml")).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap().clone();
    let text = |rule: &Value, field: &str| rule[field].as_str().unwrap().to_owned();
    rules.iter().map(|rule| (text(rule, "alert"), text(rule, "expr"))).collect()
}

/// All expressions below a value of the dashboard.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| expressions(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn alerts_dashboard_and_documents_speak_of_the_series_that_the_operator_has() {
    let series = series().await;
    let mut asked: Vec<String> = alerts().into_iter().map(|(_, expression)| expression).collect();
    let dashboard: Value = serde_json::from_str(&read("charts/directory-sync/files/dashboard.json")).unwrap();
    expressions(&dashboard, &mut asked);
    assert!(asked.len() > 20, "{asked:?}");
    let operating = read("docs/operating.md");
    for name in &series {
        let name =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(operating.contains(&format!("| `{name}` |")), "docs/operating.md does not tell of {name}");
    }
    for expression in &asked {
        let names = asked_for(expression);
        assert!(!names.is_empty(), "{expression} asks for nothing of ours");
        let missing: Vec<_> = names.difference(&series).collect();
        assert!(missing.is_empty(), "{expression} asks for {missing:?}");
    }
}

/// How many requests of a method an operator says to have sent and had answered with a code.
async fn requests(stage: &Stage, method: &str, code: &str) -> usize {
    let scraped = stage.operator.metrics().await;
    let labels = format!("rest_client_requests_total{{code=\"{code}\",method=\"{method}\",host=\"");
    let line = scraped.lines().find(|line| line.starts_with(&labels));
    line.and_then(|line| line.rsplit_once(' ')).map_or(0, |(_, count)| count.parse().unwrap())
}

#[tokio::test]
async fn an_operator_counts_its_requests_as_the_audit_log_does() {
    // Alone: an operator that takes turns is ready before it creates its Lease.
    let stage = Stage::with("requests", &["--leader-elect=false"]).await;
    stage.people(TWO).await;
    let (creates, patches) = (requests(&stage, "POST", "201").await, requests(&stage, "PATCH", "200").await);
    let mark = stage.cluster.audit_mark();
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    eventually("both say the same", LIMIT, async || {
        let counted = (requests(&stage, "POST", "201").await, requests(&stage, "PATCH", "200").await);
        let asked = |verb, code| stage.asked(mark).verb(verb).filter(|event| event.code() == code).len();
        let audited = (asked("create", 201), asked("patch", 200));
        let counted = (counted.0 - creates, counted.1 - patches);
        if counted == audited && audited.0 >= 3 { Ok(()) } else { Err(format!("{counted:?}, {audited:?}")) }
    })
    .await;
    assert_eq!(requests(&stage, "POST", "500").await, 0);
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let alerts: BTreeSet<String> = alerts().into_iter().map(|(name, _)| name).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks");
    let pages: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "index")
        .collect();
    assert_eq!(alerts, pages);
    let index = read("docs/runbooks/index.md");
    for name in &alerts {
        assert!(index.contains(&format!("[{name}]({name}.md)")), "{name} is not in the index");
        assert!(read(&format!("docs/runbooks/{name}.md")).starts_with(&format!("# {name}\n")), "{name}");
    }
}

//! A large directory in slices: the first sync, one without a change, a hundred changes, and tables of a
//! million rows.

use std::fmt::Write as _;

use directory_sync::api::DirectorySlice;
use directory_sync::source::Pull;
use http::Request;
use kube::api::{Api, ListParams};
use serde_json::json;

use crate::one_change::since_answer;
use crate::reading;
use crate::row::{Bound, Row, number};
use crate::scale::{Scale, grouped, size};
use crate::second_sync::{judged, observe};
use crate::stage::Stage;
use crate::support::cluster::Cluster;
use crate::support::ldap::{Slapd, company};
use crate::support::sftp::{self, Sshd};
use crate::tables;
use crate::watching::Watching;

/// How many people are changed at a time.
const CHANGES: usize = 100;

/// All rows, one after the other on the same directory.
pub async fn rows(scale: &Scale) -> Vec<Row> {
    let slapd = Slapd::builder().company(scale.large.clone()).start();
    let settings = reading::settings(&slapd);
    let of = size(&scale.large);
    let stage = Stage::new().await;
    let process = stage.process();
    process.forget_peak();
    let (mark, cpu) = (Cluster::get().audit_mark(), process.cpu());
    let begun = stage.apply_as(&json!({"ldap": settings}), "2s", "Slices").await;
    let seconds = (stage.ready().await - begun).as_secs_f64();
    let (cpu, peak) = (process.cpu() - cpu, process.peak_megabytes());
    let slices = stage.requests_since(mark).writes().of("directoryslices").len();
    let bytes = payload_megabytes(&stage).await;
    let mut rows = vec![
        Row::new(format!("first sync in slices, {of}: until it is ready"), seconds, "s")
            .bound(limit(scale, 60.0)),
        Row::new(format!("first sync in slices, {of}: peak memory of the operator"), peak, "MB")
            .bound(limit(scale, 250.0)),
        Row::new(format!("first sync in slices, {of}: CPU of the operator"), cpu, "s"),
        Row::count(format!("first sync in slices, {of}: slices written"), slices, ""),
        Row::new(format!("first sync in slices, {of}: payloads"), bytes, "MB"),
    ];
    let full = reading::read(&settings, Pull::Full).await;
    stage.patch(json!({"sync": {"fullInterval": "1s"}})).await;
    let quiet = observe(&stage, "Full").await;
    rows.extend(judged(&format!("second sync in slices by a full reading, {of}"), &quiet, full.cpu));
    stage.patch(json!({"sync": {"fullInterval": "24h"}})).await;
    rows.extend(changed(scale, &slapd, &stage).await);
    stage.clear().await;
    drop(slapd);
    rows.extend(tables(scale).await);
    rows
}

/// Everybody of very large tables, for the first time.
async fn tables(scale: &Scale) -> Vec<Row> {
    let people = scale.table_people;
    let sshd = Sshd::start();
    tables::write(&sshd, people);
    let stage = Stage::new().await;
    stage.secret(sftp::SECRET, json!({"privateKey": sshd.private_key()})).await;
    let process = stage.process();
    process.forget_peak();
    let (before, cpu) = (etcd_megabytes().await, process.cpu());
    let provider = json!({"csv": {"from": {"sftp": sshd.from()}}});
    let begun = stage.apply_as(&provider, "24h", "Slices").await;
    let seconds = (stage.ready().await - begun).as_secs_f64();
    let (cpu, peak) = (process.cpu() - cpu, process.peak_megabytes());
    let of = format!("first sync in slices, {} rows of CSV and as many memberships", grouped(people));
    let rows = vec![
        Row::new(format!("{of}: until it is ready"), seconds, "s"),
        Row::new(format!("{of}: CPU of the operator"), cpu, "s"),
        Row::new(format!("{of}: peak memory of the operator"), peak, "MB").bound(Bound::Below(600.0)),
        Row::new(format!("{of}: payloads"), payload_megabytes(&stage).await, "MB"),
        Row::new(format!("{of}: growth of etcd's file"), etcd_megabytes().await - before, "MB"),
    ];
    stage.clear().await;
    rows
}

/// Changes a hundred people who are spread over all slices.
async fn changed(scale: &Scale, slapd: &Slapd, stage: &Stage) -> Vec<Row> {
    stage.next("Delta").await;
    let slices = Watching::start::<DirectorySlice>(&stage.namespace).await;
    let mark = Cluster::get().audit_mark();
    let step = scale.large.users / CHANGES;
    let mut ldif = String::new();
    for person in (0..CHANGES).map(|number| number * step) {
        let dn = company::user_dn(person);
        write!(ldif, "dn: {dn}\nchangetype: modify\nreplace: title\ntitle: Changed\n\n").unwrap();
    }
    slapd.modify(&ldif);
    // A sync may begin in the middle of the changes; the one after it has the rest.
    stage.next("Delta").await;
    stage.next("Delta").await;
    let writes = stage.requests_since(mark).writes().of("directoryslices");
    let manifests = writes.iter().filter(|event| event.object_ref.name.ends_with("-s-manifest")).count();
    let last = slices.arrival(writes.len()).await;
    let seconds = since_answer(slapd, last).as_secs_f64();
    let of = format!("{CHANGES} random changes among {}", grouped(scale.large.users));
    vec![
        Row::count(format!("{of}: slices written"), writes.len() - manifests, "")
            .bound(Bound::AtMost(number(CHANGES))),
        Row::count(format!("{of}: manifests written"), manifests, ""),
        Row::new(format!("{of}: from LDAP's answer to the last watch event"), seconds, "s")
            .bound(Bound::AtMost(2.0)),
    ]
}

/// A bound that holds for the large size alone.
fn limit(scale: &Scale, limit: f64) -> Option<Bound> {
    (!scale.quick).then_some(Bound::Below(limit))
}

async fn payload_megabytes(stage: &Stage) -> f64 {
    let slices = Api::<DirectorySlice>::namespaced(Cluster::get().client(), &stage.namespace);
    let mut which = ListParams::default().limit(500);
    let mut bytes = 0;
    loop {
        let page = slices.list(&which).await.unwrap();
        bytes += page.items.iter().map(|slice| slice.spec.payload.len()).sum::<usize>();
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => which.continue_token = Some(token),
            None => return number(bytes) / 1_000_000.0,
        }
    }
}

/// The size of etcd's file, as the apiserver tells it: with all that is kept of the last minutes.
async fn etcd_megabytes() -> f64 {
    let request = Request::get("/metrics").body(Vec::new()).unwrap();
    let metrics = Cluster::get().client().request_text(request).await.unwrap();
    let line = metrics.lines().find(|line| line.starts_with("apiserver_storage_size_bytes"));
    let bytes = line.and_then(|line| line.rsplit_once(' ')).expect("the apiserver tells the size").1;
    bytes.parse::<f64>().unwrap() / 1_000_000.0
}

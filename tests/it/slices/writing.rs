//! What is written into slices, and when.

use directory_sync::api::{ANNOTATION_CONTENT, ANNOTATION_SYNC_REQUESTED};
use directory_sync::slice::members::Chunk;
use directory_sync::slice::{Payload, Unfit, View, payload};
use hyper::Method;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::json;

use super::*;
use crate::support::proxy::holding::Holding;
use crate::support::proxy::{Asked, Proxy, Verdict};

/// Writes to slices since a mark: names of slices.
fn slice_writes(stage: &Stage, mark: crate::support::audit::AuditMark) -> Vec<String> {
    let writes = stage.written(mark).of("directoryslices");
    writes.iter().map(|event| event.object_ref.name.clone()).collect()
}

#[tokio::test]
async fn slices_hold_what_objects_would_entry_by_entry() {
    let stage = Stage::new("slices-same").await;
    stage.tables("people", &people(0..700), &members("admins", 0..10)).await;
    stage.directory("acme", mode("Objects")).await;
    stage.ready("acme", "True", "Synced").await;
    let objects = entries(&stage, "acme").await;
    assert_eq!(objects.len(), 701);
    assert_eq!(stage.status("acme").await.form, Some(directory_sync::api::directory::Form::Objects));
    stage
        .patch::<directory_sync::api::Directory>("acme", json!({"spec": {"output": {"mode": "Slices"}}}))
        .await;
    has_form(&stage, "acme", "Slices").await;
    // The status of the change itself may be still to come, and that of another sync comes after it.
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(entries(&stage, "acme").await, objects);
    // 700 people in slices of at most 150: it was split.
    let slices = slices(&stage, "acme").await;
    assert!(slices.keys().filter(|name| name.starts_with("acme-s-u-")).count() >= 5, "{slices:?}");
    assert_eq!(stage.status("acme").await.form, Some(directory_sync::api::directory::Form::Slices));
}

#[tokio::test]
async fn one_change_rewrites_one_slice_and_no_change_writes_nothing() {
    let stage = stage_with("slices-one", 400, "Slices").await;
    let before = slices(&stage, "acme").await;
    let mark = Cluster::get().audit_mark();
    let table = people(0..400).replace("Lovelace 7,", "King,");
    stage.rewrite("people", json!({"users.csv": table})).await;
    stage.sync("acme").await;
    let after = slices(&stage, "acme").await;
    let changed: Vec<&String> = after.keys().filter(|name| before.get(*name) != after.get(*name)).collect();
    assert_eq!(changed.len(), 2, "a slice and the manifest: {changed:?}");
    assert_eq!(slice_writes(&stage, mark).len(), 2);
    let everybody = entries(&stage, "acme").await;
    assert_eq!(everybody.values().filter(|spec| spec["name"]["family"] == "King").count(), 1);

    let mark = Cluster::get().audit_mark();
    stage.full_sync("acme").await;
    assert_eq!(slice_writes(&stage, mark), [""; 0]);
}

#[tokio::test]
async fn f37_a_bucket_that_becomes_too_large_is_split_and_one_that_becomes_small_is_merged() {
    let stage = stage_with("slices-split", 100, "Slices").await;
    let names = async || slices(&stage, "acme").await.into_keys().collect::<Vec<_>>();
    assert_eq!(names().await, ["acme-s-g", "acme-s-manifest", "acme-s-u"]);
    stage.rewrite("people", json!({"users.csv": people(0..250)})).await;
    stage.sync("acme").await;
    assert_eq!(names().await, ["acme-s-g", "acme-s-manifest", "acme-s-u-0", "acme-s-u-1"]);
    assert_eq!(entries(&stage, "acme").await.len(), 251);

    let all = json!({"deletion": {"guard": {"percent": 100, "maximum": 1000}}});
    stage.respecify("acme", all).await;
    stage.rewrite("people", json!({"users.csv": people(0..20)})).await;
    stage.sync("acme").await;
    assert_eq!(names().await, ["acme-s-g", "acme-s-manifest", "acme-s-u"]);
    assert_eq!(entries(&stage, "acme").await.len(), 21);
}

#[tokio::test]
async fn slices_that_others_edit_or_delete_are_mended() {
    let stage = stage_with("slices-drift", 250, "Slices").await;
    let expected = entries(&stage, "acme").await;
    let api: Api<DirectorySlice> = stage.api();
    let mended = async || {
        eventually("the slices are mended", LIMIT, async || {
            let client = Cluster::get().client();
            let place = Place { client: &client, namespace: &stage.namespace, directory: "acme" };
            match place.view().await {
                Ok(Some(_)) if entries(&stage, "acme").await == expected => Ok(()),
                other => Err(format!("{}\n{}", other.is_ok(), stage.operator.log())),
            }
        })
        .await;
    };
    let nonsense = Patch::Merge(json!({"spec": {"payload": "nonsense"}}));
    api.patch("acme-s-u-0", &PatchParams::default(), &nonsense).await.unwrap();
    mended().await;
    api.delete("acme-s-u-1", &DeleteParams::default()).await.unwrap();
    eventually("the slice is back", LIMIT, async || {
        if slices(&stage, "acme").await.contains_key("acme-s-u-1") {
            Ok(())
        } else {
            Err(stage.operator.log())
        }
    })
    .await;
    mended().await;
    api.patch("acme-s-manifest", &PatchParams::default(), &nonsense).await.unwrap();
    mended().await;
    api.delete("acme-s-manifest", &DeleteParams::default()).await.unwrap();
    eventually("the manifest is back", LIMIT, async || {
        if slices(&stage, "acme").await.contains_key("acme-s-manifest") {
            Ok(())
        } else {
            Err(stage.operator.log())
        }
    })
    .await;
    mended().await;
    assert_eq!(stage.mirrors("acme").await.len(), 0);
}

#[tokio::test]
async fn slices_that_lost_their_label_or_annotations_are_taken_back_with_those_who_wait_in_them() {
    let mut stage = stage_with("slices-label", 200, "Slices").await;
    stage.respecify("acme", json!({"deletion": {"graceTime": "24h"}})).await;
    stage.rewrite("people", json!({"users.csv": people(0..198)})).await;
    stage.sync("acme").await;
    assert_eq!(stage.status("acme").await.missing.unwrap().users, 2);
    let expected = entries(&stage, "acme").await;
    assert_eq!(expected.len(), 201);
    let names: Vec<String> = slices(&stage, "acme").await.into_keys().collect();
    assert_eq!(names, ["acme-s-g", "acme-s-manifest", "acme-s-u-0", "acme-s-u-1"]);
    let are_ours = async |stage: &Stage| {
        eventually("all slices are ours again", LIMIT, async || {
            let all = stage.api::<DirectorySlice>().list(&ListParams::default()).await.unwrap().items;
            let ours = all.iter().filter(|slice| {
                let (labels, annotations) = (slice.labels().len(), slice.annotations().len());
                labels == 1 && annotations == 2
            });
            if ours.count() == 4 { Ok(()) } else { Err(stage.operator.log()) }
        })
        .await;
        stage.sync("acme").await;
        stage.ready("acme", "True", "Synced").await;
        assert_eq!(entries(stage, "acme").await, expected);
    };
    let take_away = async |stage: &Stage, names: &[String], map: &str| {
        for name in names {
            stage.patch::<DirectorySlice>(name, json!({"metadata": {map: null}})).await;
        }
    };
    for (names, map) in [(&names[2..], "labels"), (&names[..2], "annotations"), (&names[1..2], "labels")] {
        take_away(&stage, names, map).await;
        are_ours(&stage).await;
    }
    stage.operator.stop();
    take_away(&stage, &names[1..], "labels").await;
    stage.operator.restart().await;
    stage.sync("acme").await;
    are_ours(&stage).await;
}

#[tokio::test]
async fn a_write_of_a_slice_whose_answer_is_lost_leaves_no_torn_view() {
    let proxy = Proxy::start(Cluster::get()).await;
    let stage = stage_of(behind(&proxy, "slices-answer").await, 100, "Slices").await;
    let lost = std::sync::atomic::AtomicBool::new(false);
    proxy.decide(move |asked| {
        let first = asked.is_write()
            && asked.path.ends_with("/acme-s-u")
            && !lost.swap(true, std::sync::atomic::Ordering::SeqCst);
        if first { Verdict::Swallow(Box::new(|| {})) } else { Verdict::Pass }
    });
    stage.rewrite("people", json!({"users.csv": people(0..101)})).await;
    stage.sync("acme").await;
    eventually("the view is whole", LIMIT, async || {
        let all = stage.api::<DirectorySlice>().list(&ListParams::default()).await.unwrap().items;
        let payloads = all.into_iter().map(|slice| (slice.name_any(), slice.spec.payload));
        View::of("acme", payloads).map(drop).map_err(|error| format!("{error}\n{}", stage.operator.log()))
    })
    .await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(entries(&stage, "acme").await.len(), 102);
}

#[tokio::test]
async fn nobody_is_missing_in_a_view_although_a_slice_goes_while_it_is_written_anew() {
    let proxy = Proxy::start(Cluster::get()).await;
    let stage = stage_of(behind(&proxy, "slices-goes").await, 100, "Slices").await;
    let is_read = |asked: &Asked| asked.method == Method::GET && asked.path.ends_with("/acme-s-u");
    let held = Holding::start(&proxy, is_read);
    let table = people(0..100).replace("Lovelace 7,", "King,");
    stage.rewrite("people", json!({"users.csv": table})).await;
    let request = json!({"metadata": {"annotations": {ANNOTATION_SYNC_REQUESTED: "now"}}});
    stage.patch::<directory_sync::api::Directory>("acme", request).await;
    held.until(1).await;
    stage.api::<DirectorySlice>().delete("acme-s-u", &DeleteParams::default()).await.unwrap();
    held.let_go();
    eventually("all are in a view, and changed", LIMIT, async || {
        let all = stage.api::<DirectorySlice>().list(&ListParams::default()).await.unwrap().items;
        let payloads = all.into_iter().map(|slice| (slice.name_any(), slice.spec.payload));
        let view = View::of("acme", payloads).map_err(|error| error.to_string())?;
        let mut names = Vec::new();
        let visited = view.visit::<Unfit>(Kind::User, |mirrored| {
            names.push(mirrored.spec["name"]["family"].clone());
            Ok(())
        });
        visited.unwrap();
        assert_eq!(names.len(), 100);
        if names.contains(&json!("King")) { Ok(()) } else { Err(stage.operator.log()) }
    })
    .await;
    stage.ready("acme", "True", "Synced").await;
}

#[tokio::test]
async fn edits_made_while_the_operator_was_stopped_are_mended_and_nobody_is_lost() {
    let mut stage = stage_with("slices-stopped", 250, "Slices").await;
    let expected = entries(&stage, "acme").await;
    stage.operator.stop();
    let api: Api<DirectorySlice> = stage.api();
    let nonsense = Patch::Merge(json!({"spec": {"payload": "nonsense"}}));
    api.patch("acme-s-u-0", &PatchParams::default(), &nonsense).await.unwrap();
    api.delete("acme-s-manifest", &DeleteParams::default()).await.unwrap();
    stage.operator.restart().await;
    stage.full_sync("acme").await;
    has_form(&stage, "acme", "Slices").await;
    assert_eq!(entries(&stage, "acme").await, expected);
}

#[tokio::test]
async fn a_slice_that_was_edited_while_the_operator_was_stopped_is_mended_at_its_start() {
    let mut stage = Stage::new("slices-edited").await;
    stage.tables("people", &people(0..20), &members("admins", 0..10)).await;
    stage.directory("acme", with(mode("Slices"), &json!({"sync": {"interval": "168h"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let payload =
        async |stage: &Stage| stage.api::<DirectorySlice>().get("acme-s-u").await.unwrap().spec.payload;
    let before = payload(&stage).await;
    stage.operator.stop();
    stage.patch::<DirectorySlice>("acme-s-u", json!({"spec": {"payload": "nonsense"}})).await;
    stage.operator.restart().await;
    eventually("the slice is as it was", LIMIT, async || {
        if payload(&stage).await == before { Ok(()) } else { Err(stage.operator.log()) }
    })
    .await;
}

#[tokio::test]
async fn a_group_of_five_thousand_is_whole_and_one_who_joins_changes_few_slices() {
    let stage = Stage::new("slices-group").await;
    stage.tables("people", &people(0..5_001), &members("everybody", 0..5_000)).await;
    stage.directory("acme", mode("Slices")).await;
    stage.ready("acme", "True", "Synced").await;
    let group = async || {
        let all = entries(&stage, "acme").await;
        all.into_values().find(|spec| spec["displayName"] == "everybody").unwrap()
    };
    let before = group().await;
    assert_eq!(before["memberCount"], 5_000);
    assert_eq!(before["members"]["users"].as_array().unwrap().len(), 5_000);
    let slices_before = slices(&stage, "acme").await;

    stage.rewrite("people", json!({"user_groups.csv": members("everybody", 0..5_001)})).await;
    stage.sync("acme").await;
    assert_eq!(group().await["members"]["users"].as_array().unwrap().len(), 5_001);
    let slices_after = slices(&stage, "acme").await;
    let changed: Vec<&String> = slices_after
        .iter()
        .filter(|(name, version)| slices_before.get(*name) != Some(*version))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(changed.len(), 3, "the group, a part of its members, and the manifest: {changed:?}");

    // It shrinks to what fits into one line, and nothing of its parts is left.
    stage.respecify("acme", json!({"deletion": {"guard": {"approvedPlan": ""}}})).await;
    stage.rewrite("people", json!({"user_groups.csv": members("everybody", 0..4_000)})).await;
    stage.sync("acme").await;
    assert_eq!(group().await["memberCount"], 4_000);
}

#[tokio::test]
async fn a_group_of_which_a_crash_left_the_members_written_and_not_itself_becomes_whole() {
    let mut stage = Stage::new("slices-halves").await;
    stage.tables("people", &people(0..1_200), &members("staff", 0..1_100)).await;
    stage.directory("acme", mode("Slices")).await;
    stage.ready("acme", "True", "Synced").await;
    let expected = entries(&stage, "acme").await;
    stage.operator.stop();
    // As it is when the source then says again what it said before the crash.
    let slice = stage.api::<DirectorySlice>().get("acme-s-m").await.unwrap();
    let text = payload::read(&slice.spec.payload).unwrap();
    let mut chunks: Vec<Chunk> =
        payload::lines(&text).map(|line| serde_json::from_slice(line).unwrap()).collect();
    chunks[0].members.users.pop().unwrap();
    let lines: Vec<Vec<u8>> = chunks.iter().map(|chunk| serde_json::to_vec(chunk).unwrap()).collect();
    let Payload { text, hash } = Payload::write(lines.iter().map(Vec::as_slice)).unwrap();
    let written = format!("{hash}.{}", slice.metadata.generation.unwrap() + 1);
    let patch = json!({
        "metadata": {"annotations": {ANNOTATION_CONTENT: written}},
        "spec": {"payload": text, "hash": hash.to_string()},
    });
    stage.patch::<DirectorySlice>("acme-s-m", patch).await;
    stage.operator.restart().await;
    stage.full_sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(entries(&stage, "acme").await, expected);
}

#[tokio::test]
async fn slices_stay_when_the_directory_goes_and_go_with_it_when_that_is_asked_for() {
    let stage = stage_with("slices-gone", 200, "Slices").await;
    let before = slices(&stage, "acme").await;
    let directories = stage.api::<directory_sync::api::Directory>();
    directories.delete("acme", &DeleteParams::default()).await.unwrap();
    stage.directory("acme", mode("Slices")).await;
    stage.ready("acme", "True", "Synced").await;
    let adopted = slices(&stage, "acme").await;
    assert_eq!(adopted.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    let uid = directories.get("acme").await.unwrap().metadata.uid.unwrap();
    for slice in stage.api::<DirectorySlice>().list(&ListParams::default()).await.unwrap() {
        assert_eq!(slice.annotations()["directory-sync.io/directory-uid"], uid, "{}", slice.name_any());
        assert_eq!(slice.metadata.generation, Some(1), "the payload is what it was");
    }

    stage.respecify("acme", json!({"deletion": {"onDirectoryDelete": "Delete"}})).await;
    stage.sync("acme").await;
    directories.delete("acme", &DeleteParams::default()).await.unwrap();
    eventually("the slices are gone", LIMIT, async || {
        let left = slices(&stage, "acme").await;
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

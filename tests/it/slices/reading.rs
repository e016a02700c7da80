//! What a reader sees while slices are written.

use directory_sync::slice::{Unfit, View};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_torn_view_is_noticed_and_read_again() {
    let mut stage = stage_with("slices-torn", 250, "Slices").await;
    let expected = entries(&stage, "acme").await;
    stage.operator.stop();
    let api = stage.api::<DirectorySlice>();
    let payloads = async || {
        let all = api.list(&ListParams::default()).await.unwrap().items;
        all.into_iter().map(|slice| (slice.name_any(), slice.spec.payload)).collect::<Vec<_>>()
    };
    // As a crash between a slice and the manifest leaves it.
    let other = api.get("acme-s-u-1").await.unwrap().spec.payload;
    let patch = Patch::Merge(json!({"spec": {"payload": other}}));
    let right = api.get("acme-s-u-0").await.unwrap().spec.payload;
    api.patch("acme-s-u-0", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(View::of("acme", payloads().await).unwrap_err(), Unfit::Torn("acme-s-u-0".into()));

    // A reader that finds it so waits until it is whole.
    let reader = entries(&stage, "acme");
    let writer = async {
        let patch = Patch::Merge(json!({"spec": {"payload": right}}));
        api.patch("acme-s-u-0", &PatchParams::default(), &patch).await.unwrap();
    };
    let (read, ()) = tokio::join!(reader, writer);
    assert_eq!(read, expected);
}

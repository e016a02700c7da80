//! One broken Directory delays no other.

use crate::support::neighbours::Neighbours;

/// As many may be worked on at a time as there are that hang, so each that kept its turn would be felt.
#[tokio::test]
async fn directories_that_hang_refuse_or_trickle_delay_none_of_the_others() {
    let arguments = ["--max-concurrent-syncs=2"];
    let mut neighbours = Neighbours::bad("neighbours", &arguments, 4).await;
    neighbours.add_good(36).await;
    neighbours.good_are_synced(3).await;
    let runs = neighbours.runs().await;
    assert_eq!(neighbours.hanging.len(), 2);
    for name in &neighbours.hanging {
        assert_eq!(runs.get(name), None, "{name} was not over: {runs:?}");
    }
    let active =
        neighbours.stage.operator.metric("controller_runtime_active_workers{controller=\"directory\"}");
    assert!(active.await.unwrap().parse::<usize>().unwrap() <= 2);
}

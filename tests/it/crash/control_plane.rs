//! The apiserver and etcd die in the middle of a sync, and come back.

use super::*;
use crate::support::cluster::OwnCluster;

/// The write at which it happens: some mirrors are written, others are not.
const MIDDLE: usize = 4;

/// Kills a component of the control plane in the middle of a sync, and compares.
async fn dies(cluster: &'static Cluster, component: &str, expected: &Undisturbed) {
    let proxy = Proxy::start(cluster).await;
    let scenario = Scenario::start(cluster, "dies", &proxy).await;
    let (process, mark) = (cluster.process(component), cluster.audit_mark());
    let writes = count_writes(&proxy, move |number| {
        if number == MIDDLE {
            kill(process);
        }
        Verdict::Pass
    });
    scenario.change().await;
    eventually("the sync goes on", LIMIT, async || {
        let count = writes.load(Ordering::SeqCst);
        if count > MIDDLE { Ok(()) } else { Err(format!("{count} writes")) }
    })
    .await;
    scenario.settles_as(&expected.state).await;
    let written = scenario.written(mark);
    // The log may lack the line of what was done while it died, and what got no answer is done again.
    let too_much = written.iter().find(|(write, times)| match expected.mirrors.get(*write) {
        Some(needed) => **times > needed + 1,
        None => true,
    });
    assert_eq!(too_much, None, "{written:?}");
}

#[tokio::test]
async fn f42_a_sync_in_which_the_apiserver_and_etcd_die_comes_to_the_same_once_they_are_back() {
    let own = OwnCluster::start();
    let expected = undisturbed(own.get()).await;
    dies(own.get(), "kube-apiserver", &expected).await;
    dies(own.get(), "etcd", &expected).await;
}

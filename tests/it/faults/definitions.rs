//! A cluster without the definitions of the kinds.

use super::*;
use crate::support::cluster::OwnCluster;
use crate::support::definitions;
use crate::support::stage::{TWO, csv};

#[tokio::test]
async fn f38_without_the_definitions_the_operator_says_so_and_goes_on_when_they_are_there() {
    let own = OwnCluster::start();
    let cluster = own.get();
    let namespace = cluster.namespace("undefined").await;
    let operator = Operator::setup(cluster, &namespace).arguments(ALONE).launch().await;
    let mut stage = Stage { cluster, namespace, operator };
    F38.case("a definition is missing").is_seen(&stage, "acme").await;
    definitions::install(cluster).await;
    stage.operator.wait_until_ready().await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    assert!(stage.operator.ended().is_none(), "it is still the same process");
}

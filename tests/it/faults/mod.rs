//! The faults that a Directory has to survive, each by a number of its own: what becomes of it, what a
//! person sees, how one recovers, and the tests that prove it.
//!
//! A test that proves a row has its number in its name, `f20_…`, wherever it stands, and asserts what the
//! row says that a person sees by the row itself ([`fault::Fault::is_seen`], [`fault::Fault::case`]).
//! docs/faults.md is made of the rows.

mod apiserver;
mod changes;
mod definitions;
mod document;
pub mod fault;
mod listings;
pub mod matrix;
mod namespace;
mod reaching;
mod restore;
mod storage;
mod watches;

use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::proxy::Proxy;
use crate::support::stage::Stage;

pub use matrix::*;

/// A namespace with an operator behind a proxy. It is alone, so that no Lease stands in for what a test is
/// about.
async fn behind(prefix: &str, proxy: &Proxy) -> Stage {
    let cluster = Cluster::get();
    let namespace = cluster.namespace(prefix).await;
    let operator = Operator::setup(cluster, &namespace).arguments(ALONE).through(proxy).start().await;
    Stage { cluster, namespace, operator }
}

/// Arguments of an operator without others, which may connect to this machine.
const ALONE: &[&str] = &["--leader-elect=false", "--allow-address=127.0.0.0/8,::1/128"];

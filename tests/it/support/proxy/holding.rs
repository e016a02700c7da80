//! Requests that the network has: they have left their sender, and arrive when a test lets them go.

use tokio::sync::watch;

use super::{Asked, Proxy, Verdict};
use crate::support::stage::LIMIT;

/// Holds requests of an operator, and counts those that have come.
pub struct Holding {
    come: watch::Receiver<usize>,
    go: watch::Sender<bool>,
}

impl Holding {
    /// Holds these from now on.
    pub fn start(proxy: &Proxy, which: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Self {
        let (count, come) = watch::channel(0);
        let (go, held) = watch::channel(false);
        proxy.decide(move |asked| {
            if which(asked) {
                count.send_modify(|count| *count += 1);
                Verdict::Hold(held.clone())
            } else {
                Verdict::Pass
            }
        });
        Self { come, go }
    }

    /// Waits until so many have come.
    pub async fn until(&self, count: usize) {
        let mut come = self.come.clone();
        let waited = tokio::time::timeout(LIMIT, come.wait_for(|come| *come >= count)).await;
        waited.expect("the requests come in time").expect("the proxy is there");
    }

    /// Lets them arrive, and all that follow.
    pub fn let_go(&self) {
        self.go.send_replace(true);
    }
}

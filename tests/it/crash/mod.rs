//! An operator that dies, or loses the answer, at each single write of a sync: what comes of it is what
//! would have come of it anyway, with no write more than that needs.

mod control_plane;
mod day;
mod forms;
mod scenario;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{FutureExt, StreamExt, stream};

use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::proxy::{Proxy, Verdict};
use crate::support::wait::eventually;
use scenario::{LIMIT, Scenario, State, Write};

/// How many points are tried at a time.
const AT_A_TIME: usize = 4;

/// How often no write may have come since the look before, until an operator is taken to be done.
const STILL: usize = 100;

/// What happens at a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    /// The operator is killed, and the apiserver never sees the write.
    KilledBefore,
    /// The apiserver does it, and the operator is killed before it has the answer.
    KilledAfter,
    /// The apiserver never sees it; the operator lives.
    Lost,
    /// The apiserver does it; the answer is lost, and the operator lives.
    AnswerLost,
    /// The apiserver has too much to do, and says so.
    Throttled,
}

impl Mishap {
    const ALL: [Self; 5] =
        [Self::KilledBefore, Self::KilledAfter, Self::Lost, Self::AnswerLost, Self::Throttled];

    const fn kills(self) -> bool {
        matches!(self, Self::KilledBefore | Self::KilledAfter)
    }

    fn verdict(self, operator: u32) -> Verdict {
        match self {
            Self::KilledBefore => {
                kill(operator);
                Verdict::Drop
            }
            Self::KilledAfter => Verdict::Swallow(Box::new(move || kill(operator))),
            Self::Lost => Verdict::Drop,
            Self::AnswerLost => Verdict::Swallow(Box::new(|| {})),
            Self::Throttled => Verdict::refusal(429, "TooManyRequests"),
        }
    }
}

/// SIGKILL, by the process's own id.
fn kill(process: u32) {
    let killed = Command::new("kill").args(["-KILL", &process.to_string()]).status();
    assert!(killed.unwrap().success(), "the operator was there");
}

/// What a sync without a mishap comes to.
struct Undisturbed {
    state: State,
    mirrors: BTreeMap<Write, usize>,
    /// All its writes: mirrors, checkpoint, status.
    writes: usize,
}

async fn undisturbed(cluster: &'static Cluster) -> Undisturbed {
    let proxy = Proxy::start(cluster).await;
    let scenario = Scenario::start(cluster, "undisturbed", &proxy).await;
    let writes = count_writes(&proxy, |_| Verdict::Pass);
    let mark = cluster.audit_mark();
    scenario.change().await;
    let state = scenario.settled().await;
    Undisturbed { state, mirrors: scenario.written(mark), writes: writes.load(Ordering::SeqCst) }
}

/// Decides about writes by their number, from 1.
fn count_writes(
    proxy: &Proxy,
    verdict: impl Fn(usize) -> Verdict + Send + Sync + 'static,
) -> Arc<AtomicUsize> {
    let counter = Arc::new(AtomicUsize::new(0));
    let counted = counter.clone();
    proxy.one_write_at_a_time();
    proxy.decide(move |asked| {
        if asked.is_write() { verdict(counted.fetch_add(1, Ordering::SeqCst) + 1) } else { Verdict::Pass }
    });
    counter
}

/// A mishap that is to happen.
struct Arranged<'a> {
    proxy: &'a Proxy,
    mishap: Mishap,
    /// The number of the write.
    at: usize,
    /// How many writes there were so far.
    writes: Arc<AtomicUsize>,
}

/// Has the mishap happen at the write of this number.
fn arrange<'a>(proxy: &'a Proxy, operator: &Operator, mishap: Mishap, at: usize) -> Arranged<'a> {
    let process = operator.id();
    let writes = count_writes(proxy, move |number| {
        if number == at {
            mishap.verdict(process)
        } else if number > at && mishap.kills() {
            // What the dead had on its way is lost with it.
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    Arranged { proxy, mishap, at, writes }
}

impl Arranged<'_> {
    /// Starts the operator again once the mishap has killed it. A run that takes longer shows its progress, so
    /// another may come to its end with a write less; then there is nothing to survive.
    async fn survive(self, operator: &mut Operator) {
        let Self { proxy, mishap, at, writes } = self;
        if !mishap.kills() {
            return;
        }
        let mut still = (0, 0);
        eventually("the operator is dead, or has nothing more to write", LIMIT, async || {
            let count = writes.load(Ordering::SeqCst);
            still = if still.0 == count { (count, still.1 + 1) } else { (count, 0) };
            let over = (1..at).contains(&count) && still.1 >= STILL;
            if over || operator.ended().is_some() { Ok(()) } else { Err(format!("it lives, {count} writes")) }
        })
        .await;
        proxy.decide(|_| Verdict::Pass);
        if operator.ended().is_some() {
            operator.restart().await;
        }
    }
}

/// Has each of these mishaps happen at each of so many writes of `what`, and tells of all that diverged.
async fn at_every_write(what: &str, writes: usize, mishaps: &[Mishap], happens: impl AsyncFn(Mishap, usize)) {
    let points: Vec<_> =
        (1..=writes).flat_map(|at| mishaps.iter().map(move |mishap| (*mishap, at))).collect();
    let count = points.len();
    let failed: Vec<String> = stream::iter(points)
        .map(async |(mishap, at)| {
            let outcome = AssertUnwindSafe(happens(mishap, at)).catch_unwind().await;
            outcome.err().map(|_| format!("{mishap:?} at write {at}"))
        })
        .buffer_unordered(AT_A_TIME)
        .filter_map(std::future::ready)
        .collect()
        .await;
    eprintln!("{what}: {count} points at {writes} writes tried, {} diverged", failed.len());
    assert!(failed.is_empty(), "{failed:?}");
}

/// Lets the mishap happen at the write of this number, and compares.
async fn happens(mishap: Mishap, at: usize, expected: &Undisturbed) {
    let proxy = Proxy::start(Cluster::get()).await;
    let mut scenario = Scenario::start(Cluster::get(), "crash", &proxy).await;
    let mark = Cluster::get().audit_mark();
    let arranged = arrange(&proxy, &scenario.stage.operator, mishap, at);
    scenario.change().await;
    arranged.survive(&mut scenario.stage.operator).await;
    scenario.settles_as(&expected.state).await;
    let written = scenario.written(mark);
    assert_eq!(written, expected.mirrors, "each mirror is written once, and no other");
}

#[tokio::test]
async fn f42_whatever_goes_wrong_at_a_write_each_mirror_is_written_once_and_all_comes_to_the_same() {
    let expected = undisturbed(Cluster::get()).await;
    assert!(expected.mirrors.len() >= 10, "{:?}", expected.mirrors);
    let happens = async |mishap, at| happens(mishap, at, &expected).await;
    at_every_write("a sync", expected.writes, &Mishap::ALL, happens).await;
}

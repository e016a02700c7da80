//! Watches that begin anew when the apiserver does not remember far enough back, however it says so.

use std::fmt::Debug;

use futures::stream::{self, BoxStream, StreamExt};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

type Events<K> = BoxStream<'static, Result<Event<K>, watcher::Error>>;

/// What becomes of objects, from a first list on, for ever; after a failure it goes on with growing delays.
///
/// A watch that has been away for too long is told so (410), and everything has to be listed again. The
/// apiserver says it within the watch, and that `kube`'s watcher does by itself. Refused by a status of
/// HTTP, as what stands between may do, it would ask for the same version for ever.
#[must_use]
pub fn watching<K>(api: Api<K>, config: watcher::Config) -> Events<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let begin = move || watch(api.clone(), config.clone()).boxed();
    again_when_gone(begin).default_backoff().boxed()
}

/// The events of one watch, and of another one that begins where a status of HTTP says that it is gone.
fn again_when_gone<K: 'static>(begin: impl Fn() -> Events<K> + Send + 'static) -> Events<K> {
    let first = begin();
    stream::unfold((first, begin), async |(mut events, begin)| {
        let event = events.next().await?;
        if event.as_ref().is_err_and(is_gone) {
            events = begin();
        }
        Some((event, (events, begin)))
    })
    .boxed()
}

fn is_gone(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::executor::block_on;
    use kube::core::Status;

    use super::*;

    fn refused(code: u16) -> watcher::Error {
        let status = Status { code, ..Status::default() };
        watcher::Error::WatchStartFailed(kube::Error::Api(status.boxed()))
    }

    /// How often a watch begins that meets these refusals before it ends.
    fn beginnings(codes: &'static [u16]) -> usize {
        let (begun, left) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, next) = (begun.clone(), left);
        let events = again_when_gone::<()>(move || {
            count.fetch_add(1, Ordering::Relaxed);
            let next = next.clone();
            let refusals =
                std::iter::from_fn(move || codes.get(next.fetch_add(1, Ordering::Relaxed)).copied());
            stream::iter(refusals.map(|code| Err(refused(code)))).boxed()
        });
        assert_eq!(block_on(events.count()), codes.len(), "each refusal is told");
        begun.load(Ordering::Relaxed)
    }

    #[test]
    fn a_watch_begins_anew_when_it_is_gone_and_not_for_other_failures() {
        assert_eq!(beginnings(&[500, 403]), 1);
        assert_eq!(beginnings(&[410, 500, 410]), 3);
    }
}

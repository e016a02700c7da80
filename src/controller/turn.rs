//! A sync's turn to work: as many syncs have one at a time as the operator may work on. While a source
//! lets a sync wait, the turn is somebody else's, so that a directory that hangs delays no other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Context;
use crate::server::metrics::{Counted, Metrics, Work};
use crate::source::{Cursor, Page, Pull, Reach, Source, SourceError};

/// How long a sync keeps its turn while its source says nothing: longer than a source that is near
/// takes for a page.
const PATIENCE: Duration = Duration::from_millis(250);

/// A turn, until it is dropped.
pub struct Turn {
    permits: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    held: Mutex<Option<Held>>,
    _work: Work,
}

/// What is given back together.
struct Held {
    _permit: Option<OwnedSemaphorePermit>,
    _active: Counted,
}

impl Turn {
    /// Waits for a turn.
    pub async fn take(context: &Context) -> Self {
        let (permits, metrics) = (context.permits.clone(), context.metrics.clone());
        metrics.asks();
        let held = wait(&permits, &metrics).await;
        let work = metrics.begins();
        Self { permits, metrics, held: Mutex::new(Some(held)), _work: work }
    }

    /// A source during whose silences others have the turn.
    #[must_use]
    pub fn patient(&self, source: Box<dyn Source>) -> Patient<'_> {
        Patient { source, turn: self }
    }

    /// Waits for the next of a stream. If it does not come soon, others have the turn until it does.
    async fn next<T>(&self, stream: &mut (impl Stream<Item = T> + Unpin)) -> Option<T> {
        let mut next = stream.next();
        if let Ok(item) = tokio::time::timeout(PATIENCE, &mut next).await {
            return item;
        }
        self.keep(None);
        let item = next.await;
        self.resume().await;
        item
    }

    async fn resume(&self) {
        self.keep(Some(wait(&self.permits, &self.metrics).await));
    }

    fn keep(&self, held: Option<Held>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

async fn wait(permits: &Arc<Semaphore>, metrics: &Metrics) -> Held {
    let waiting = metrics.waiting();
    // It is never closed.
    let permit = permits.clone().acquire_owned().await.ok();
    drop(waiting);
    Held { _permit: permit, _active: metrics.active() }
}

/// A source during whose silences others have the turn.
pub struct Patient<'a> {
    source: Box<dyn Source>,
    turn: &'a Turn,
}

impl Source for Patient<'_> {
    fn pull(&mut self, request: Pull) -> BoxStream<'_, Result<Page, SourceError>> {
        let (turn, pages) = (self.turn, self.source.pull(request));
        stream::unfold(pages, move |mut pages| async move { Some((turn.next(&mut pages).await?, pages)) })
            .boxed()
    }

    fn hides_renames(&self, since: &Cursor) -> Option<Reach> {
        self.source.hides_renames(since)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn turn(permits: &Arc<Semaphore>) -> Turn {
        let metrics = Arc::<Metrics>::default();
        let work = metrics.begins();
        Turn { permits: permits.clone(), metrics, held: Mutex::default(), _work: work }
    }

    #[tokio::test]
    async fn whoever_waits_for_a_source_lets_others_work_and_goes_on_when_they_are_done() {
        let permits = Arc::new(Semaphore::new(1));
        let (slow, quick) = (turn(&permits), turn(&permits));
        slow.resume().await;
        let (answer, answered) = tokio::sync::oneshot::channel::<u8>();
        let mut pages = stream::once(answered).boxed();
        let mut next = Box::pin(slow.next(&mut pages));
        tokio::select! {
            page = &mut next => panic!("{page:?}"),
            () = quick.resume() => {}
        }
        answer.send(7).unwrap();
        assert!((&mut next).now_or_never().is_none(), "the other one works");
        drop(quick);
        assert_eq!(next.await, Some(Ok(7)));
        assert_eq!(permits.available_permits(), 0);
        drop(slow);
        assert_eq!(permits.available_permits(), 1);
    }
}

//! Turns a course of work that hands out pages into a stream of them.

use std::pin::Pin;
use std::task::Poll;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;

use crate::source::{End, Page, SourceError};

/// Where work hands out its pages.
#[derive(Clone, Debug)]
pub struct Pages(mpsc::Sender<Page>);

impl Pages {
    /// Hands out a page, and waits while the one before it has not been taken.
    pub async fn send(&self, page: Page) {
        // The receiver lives as long as the work: both are parts of one stream.
        let _ = self.0.send(page).await;
    }
}

/// The stream of all pages of `work`, then of its end. The work goes on only while the stream is
/// read, and ends, with all that it holds, when the stream is dropped.
pub fn stream<'a, F>(work: impl FnOnce(Pages) -> F) -> BoxStream<'a, Result<Page, SourceError>>
where
    F: Future<Output = Result<End, SourceError>> + Send + 'a,
{
    let (sender, mut receiver) = mpsc::channel(1);
    let mut work: Option<Pin<Box<F>>> = Some(Box::pin(work(Pages(sender))));
    let mut ending = None;
    stream::poll_fn(move |context| {
        if let Poll::Ready(Some(page)) = receiver.poll_recv(context) {
            return Poll::Ready(Some(Ok(page)));
        }
        if let Some(running) = &mut work
            && let Poll::Ready(result) = running.as_mut().poll(context)
        {
            ending = Some(result.map(Page::End));
            work = None;
        }
        match receiver.poll_recv(context) {
            Poll::Ready(Some(page)) => Poll::Ready(Some(Ok(page))),
            Poll::Ready(None) => Poll::Ready(ending.take()),
            Poll::Pending => Poll::Pending,
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_pages_come_before_the_end_and_nothing_after_it() {
        let mut pages = stream(|pages| async move {
            for _ in 0..3 {
                pages.send(Page::Users(Vec::new())).await;
            }
            Ok(End::default())
        });
        for _ in 0..3 {
            assert!(matches!(pages.next().await, Some(Ok(Page::Users(_)))));
        }
        assert!(matches!(pages.next().await, Some(Ok(Page::End(_)))));
        assert!(pages.next().await.is_none());
        assert!(pages.next().await.is_none());
    }

    #[tokio::test]
    async fn an_error_is_the_last_word() {
        let mut pages = stream(|_| async { Err(SourceError::transient("gone")) });
        assert_eq!(pages.next().await.unwrap().unwrap_err(), SourceError::transient("gone"));
        assert!(pages.next().await.is_none());
    }
}

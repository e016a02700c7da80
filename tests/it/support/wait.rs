//! Waiting for a condition, which is what tests do instead of sleeping.

use std::time::Duration;

use tokio::time::{Instant, error::Elapsed, sleep, timeout_at};

const PAUSE: Duration = Duration::from_millis(50);

/// Tries `check` until it returns `Ok`, whose value it hands back. After `limit` it panics with
/// `what` and the last attempt's message, so that message should say what was seen, not only that
/// it was wrong.
///
/// ```ignore
/// let object = eventually("the group is written", Duration::from_secs(10), async || {
///     groups.get("acme-g-1").await.map_err(|error| error.to_string())
/// })
/// .await;
/// ```
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut check: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + limit;
    let mut last = String::from("nothing");
    loop {
        // An attempt that hangs must not outlive the limit either.
        match timeout_at(deadline, check()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(message)) => last = message,
            Err(Elapsed { .. }) => {
                panic!("{what}: not within {limit:?}; the last attempt hung, before it: {last}")
            }
        }
        assert!(Instant::now() + PAUSE < deadline, "{what}: not within {limit:?}; last seen: {last}");
        sleep(PAUSE).await;
    }
}

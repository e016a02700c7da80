//! Syncs that wait and syncs that are under way, under the names of client-go's work queues.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use super::Counted;
use super::labels::{QUEUE_LABELS, QueueLabels};

/// What is shown of the queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    depth: Family<QueueLabels, Gauge>,
    adds: Family<QueueLabels, Counter>,
    retries: Family<QueueLabels, Counter>,
    waited: Family<QueueLabels, Histogram>,
    worked: Family<QueueLabels, Histogram>,
    unfinished: Family<QueueLabels, Gauge<f64, AtomicU64>>,
    longest: Family<QueueLabels, Gauge<f64, AtomicU64>>,
    /// When the syncs that are under way began.
    under_way: Arc<Mutex<Vec<Instant>>>,
}

impl Default for Queue {
    fn default() -> Self {
        let queue = Self {
            depth: Family::default(),
            adds: Family::default(),
            retries: Family::default(),
            waited: Family::new_with_constructor(time),
            worked: Family::new_with_constructor(time),
            unfinished: Family::default(),
            longest: Family::default(),
            under_way: Arc::default(),
        };
        drop(queue.depth.get_or_create(&QUEUE_LABELS));
        drop(queue.adds.get_or_create(&QUEUE_LABELS));
        drop(queue.retries.get_or_create(&QUEUE_LABELS));
        drop(queue.waited.get_or_create(&QUEUE_LABELS));
        drop(queue.worked.get_or_create(&QUEUE_LABELS));
        queue
    }
}

impl Queue {
    /// Counts a sync that asks for a turn.
    pub(super) fn add(&self) {
        self.adds.get_or_create(&QUEUE_LABELS).inc();
    }

    /// Counts a sync that will be tried again because it failed.
    pub(super) fn retry(&self) {
        self.retries.get_or_create(&QUEUE_LABELS).inc();
    }

    /// Counts a sync as waiting for its turn until the answer is dropped.
    pub(super) fn waiting(&self) -> Waiting {
        let depth = Counted::new(&self.depth.get_or_create(&QUEUE_LABELS));
        let waited = self.waited.get_or_create(&QUEUE_LABELS).clone();
        Waiting { _depth: depth, begun: Instant::now(), waited }
    }

    /// Counts a sync as begun until the answer is dropped.
    pub(super) fn begin(&self) -> Work {
        let begun = Instant::now();
        self.under_way().push(begun);
        Work { queue: self.clone(), begun }
    }

    /// Brings up to date what changes with time alone.
    pub(super) fn refresh(&self, now: Instant) {
        let under_way = self.under_way();
        let ages = under_way.iter().map(|begun| now.saturating_duration_since(*begun).as_secs_f64());
        let (sum, longest) = ages.fold((0.0, 0.0_f64), |(sum, longest), age| (sum + age, longest.max(age)));
        drop(under_way);
        self.unfinished.get_or_create(&QUEUE_LABELS).set(sum);
        self.longest.get_or_create(&QUEUE_LABELS).set(longest);
    }

    fn under_way(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names what is shown.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("workqueue_depth", "Syncs that wait for their turn", self.depth.clone());
        registry.register("workqueue_adds", "Syncs that asked for a turn", self.adds.clone());
        registry.register("workqueue_retries", "Syncs that are tried again", self.retries.clone());
        registry.register_with_unit(
            "workqueue_queue_duration",
            "How long syncs waited for their turn",
            Unit::Seconds,
            self.waited.clone(),
        );
        registry.register_with_unit(
            "workqueue_work_duration",
            "How long syncs took from their turn on",
            Unit::Seconds,
            self.worked.clone(),
        );
        registry.register(
            "workqueue_unfinished_work_seconds",
            "For how long the syncs that are under way have been so, together",
            self.unfinished.clone(),
        );
        registry.register(
            "workqueue_longest_running_processor_seconds",
            "For how long the longest of the syncs that are under way has been so",
            self.longest.clone(),
        );
    }
}

/// A sync that waits, until this is dropped.
#[derive(Debug)]
pub struct Waiting {
    _depth: Counted,
    begun: Instant,
    waited: Histogram,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waited.observe(self.begun.elapsed().as_secs_f64());
    }
}

/// A sync that is under way, until this is dropped.
#[derive(Debug)]
pub struct Work {
    queue: Queue,
    begun: Instant,
}

impl Drop for Work {
    fn drop(&mut self) {
        let mut under_way = self.queue.under_way();
        // Of two that began at one time, it does not matter which is taken off.
        if let Some(place) = under_way.iter().position(|begun| *begun == self.begun) {
            under_way.swap_remove(place);
        }
        drop(under_way);
        self.queue.worked.get_or_create(&QUEUE_LABELS).observe(self.begun.elapsed().as_secs_f64());
    }
}

/// From a millisecond to eleven minutes: a first sync of a large directory takes minutes.
fn time() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.6, 15))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::encoding::text::encode;

    use super::*;

    /// The value of a series of the queue after so many seconds, to a whole number.
    fn value(queue: &Queue, series: &str, seconds: u64) -> String {
        let mut registry = Registry::default();
        queue.register(&mut registry);
        queue.refresh(Instant::now() + Duration::from_secs(seconds));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let line =
            text.lines().find_map(|line| line.strip_prefix(&format!("{series}{{name=\"directory\"}} ")));
        let line = line.unwrap_or_else(|| panic!("{series} is not in {text}"));
        format!("{:.0}", line.parse::<f64>().unwrap())
    }

    #[test]
    fn a_sync_waits_and_then_works_and_is_told_of_while_it_does() {
        let queue = Queue::default();
        let waiting = queue.waiting();
        assert_eq!(value(&queue, "workqueue_depth", 0), "1");
        drop(waiting);
        assert_eq!(value(&queue, "workqueue_depth", 0), "0");
        assert_eq!(value(&queue, "workqueue_queue_duration_seconds_count", 0), "1");

        let (first, second) = (queue.begin(), queue.begin());
        assert_eq!(value(&queue, "workqueue_unfinished_work_seconds", 15), "30");
        assert_eq!(value(&queue, "workqueue_longest_running_processor_seconds", 15), "15");
        drop(first);
        assert_eq!(value(&queue, "workqueue_unfinished_work_seconds", 15), "15");
        drop(second);
        assert_eq!(value(&queue, "workqueue_longest_running_processor_seconds", 15), "0");
        assert_eq!(value(&queue, "workqueue_work_duration_seconds_count", 0), "2");
    }
}

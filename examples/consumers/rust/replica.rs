//! The objects of one kind as they are now, from the events of a watch.

use std::collections::HashMap;

use kube::ResourceExt;
use kube::core::{NotUsed, Object};
use kube::runtime::watcher::{self, Event};

/// A mirror with the fields that `S` reads of its spec.
pub type Mirror<S> = Object<S, NotUsed>;

/// The objects of one kind, by name.
pub struct Replica<S> {
    objects: HashMap<String, S>,
    /// Whether there has been a complete list.
    complete: bool,
    /// A list that is still coming.
    listing: HashMap<String, S>,
}

impl<S> Default for Replica<S> {
    fn default() -> Self {
        Self { objects: HashMap::new(), complete: false, listing: HashMap::new() }
    }
}

impl<S: Clone> Replica<S> {
    /// The objects, once a first list of them is complete.
    pub fn objects(&self) -> Option<&HashMap<String, S>> {
        self.complete.then_some(&self.objects)
    }

    /// Takes note of an event, and says whether it may have changed the objects.
    pub fn note(&mut self, event: watcher::Result<Event<Mirror<S>>>) -> bool {
        match event {
            // A new list begins: after the start, and when the watch was away for too long (410 Gone).
            Ok(Event::Init) => self.listing.clear(),
            Ok(Event::InitApply(object)) => {
                self.listing.insert(object.name_any(), object.spec);
            }
            // The list is complete and takes the place of all before it. What is not in it was deleted
            // while nobody was watching; no event will ever say so.
            Ok(Event::InitDone) => {
                self.objects = std::mem::take(&mut self.listing);
                self.complete = true;
                return true;
            }
            Ok(Event::Apply(object)) => {
                self.objects.insert(object.name_any(), object.spec);
                return true;
            }
            Ok(Event::Delete(object)) => return self.objects.remove(&object.name_any()).is_some(),
            Err(error) => tracing::warn!(%error, "the watch broke off and is opened again"),
        }
        false
    }
}

//! Changes by `modifyTimestamp`, which every server has: who was changed lately. Who is gone does
//! not show here; the next full reading finds it.

use jiff::{SignedDuration, Timestamp};

use crate::source::ldap::schema::MODIFY_TIMESTAMP;
use crate::source::ldap_protocol::entry::Entry;
use crate::source::ldap_protocol::filter;
use crate::source::ldap_protocol::time::{generalized_time, parse_generalized_time};

/// How far a list of changes reaches back beyond what has certainly been read: replicas lag, and
/// clocks of servers differ. What comes twice does no harm.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// The newest change among the entries of one listing.
#[derive(Clone, Copy, Debug)]
pub struct Newest {
    time: Option<Timestamp>,
    /// The latest time that can be true.
    latest: Timestamp,
    undated: u64,
}

impl Newest {
    /// Of a listing that begins now. What is later than clocks differ cannot be the time of a change: one
    /// such entry, imported or written under a wrong clock, would hide the changes of all others until
    /// its time has come.
    pub fn at(now: Timestamp) -> Self {
        Self { time: None, latest: now.checked_add(OVERLAP).unwrap_or(now), undated: 0 }
    }

    /// Takes note of an entry.
    pub fn see(&mut self, entry: &Entry) {
        match entry.values(MODIFY_TIMESTAMP).first().and_then(|value| parse_generalized_time(value)) {
            Some(time) if time > self.latest => {}
            Some(time) => self.time = self.time.max(Some(time)),
            None => self.undated += 1,
        }
    }

    /// The time from which the next list of changes goes on, after a listing that took `duration`
    /// and began where `earlier` says.
    ///
    /// An entry that changed after it was listed has a time after the listing's beginning, and
    /// that lies at most `duration` before the newest time seen, by the server's own clock.
    /// `None` when an entry does not say when it changed: then changes cannot be found.
    pub fn next(&self, duration: SignedDuration, earlier: Option<Timestamp>) -> Option<Timestamp> {
        if self.undated > 0 {
            return None;
        }
        let certain = self.time.and_then(|time| time.checked_sub(duration).ok()?.checked_sub(OVERLAP).ok());
        certain.max(earlier)
    }
}

/// The filter of entries that changed at or after a time.
pub fn since(query_filter: &str, time: Timestamp) -> String {
    filter::both(query_filter, &format!("({MODIFY_TIMESTAMP}>={})", generalized_time(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(time: &str) -> Entry {
        Entry { attributes: vec![(MODIFY_TIMESTAMP.to_owned(), vec![time.to_owned()])], ..Entry::default() }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn at_half_past() -> Newest {
        Newest::at(time("2026-11-23T12:30:00Z"))
    }

    #[test]
    fn the_next_list_reaches_back_over_the_whole_listing_and_five_minutes() {
        let mut newest = at_half_past();
        newest.see(&entry("20261123122422Z"));
        newest.see(&entry("20261123112422Z"));
        let next = newest.next(SignedDuration::from_secs(20), None);
        assert_eq!(next, Some(time("2026-11-23T12:19:02Z")));
    }

    #[test]
    fn the_place_never_goes_back() {
        let mut newest = at_half_past();
        newest.see(&entry("20261123122422Z"));
        let earlier = time("2026-11-23T12:22:00Z");
        assert_eq!(newest.next(SignedDuration::ZERO, Some(earlier)), Some(earlier));
        assert_eq!(at_half_past().next(SignedDuration::ZERO, Some(earlier)), Some(earlier));
    }

    #[test]
    fn a_time_that_has_not_come_is_passed_over_unless_clocks_may_differ_by_so_much() {
        let mut newest = at_half_past();
        newest.see(&entry("20261123122422Z"));
        newest.see(&entry("20991123122422Z"));
        assert_eq!(newest.next(SignedDuration::ZERO, None), Some(time("2026-11-23T12:19:22Z")));
        newest.see(&entry("20261123123459Z"));
        assert_eq!(newest.next(SignedDuration::ZERO, None), Some(time("2026-11-23T12:29:59Z")));
    }

    #[test]
    fn entries_that_do_not_say_when_they_changed_have_no_list_of_changes() {
        let mut newest = at_half_past();
        newest.see(&entry("20261123122422Z"));
        newest.see(&entry("lately"));
        assert_eq!(newest.next(SignedDuration::ZERO, None), None);
    }

    #[test]
    fn the_filter_asks_for_changes_within_the_search() {
        let filter = since("(uid=*)", time("2026-11-23T12:24:22Z"));
        assert_eq!(filter, "(&(uid=*)(modifyTimestamp>=20261123122422Z))");
    }
}

//! What went unasked within the last 24 hours: small losses that add up are a large one.

/// How far back losses count, in seconds.
const DAY: i64 = 86_400;

/// Losses of one hour are counted together, under its end.
const HOUR: i64 = 3_600;

/// How many different hours are kept. Clocks that jump could make more of them.
pub const MAX_ENTRIES: usize = 32;

/// Losses that were carried out without an approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The end of the hour, in seconds since 1970.
    pub at: i64,
    /// People deleted or deactivated.
    pub users: usize,
    /// Groups deleted.
    pub groups: usize,
}

/// The losses of the last day, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent(Vec<Taken>);

impl Recent {
    /// Reads what was kept.
    #[must_use]
    pub fn of(mut kept: Vec<Taken>) -> Self {
        kept.sort_unstable_by_key(|taken| taken.at);
        Self(kept)
    }

    /// What is to be kept.
    #[must_use]
    pub fn entries(&self) -> &[Taken] {
        &self.0
    }

    /// People and groups that went within the day before `now`. Losses of a time to come count, too:
    /// the clock was put back.
    #[must_use]
    pub fn within(&self, now: i64) -> (usize, usize) {
        let recent = self.0.iter().filter(|taken| taken.at > now.saturating_sub(DAY));
        recent.fold((0, 0), |(users, groups), taken| (users + taken.users, groups + taken.groups))
    }

    /// Adds losses, and drops those that do not count any more.
    pub fn add(&mut self, now: i64, users: usize, groups: usize) {
        self.0.retain(|taken| taken.at > now.saturating_sub(DAY));
        if users + groups == 0 {
            return;
        }
        let at = now.div_euclid(HOUR).saturating_add(1).saturating_mul(HOUR);
        match self.0.iter_mut().find(|taken| taken.at == at) {
            Some(taken) => {
                taken.users += users;
                taken.groups += groups;
            }
            None => self.0.push(Taken { at, users, groups }),
        }
        self.0.sort_unstable_by_key(|taken| taken.at);
        while self.0.len() > MAX_ENTRIES {
            let oldest = self.0.remove(0);
            if let Some(next) = self.0.first_mut() {
                next.users += oldest.users;
                next.groups += oldest.groups;
            }
        }
    }

    /// Begins the day anew: somebody has looked at what goes, and approved it.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: i64 = 1_790_000_000;

    #[test]
    fn losses_count_for_a_day_and_not_for_two() {
        let mut recent = Recent::default();
        recent.add(START, 3, 1);
        recent.add(START + 60, 2, 3);
        assert_eq!(recent.within(START + 60), (5, 4));
        assert_eq!(recent.within(START + DAY - 1), (5, 4));
        assert_eq!(recent.within(START + DAY + HOUR), (0, 0));
        recent.add(START + DAY + HOUR, 0, 0);
        assert_eq!(recent.entries(), []);
    }

    #[test]
    fn what_was_kept_over_a_restart_counts_on_in_whatever_order_it_comes() {
        let mut recent = Recent::default();
        recent.add(START, 3, 1);
        recent.add(START + 2 * HOUR, 2, 0);
        let mut kept = recent.entries().to_vec();
        kept.reverse();
        let restored = Recent::of(kept);
        assert_eq!(restored.within(START + 2 * HOUR), (5, 1));
        assert_eq!(restored, recent, "oldest first");
    }

    #[test]
    fn a_loss_counts_until_a_day_after_the_end_of_its_hour() {
        let mut recent = Recent::default();
        recent.add(START, 2, 2);
        let over = recent.entries()[0].at + DAY;
        assert_eq!([recent.within(over - 1), recent.within(over)], [(2, 2), (0, 0)]);
        recent.add(over - 1, 0, 0);
        assert_eq!(recent.entries().len(), 1);
        recent.add(over, 0, 0);
        assert_eq!(recent.entries(), []);
    }

    #[test]
    fn of_more_hours_than_are_kept_the_oldest_count_with_the_next() {
        let mut recent = Recent::default();
        // A clock that is put back again and again.
        for hour in (0..40).rev() {
            recent.add(START + hour * HOUR, 1, 2);
        }
        assert_eq!(recent.within(START), (40, 80));
        assert_eq!(recent.entries().len(), MAX_ENTRIES);
    }

    #[test]
    fn an_approval_begins_the_day_anew() {
        let mut recent = Recent::default();
        recent.add(START, 3, 1);
        recent.clear();
        assert_eq!(recent.within(START), (0, 0));
    }

    proptest! {
        #[test]
        fn nothing_of_the_last_day_is_forgotten_and_no_more_is_kept_than_fits(
            losses in proptest::collection::vec((0_i64..7_200, 0_usize..9), 0..100),
        ) {
            let (mut recent, mut now, mut all) = (Recent::default(), START, Vec::new());
            for (later, users) in losses {
                now += later;
                recent.add(now, users, 0);
                all.push((now, users));
                let expected: usize =
                    all.iter().filter(|(at, _)| *at > now - DAY).map(|(_, users)| users).sum();
                prop_assert!(recent.within(now).0 >= expected);
                prop_assert!(recent.entries().len() <= MAX_ENTRIES);
            }
        }
    }
}

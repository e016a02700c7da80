//! How many records may be held back before a reading as a whole is not believed: a few are
//! mistakes at the source, many are a mistake of the connection or the rules.

/// How many records may be held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Share of all records, in percent.
    pub percent: u32,
    /// So many may always be held back, however few records there are.
    pub minimum: usize,
}

impl Tolerance {
    /// How many of a number of records may be held back.
    #[must_use]
    pub fn allowed(&self, records: usize) -> usize {
        (records.saturating_mul(self.percent as usize) / 100).max(self.minimum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_may_be_held_back_and_ten_of_a_few() {
        let tolerance = Tolerance { percent: 1, minimum: 10 };
        let allowed: Vec<usize> =
            [0, 12, 1_000, 1_099, 5_000].map(|records| tolerance.allowed(records)).into();
        assert_eq!(allowed, [10, 10, 10, 10, 50]);
        assert_eq!(Tolerance { percent: 100, minimum: 0 }.allowed(7), 7);
    }
}

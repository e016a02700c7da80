//! Rows that repeat an earlier one, told in one sentence.

use std::collections::HashSet;

use crate::model::ContentHash;

/// How many lines a note lists.
const MAX_LISTED: usize = 10;

/// The ids of a table that have been seen, and the lines on which one came again. Keeps a hash of
/// each id: a million of them take about 36 MB.
#[derive(Debug, Default)]
pub struct Seen {
    ids: HashSet<ContentHash>,
    repeated: usize,
    /// The first lines of those that repeat another.
    lines: Vec<usize>,
}

impl Seen {
    /// Remembers the id of a row; a second row of the same id is noted with its line. Returns
    /// whether the id is new.
    pub fn add(&mut self, id: &str, line: usize) -> bool {
        let new = self.ids.insert(ContentHash::of_bytes(id.as_bytes()));
        if !new {
            self.repeated += 1;
            if self.lines.len() < MAX_LISTED {
                self.lines.push(line);
            }
        }
        new
    }

    /// The sentence for a person, if a row repeated another.
    #[must_use]
    pub fn note(&self, key: &str, attribute: &str) -> Option<String> {
        let lines = self.lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self.repeated {
            0 => None,
            1 => {
                Some(format!("{key}: line {lines} has the {attribute} of an earlier row and does not count"))
            }
            number => {
                let more = if number > MAX_LISTED { " …" } else { "" };
                Some(format!(
                    "{key}: {number} rows have the {attribute} of an earlier row and do not count (lines {lines}{more})"
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_rows_are_counted_and_the_first_ten_named() {
        let mut seen = Seen::default();
        seen.add("a", 2);
        assert_eq!(seen.note("users.csv", "user_id"), None);
        seen.add("a", 3);
        assert_eq!(
            seen.note("users.csv", "user_id").unwrap(),
            "users.csv: line 3 has the user_id of an earlier row and does not count"
        );
        (4..=14).for_each(|line| assert!(!seen.add("a", line)));
        assert_eq!(
            seen.note("users.csv", "user_id").unwrap(),
            "users.csv: 12 rows have the user_id of an earlier row and do not count (lines 3, 4, 5, 6, 7, 8, 9, 10, \
             11, 12 …)"
        );
    }
}

//! Which of a person's addresses is the one to write to.

use crate::model::Email;

/// The primary address, else the first of type `work`, else the first.
#[must_use]
pub fn choose(emails: &[Email]) -> Option<&str> {
    let is_work =
        |email: &&Email| email.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    emails
        .iter()
        .find(|email| email.primary)
        .or_else(|| emails.iter().find(is_work))
        .or_else(|| emails.first())
        .map(|email| email.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(value: &str, kind: Option<&str>, primary: bool) -> Email {
        Email { value: value.into(), kind: kind.map(Into::into), primary }
    }

    #[test]
    fn the_primary_address_wins_over_work_and_order() {
        let emails =
            [email("first", None, false), email("work", Some("work"), false), email("main", None, true)];
        assert_eq!(choose(&emails), Some("main"));
    }

    #[test]
    fn without_a_primary_address_the_first_of_type_work_is_taken() {
        let emails = [
            email("home", Some("home"), false),
            email("a", Some("Work"), false),
            email("b", Some("work"), false),
        ];
        assert_eq!(choose(&emails), Some("a"));
    }

    #[test]
    fn without_both_the_first_is_taken() {
        assert_eq!(choose(&[email("a", Some("home"), false), email("b", None, false)]), Some("a"));
        assert_eq!(choose(&[]), None);
    }
}

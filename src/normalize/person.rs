//! The standard attributes of a person, cleaned and bounded.

use super::email;
use super::limits::{ADDRESSES, CONTACTS, LONG_TEXT, SHORT_TEXT, TEXT, WORD};
use super::text::{self, Lines};
use crate::model::{Address, Manager, PersonName, User};

/// What had to be left out of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Values that are longer than an object may hold. Cut, they would be untrue.
    pub too_long: usize,
    /// Lists that have more entries than an object may hold.
    pub cut: usize,
}

impl Dropped {
    fn text(&mut self, value: &mut Option<String>, bound: usize) {
        self.lines(value, bound, Lines::Joined);
    }

    fn lines(&mut self, value: &mut Option<String>, bound: usize, lines: Lines) {
        *value = value.take().and_then(|value| self.usable(value, bound, lines));
    }

    fn usable(&mut self, value: String, bound: usize, lines: Lines) -> Option<String> {
        let value = text::clean(value, lines)?;
        if text::fits(&value, bound) {
            return Some(value);
        }
        self.too_long += 1;
        None
    }

    /// Cleans an entry's value; false when the entry has none.
    fn entry(&mut self, value: &mut String, bound: usize) -> bool {
        match self.usable(std::mem::take(value), bound, Lines::Joined) {
            Some(usable) => {
                *value = usable;
                true
            }
            None => false,
        }
    }

    fn bound<T>(&mut self, list: &mut Vec<T>, bound: usize) {
        if list.len() > bound {
            list.truncate(bound);
            self.cut += 1;
        }
    }
}

/// Cleans all texts, leaves out what is too long, and chooses the e-mail address where the source
/// has not.
pub fn clean(user: &mut User) -> Dropped {
    let mut dropped = Dropped::default();
    for value in [
        &mut user.user_name,
        &mut user.email,
        &mut user.display_name,
        &mut user.title,
        &mut user.department,
        &mut user.division,
        &mut user.cost_center,
        &mut user.organization,
        &mut user.employee_number,
        &mut user.employee_type,
    ] {
        dropped.text(value, TEXT);
    }
    dropped.text(&mut user.start_date, WORD);
    clean_name(&mut user.name, &mut dropped);
    if let Some(manager) = user.manager.take() {
        user.manager = clean_manager(manager, &mut dropped);
    }
    user.emails.retain_mut(|email| {
        dropped.text(&mut email.kind, WORD);
        dropped.entry(&mut email.value, TEXT)
    });
    // Chosen from all, so that a primary address beyond the bound is not overlooked.
    if user.email.is_none() {
        user.email = email::choose(&user.emails).map(ToOwned::to_owned);
    }
    dropped.bound(&mut user.emails, CONTACTS);
    user.phone_numbers.retain_mut(|number| {
        dropped.text(&mut number.kind, WORD);
        dropped.entry(&mut number.value, SHORT_TEXT)
    });
    dropped.bound(&mut user.phone_numbers, CONTACTS);
    user.addresses.retain_mut(|address| clean_address(address, &mut dropped));
    dropped.bound(&mut user.addresses, ADDRESSES);
    // These are made by the rules of the Directory, never taken from a source.
    user.role = None;
    user.roles.clear();
    user.attributes.clear();
    dropped
}

fn clean_name(name: &mut PersonName, dropped: &mut Dropped) {
    for part in [&mut name.given, &mut name.family, &mut name.formatted] {
        dropped.text(part, TEXT);
    }
}

/// Cleans what is said of a manager; `None` when nothing is left.
pub fn clean_manager(mut manager: Manager, dropped: &mut Dropped) -> Option<Manager> {
    for value in
        [&mut manager.external_id, &mut manager.user_name, &mut manager.display_name, &mut manager.email]
    {
        dropped.text(value, TEXT);
    }
    (manager != Manager::default()).then_some(manager)
}

/// Cleans an address; false when it says nothing of a place.
fn clean_address(address: &mut Address, dropped: &mut Dropped) -> bool {
    dropped.text(&mut address.kind, WORD);
    dropped.lines(&mut address.street_address, TEXT, Lines::Kept);
    dropped.text(&mut address.locality, TEXT);
    dropped.text(&mut address.region, TEXT);
    dropped.text(&mut address.postal_code, WORD);
    dropped.text(&mut address.country, SHORT_TEXT);
    dropped.lines(&mut address.formatted, LONG_TEXT, Lines::Kept);
    [
        &address.street_address,
        &address.locality,
        &address.region,
        &address.postal_code,
        &address.country,
        &address.formatted,
    ]
    .into_iter()
    .any(Option::is_some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Email, PhoneNumber};

    #[test]
    fn a_value_longer_than_the_schema_allows_is_left_out_whole() {
        let mut user =
            User { title: Some("x".repeat(513)), department: Some("ä".repeat(512)), ..User::default() };
        assert_eq!(clean(&mut user), Dropped { too_long: 1, cut: 0 });
        assert_eq!(user.title, None);
        assert_eq!(user.department.map(|department| department.chars().count()), Some(512));
    }

    #[test]
    fn a_list_with_too_many_entries_is_cut_and_the_primary_address_still_found() {
        let email = |n: usize| Email { value: format!("{n}@x.example"), kind: None, primary: n == 40 };
        let mut user = User { emails: (0..41).map(email).collect(), ..User::default() };
        assert_eq!(clean(&mut user), Dropped { too_long: 0, cut: 1 });
        assert_eq!(user.emails.len(), 32);
        assert_eq!(user.email.as_deref(), Some("40@x.example"));
    }

    #[test]
    fn entries_without_a_value_go() {
        let mut user = User {
            emails: vec![Email { value: " ".into(), kind: Some("work".into()), primary: true }],
            phone_numbers: vec![PhoneNumber {
                value: "\u{202d}+49 30 1234\u{202c}".into(),
                kind: None,
                primary: false,
            }],
            addresses: vec![Address { kind: Some("work".into()), ..Address::default() }],
            ..User::default()
        };
        clean(&mut user);
        assert!(user.emails.is_empty());
        assert_eq!(user.email, None);
        assert_eq!(user.phone_numbers[0].value, "+49 30 1234");
        assert!(user.addresses.is_empty());
    }

    #[test]
    fn an_address_keeps_its_lines() {
        let formatted = Some("1 Main St\r\nSpringfield".to_owned());
        let mut user =
            User { addresses: vec![Address { formatted, ..Address::default() }], ..User::default() };
        clean(&mut user);
        assert_eq!(user.addresses[0].formatted.as_deref(), Some("1 Main St\nSpringfield"));
    }

    #[test]
    fn the_source_cannot_give_roles_or_mapped_attributes() {
        let mut user = User { role: Some("admin".into()), roles: vec!["admin".into()], ..User::default() };
        user.attributes.insert("badge".into(), "1".into());
        clean(&mut user);
        assert_eq!((user.role, user.roles.len(), user.attributes.len()), (None, 0, 0));
    }
}

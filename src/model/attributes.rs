//! The attributes of a person by their names: who has which, and how one is taken over from an
//! earlier picture of the same person.

use super::user::{State, User};

/// Whether a person is inactive, as an attribute. It is not `state`, which everybody has: what can
/// be lost is that somebody is inactive.
pub const INACTIVE: &str = "state";

/// An attribute of a person.
struct Attribute {
    name: &'static str,
    is_there: fn(&User) -> bool,
    take_over: fn(&mut User, User),
}

/// Makes an attribute of a field that has a way to tell whether it is there.
macro_rules! attribute {
    ($name:literal, $($field:ident).+, is_some) => {
        attribute!(@ $name, $($field).+, |user| user.$($field).+.is_some())
    };
    ($name:literal, $($field:ident).+, has_any) => {
        attribute!(@ $name, $($field).+, |user| !user.$($field).+.is_empty())
    };
    (@ $name:literal, $($field:ident).+, $is_there:expr) => {
        Attribute {
            name: $name,
            is_there: $is_there,
            take_over: |user, before| user.$($field).+ = before.$($field).+,
        }
    };
}

/// Those that every Directory knows. Names of parts have a dot, which no name in `mapping` has.
const STANDARD: &[Attribute] = &[
    attribute!("userName", user_name, is_some),
    attribute!("email", email, is_some),
    attribute!("name.given", name.given, is_some),
    attribute!("name.family", name.family, is_some),
    attribute!("name.formatted", name.formatted, is_some),
    attribute!("displayName", display_name, is_some),
    attribute!("title", title, is_some),
    attribute!("department", department, is_some),
    attribute!("division", division, is_some),
    attribute!("costCenter", cost_center, is_some),
    attribute!("organization", organization, is_some),
    attribute!("employeeNumber", employee_number, is_some),
    attribute!("employeeType", employee_type, is_some),
    attribute!("startDate", start_date, is_some),
    attribute!("manager", manager, is_some),
    attribute!("emails", emails, has_any),
    attribute!("phoneNumbers", phone_numbers, has_any),
    attribute!("addresses", addresses, has_any),
    attribute!("role", role, is_some),
    attribute!("roles", roles, has_any),
];

/// The names of the attributes that every Directory knows, [`INACTIVE`] among them.
pub fn standard() -> impl Iterator<Item = &'static str> {
    STANDARD.iter().map(|attribute| attribute.name).chain([INACTIVE])
}

/// The names of the attributes that a person has; `state` when they are inactive.
pub fn of(user: &User) -> impl Iterator<Item = &str> {
    let standard = STANDARD.iter().filter(|attribute| (attribute.is_there)(user));
    let inactive = (user.state == State::Inactive).then_some(INACTIVE);
    standard.map(|attribute| attribute.name).chain(inactive).chain(user.attributes.keys().map(String::as_str))
}

/// Gives a person an attribute that they had before, unless they have one of that name.
pub fn take_over(name: &str, user: &mut User, before: &User) {
    match STANDARD.iter().find(|attribute| attribute.name == name) {
        Some(attribute) if !(attribute.is_there)(user) => (attribute.take_over)(user, before.clone()),
        Some(_) => {}
        None if name == INACTIVE => {
            if before.state == State::Inactive {
                user.state = State::Inactive;
            }
        }
        None => {
            if let Some(value) = before.attributes.get(name).filter(|_| !user.attributes.contains_key(name)) {
                user.attributes.insert(name.to_owned(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Email, Manager, PersonName, PhoneNumber};

    fn full() -> User {
        let text = || Some("x".to_owned());
        User {
            external_id: "1".into(),
            state: State::Inactive,
            user_name: text(),
            email: text(),
            name: PersonName { given: text(), family: text(), formatted: text() },
            display_name: text(),
            title: text(),
            department: text(),
            division: text(),
            cost_center: text(),
            organization: text(),
            employee_number: text(),
            employee_type: text(),
            start_date: text(),
            manager: Some(Manager::default()),
            emails: vec![Email::default()],
            phone_numbers: vec![PhoneNumber::default()],
            addresses: vec![Address::default()],
            role: text(),
            roles: vec!["x".into()],
            attributes: [("badge".to_owned(), 1.into())].into(),
        }
    }

    #[test]
    fn every_attribute_is_known_by_a_name_and_comes_back_by_it() {
        let full = full();
        let names: Vec<&str> = of(&full).collect();
        assert_eq!(names, standard().chain(["badge"]).collect::<Vec<_>>());
        let mut bare = User { external_id: "1".into(), ..User::default() };
        assert_eq!(of(&bare).count(), 0);
        for name in &names {
            take_over(name, &mut bare, &full);
        }
        assert_eq!(bare, full);
    }

    #[test]
    fn what_somebody_has_is_not_replaced_and_nobody_becomes_active() {
        let mut user = User { title: Some("Head".into()), state: State::Inactive, ..User::default() };
        let before = User { title: Some("Clerk".into()), ..User::default() };
        take_over("title", &mut user, &before);
        take_over(INACTIVE, &mut user, &before);
        assert_eq!((user.title.as_deref(), user.state), (Some("Head"), State::Inactive));
    }
}

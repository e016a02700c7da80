//! Which attributes are copied: `spec.output.attributes`.

use std::collections::HashSet;

use crate::model::{PersonName, User};

/// Attributes that are there whatever the list says: who the person is, whether they may be let
/// in, and what the Directory's own rules make of them.
pub const ALWAYS: &[&str] = &["externalId", "userName", "state", "role", "roles"];

/// The standard attributes that the list chooses from.
const OPTIONAL: &[&str] = &[
    "email",
    "displayName",
    "title",
    "name",
    "department",
    "division",
    "costCenter",
    "organization",
    "employeeNumber",
    "employeeType",
    "startDate",
    "manager",
    "emails",
    "phoneNumbers",
    "addresses",
];

/// The names of all attributes that an allow-list may have besides mapped ones.
pub fn attribute_names() -> impl Iterator<Item = &'static str> {
    ALWAYS.iter().chain(OPTIONAL).copied()
}

/// An allow-list.
#[derive(Debug)]
pub struct Output {
    attributes: HashSet<String>,
}

impl Output {
    /// Prepares the list.
    ///
    /// # Errors
    /// The place and name of each attribute that does not exist.
    #[expect(clippy::needless_pass_by_value, reason = "an iterator is handed over, not lent")]
    pub fn new<'a>(
        attributes: &[String],
        mapped: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, Vec<(usize, String)>> {
        let unknown: Vec<(usize, String)> = attributes
            .iter()
            .enumerate()
            .filter(|(_, name)| {
                !ALWAYS.contains(&name.as_str())
                    && !OPTIONAL.contains(&name.as_str())
                    && !mapped.clone().any(|mapped| mapped == *name)
            })
            .map(|(place, name)| (place, name.clone()))
            .collect();
        if unknown.is_empty() {
            Ok(Self { attributes: attributes.iter().cloned().collect() })
        } else {
            Err(unknown)
        }
    }

    /// Whether people have an attribute after [`Self::apply`], if they had it before.
    #[must_use]
    pub fn keeps(&self, name: &str) -> bool {
        ALWAYS.contains(&name) || self.attributes.contains(name)
    }

    /// The names that may stand in the list besides mapped ones.
    #[must_use]
    pub fn standard() -> String {
        OPTIONAL.join(", ")
    }

    /// Takes from a person what is not in the list.
    pub fn apply(&self, user: &mut User) {
        let unlisted = |name: &str| !self.attributes.contains(name);
        for (name, value) in [
            ("email", &mut user.email),
            ("displayName", &mut user.display_name),
            ("title", &mut user.title),
            ("department", &mut user.department),
            ("division", &mut user.division),
            ("costCenter", &mut user.cost_center),
            ("organization", &mut user.organization),
            ("employeeNumber", &mut user.employee_number),
            ("employeeType", &mut user.employee_type),
            ("startDate", &mut user.start_date),
        ] {
            if unlisted(name) {
                *value = None;
            }
        }
        if unlisted("name") {
            user.name = PersonName::default();
        }
        if unlisted("manager") {
            user.manager = None;
        }
        if unlisted("emails") {
            user.emails.clear();
        }
        if unlisted("phoneNumbers") {
            user.phone_numbers.clear();
        }
        if unlisted("addresses") {
            user.addresses.clear();
        }
        user.attributes.retain(|name, _| !unlisted(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Email, Manager, PhoneNumber};

    fn full() -> User {
        let text = || Some("x".to_owned());
        User {
            external_id: "1".into(),
            user_name: text(),
            email: text(),
            name: PersonName { given: text(), ..PersonName::default() },
            display_name: text(),
            title: text(),
            department: text(),
            division: text(),
            cost_center: text(),
            organization: text(),
            employee_number: text(),
            employee_type: text(),
            start_date: text(),
            manager: Some(Manager { email: text(), ..Manager::default() }),
            emails: vec![Email::default()],
            phone_numbers: vec![PhoneNumber::default()],
            addresses: vec![Address::default()],
            role: text(),
            roles: vec!["x".into()],
            attributes: [("badge".to_owned(), 1.into()), ("shoe".to_owned(), 2.into())].into(),
            ..User::default()
        }
    }

    fn members(user: &User) -> Vec<String> {
        serde_json::to_value(user).unwrap().as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn only_listed_attributes_are_left_and_those_that_say_who_it_is() {
        let output = Output::new(&["email".into(), "badge".into()], ["badge", "shoe"].into_iter()).unwrap();
        let mut user = full();
        output.apply(&mut user);
        assert_eq!(
            members(&user),
            ["attributes", "email", "externalId", "role", "roles", "state", "userName"]
        );
        assert_eq!(user.attributes.keys().collect::<Vec<_>>(), ["badge"]);
    }

    #[test]
    fn every_optional_attribute_can_be_listed_and_is_then_kept() {
        for name in OPTIONAL {
            let output = Output::new(&[(*name).to_owned()], std::iter::empty()).unwrap();
            let mut user = full();
            output.apply(&mut user);
            assert_eq!(members(&user).len(), ALWAYS.len() + 1, "{name}");
            assert!(members(&user).contains(&(*name).to_owned()), "{name}");
        }
    }

    #[test]
    fn a_name_that_does_not_exist_is_found_at_its_place() {
        let error = Output::new(&["email".into(), "eMail".into()], std::iter::empty()).unwrap_err();
        assert_eq!(error, [(1, "eMail".to_owned())]);
    }
}

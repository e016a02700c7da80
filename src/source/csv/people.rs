//! Rows of the table of people as user records.

use std::collections::BTreeMap;

use super::columns::{Columns, USERS};
use super::rows::Row;
use super::table::Table;
use crate::model::{
    Address, Email, ExternalId, Key, Kind, Links, Manager, PersonName, PhoneNumber, Rejected, State, User,
    UserRecord,
};
use crate::source::SourceError;

/// The table of people with its columns found.
pub struct People {
    /// The table.
    pub table: Table,
    /// Its columns.
    pub columns: Columns,
}

/// The name by which memberships and managers refer to a person.
pub fn key(user_id: &str) -> Key {
    Key(format!("user:{user_id}"))
}

impl People {
    /// Finds the columns.
    ///
    /// # Errors
    /// As [`Columns::find`].
    pub fn open(table: Table, custom: &BTreeMap<String, String>) -> Result<Self, SourceError> {
        let columns = Columns::find(&table, USERS, custom)?;
        Ok(Self { table, columns })
    }

    /// A row that does not say who it is about: it may be anybody whom a membership names.
    pub fn nobody(&self, line: usize, reason: String) -> Rejected {
        Rejected { links: Links::alone(None).into(), ..self.table.reject(Kind::User, line, reason) }
    }

    /// The person of one row.
    ///
    /// # Errors
    /// What the row lacks to be one.
    pub fn record(&self, row: &Row) -> Result<UserRecord, Rejected> {
        let id = row.id(&self.columns, "user_id").map_err(|reason| self.nobody(row.line, reason))?;
        let reject = |id: ExternalId, reason| Rejected {
            links: Links::alone(Some(vec![key(id.as_str())])).into(),
            id: Some(id),
            ..self.nobody(row.line, reason)
        };
        if let Some(reason) = self.table.not_text(row) {
            return Err(reject(id, reason));
        }
        let text = |attribute| self.columns.get(attribute).and_then(|column| row.text(column));
        let cell = |attribute| text(attribute).filter(|text| !text.is_empty()).map(str::to_owned);
        let Some(state) = state(text("state").unwrap_or_default()) else {
            return Err(reject(id, UNKNOWN_STATE.to_owned()));
        };
        let manager = Manager {
            display_name: cell("manager_name"),
            email: cell("manager_email"),
            ..Manager::default()
        };
        let address = Address {
            street_address: cell("street_address"),
            locality: cell("locality"),
            region: cell("region"),
            postal_code: cell("postal_code"),
            country: cell("country"),
            ..Address::default()
        };
        Ok(UserRecord {
            keys: vec![key(id.as_str())],
            user: User {
                external_id: id.as_str().to_owned(),
                user_name: cell("username"),
                state,
                name: PersonName { given: cell("first_name"), family: cell("last_name"), formatted: None },
                display_name: cell("display_name"),
                title: cell("job_title"),
                department: cell("department_name"),
                division: cell("division_name"),
                cost_center: cell("cost_center_name"),
                organization: cell("organization"),
                employee_number: cell("employee_number"),
                employee_type: cell("employee_type"),
                start_date: cell("employment_start_date"),
                manager: (manager != Manager::default()).then_some(manager),
                emails: cell("email")
                    .map(|value| Email { value, kind: None, primary: true })
                    .into_iter()
                    .collect(),
                phone_numbers: cell("phone_number")
                    .map(|value| PhoneNumber { value, kind: None, primary: true })
                    .into_iter()
                    .collect(),
                addresses: (address != Address::default())
                    .then_some(Address { primary: true, ..address })
                    .into_iter()
                    .collect(),
                ..User::default()
            },
            manager: cell("manager_id").map(|id| key(&id)),
            member_of: Vec::new(),
            raw: self.table.raw(row, &self.columns),
        })
    }
}

const UNKNOWN_STATE: &str = "the state is none of active, enabled, true, yes, 1, inactive, suspended, disabled, \
                             deactivated, terminated, false, no, 0; write one of them, or nothing for active";

/// The state in the words that directories use; `None` for words that are not known, because a
/// guess would let somebody in or shut them out.
fn state(word: &str) -> Option<State> {
    match word.to_lowercase().as_str() {
        "" | "active" | "enabled" | "true" | "yes" | "1" => Some(State::Active),
        "inactive" | "suspended" | "disabled" | "deactivated" | "terminated" | "false" | "no" | "0" => {
            Some(State::Inactive)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use serde_json::json;

    use super::*;
    use crate::model::ExternalId;
    use crate::source::csv::tests;

    fn read(bytes: &[u8]) -> Vec<Result<UserRecord, Rejected>> {
        let mut people = People::open(tests::table("users.csv", bytes), &BTreeMap::new()).unwrap();
        let mut records = Vec::new();
        while let Some(row) = block_on(people.table.next()).unwrap() {
            records.push(people.record(&row.unwrap()));
        }
        records
    }

    #[test]
    fn every_known_column_becomes_its_attribute_and_all_are_in_raw() {
        let found = read(
            b"user_id,first_name,last_name,email,state,username,display_name,job_title,department_name,\
              division_name,cost_center_name,organization,employee_number,employee_type,employment_start_date,\
              manager_id,manager_name,manager_email,phone_number,street_address,locality,region,postal_code,\
              country,Badge\n\
              7,Ada,Lovelace,ada@acme.example,suspended,ada,Ada L.,Analyst,Engines,Analytics,C-1,Acme,E-7,Full time,\
              1843-01-01,8,Charles Babbage,cb@acme.example,+44 1,12 St James's Square,London,Greater London,\
              SW1Y 4JH,UK, 117 \n",
        );
        let record = found.into_iter().next().unwrap().unwrap();
        assert_eq!(
            serde_json::to_value(&record.user).unwrap(),
            json!({
                "externalId": "7", "userName": "ada", "state": "Inactive",
                "name": {"given": "Ada", "family": "Lovelace"}, "displayName": "Ada L.", "title": "Analyst",
                "department": "Engines", "division": "Analytics", "costCenter": "C-1", "organization": "Acme",
                "employeeNumber": "E-7", "employeeType": "Full time", "startDate": "1843-01-01",
                "manager": {"displayName": "Charles Babbage", "email": "cb@acme.example"},
                "emails": [{"value": "ada@acme.example", "primary": true}],
                "phoneNumbers": [{"value": "+44 1", "primary": true}],
                "addresses": [{"streetAddress": "12 St James's Square", "locality": "London",
                    "region": "Greater London", "postalCode": "SW1Y 4JH", "country": "UK", "primary": true}],
            })
        );
        assert_eq!((record.keys, record.manager), (vec![key("7")], Some(key("8"))));
        assert_eq!(record.raw.len(), 25);
        assert_eq!((&record.raw["Badge"], &record.raw["user_id"]), (&json!(" 117 "), &json!("7")));
    }

    #[test]
    fn empty_cells_leave_attributes_out_but_stay_in_raw() {
        let found = read(b"user_id,first_name,last_name,email,state,job_title,manager_id\n7,,,,,,\n");
        let record = found[0].as_ref().unwrap();
        assert_eq!(record.user, User { external_id: "7".into(), ..User::default() });
        assert_eq!((&record.manager, &record.raw["job_title"]), (&None, &json!("")));
    }

    #[test]
    fn the_state_is_read_in_the_words_that_directories_use() {
        for (word, expected) in [
            ("", State::Active),
            ("Active", State::Active),
            ("TRUE", State::Active),
            ("1", State::Active),
            ("inactive", State::Inactive),
            ("Suspended", State::Inactive),
            ("false", State::Inactive),
            ("Terminated", State::Inactive),
        ] {
            assert_eq!(state(word), Some(expected), "{word}");
        }
    }

    #[test]
    fn an_unknown_state_holds_the_person_back_and_quotes_nothing() {
        let found = read(b"user_id,first_name,last_name,email,state\n7,Ada,L,a@b,on parental leave\n");
        let rejected = found[0].as_ref().unwrap_err();
        assert_eq!(rejected.id, ExternalId::new("7"));
        assert_eq!(rejected.position, "users.csv line 2");
        assert!(!rejected.reason.contains("parental"), "{}", rejected.reason);
    }

    #[test]
    fn a_row_without_a_usable_id_is_rejected_without_one() {
        let long = "x".repeat(600);
        let text = format!("user_id,first_name,last_name,email\n ,Ada,L,a@b\n{long},B,L,b@b\na\tb,C,L,c@b\n");
        for (found, line) in read(text.as_bytes()).into_iter().zip(2..) {
            let rejected = found.unwrap_err();
            assert_eq!((rejected.id, rejected.position), (None, format!("users.csv line {line}")));
            assert!(rejected.reason.contains("user_id"), "{}", rejected.reason);
        }
    }

    #[test]
    fn a_row_that_is_not_utf_8_keeps_its_id_where_that_can_be_read() {
        let found =
            read(b"user_id,first_name,last_name,email\n7,Zo\xEB,L,a@b\n\xEB,Zoe,L,a@b\n9,Zo\xC3\xAB,L,a@b\n");
        let (first, second) = (found[0].as_ref().unwrap_err(), found[1].as_ref().unwrap_err());
        assert_eq!((&first.id, first.position.as_str()), (&ExternalId::new("7"), "users.csv line 2"));
        assert!(first.reason.contains("column 'first_name' is not UTF-8"), "{}", first.reason);
        assert_eq!((&second.id, second.position.as_str()), (&None, "users.csv line 3"));
        assert_eq!(found[2].as_ref().unwrap().user.name.given.as_deref(), Some("Zoë"));
    }
}

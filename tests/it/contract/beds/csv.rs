//! The test bed of `csv`: tables in memory.

use std::fmt::Write as _;

use directory_sync::source::csv::CsvSpec;
use directory_sync::source::{Material, Provider, Source, SourceError};

use super::{Bed, Changes};
use crate::support::company::{CANARY, Company, Person};

/// The company as three tables.
pub struct CsvBed(Company);

/// The table of people.
pub fn users(company: &Company) -> String {
    let mut table = "user_id,first_name,last_name,email,username,job_title,manager_id,password\n".to_owned();
    for person in &company.people {
        let Person { user_name, given, family, email, title, manager } = person;
        let manager = manager.as_deref().unwrap_or_default();
        writeln!(table, "{user_name},{given},{family},{email},{user_name},{title},{manager},{CANARY}")
            .unwrap();
    }
    table
}

/// The table of memberships.
pub fn user_groups(company: &Company) -> String {
    let mut table = "group_name,user_id\n".to_owned();
    for group in &company.groups {
        for member in &group.members {
            writeln!(table, "{},{member}", group.name).unwrap();
        }
    }
    table
}

impl CsvBed {
    fn source_of(&self, users: String) -> Result<Box<dyn Source>, SourceError> {
        let spec: CsvSpec =
            serde_json::from_value(serde_json::json!({"from": {"secret": {"name": "people"}}})).unwrap();
        let mut material = Material::default();
        let tables = [("users.csv", users), ("user_groups.csv", user_groups(&self.0))];
        let tables = tables.map(|(key, text)| (key.to_owned(), text.into_bytes()));
        material.insert(spec.references().remove(0), tables);
        spec.source(&material)
    }
}

impl Bed for CsvBed {
    const CHANGES: Changes = Changes::EqualOrUnknown;

    async fn start(company: &Company) -> Self {
        Self(company.clone())
    }

    fn source(&self) -> Box<dyn Source> {
        self.source_of(users(&self.0)).expect("the tables are good")
    }

    fn failing_source(&self) -> Result<Box<dyn Source>, SourceError> {
        self.source_of(format!("{}x,\"{CANARY}", users(&self.0)))
    }

    async fn add(&mut self, person: &Person) {
        self.0.people.push(person.clone());
    }

    async fn retitle(&mut self, user_name: &str, title: &str) {
        title.clone_into(&mut self.0.person(user_name).title);
    }

    async fn join(&mut self, user_name: &str, group: &str) {
        self.0.join(user_name, group);
    }

    async fn remove(&mut self, user_name: &str) {
        self.0.remove(user_name);
    }
}

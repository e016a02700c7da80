//! The test beds of `csv` from files: the same tables on a real SFTP server and in a bucket.

use directory_sync::source::csv::CsvSpec;
use directory_sync::source::{Material, Provider, Source, SourceError};
use serde_json::{Value, json};

use super::csv::{user_groups, users};
use super::{Bed, Changes};
use crate::support::company::{CANARY, Company, Person};
use crate::support::moto::{self, Bucket};
use crate::support::sftp::{self, Sshd};

/// Makes a bed from what holds its files; a change of the company writes all tables anew.
macro_rules! bed_of_files {
    ($bed:ident) => {
        impl Bed for $bed {
            const CHANGES: Changes = Changes::EqualOrUnknown;

            async fn start(company: &Company) -> Self {
                Self::begin(company.clone())
            }

            fn source(&self) -> Box<dyn Source> {
                self.good().expect("the settings are good")
            }

            fn failing_source(&self) -> Result<Box<dyn Source>, SourceError> {
                self.failing()
            }

            async fn add(&mut self, person: &Person) {
                self.company.people.push(person.clone());
                self.write();
            }

            async fn retitle(&mut self, user_name: &str, title: &str) {
                title.clone_into(&mut self.company.person(user_name).title);
                self.write();
            }

            async fn join(&mut self, user_name: &str, group: &str) {
                self.company.join(user_name, group);
                self.write();
            }

            async fn remove(&mut self, user_name: &str) {
                self.company.remove(user_name);
                self.write();
            }
        }

        impl $bed {
            fn write(&self) {
                self.files.put("users.csv", &users(&self.company));
                self.files.put("user_groups.csv", &user_groups(&self.company));
            }
        }
    };
}

/// Files on an SFTP server.
pub struct SftpBed {
    company: Company,
    files: Sshd,
}

bed_of_files!(SftpBed);

impl SftpBed {
    fn begin(company: Company) -> Self {
        let bed = Self { company, files: Sshd::start() };
        bed.write();
        bed
    }

    fn good(&self) -> Result<Box<dyn Source>, SourceError> {
        let account = sftp::account(&[("privateKey", &self.files.private_key())]);
        source(&json!({"sftp": self.files.from()}), &account)
    }

    /// A password that is refused.
    fn failing(&self) -> Result<Box<dyn Source>, SourceError> {
        source(&json!({"sftp": self.files.from()}), &sftp::account(&[("password", CANARY)]))
    }
}

/// Files in a bucket.
pub struct BucketBed {
    company: Company,
    files: Bucket,
}

bed_of_files!(BucketBed);

impl BucketBed {
    fn begin(company: Company) -> Self {
        let bed = Self { company, files: Bucket::new("contract") };
        bed.write();
        bed
    }

    fn good(&self) -> Result<Box<dyn Source>, SourceError> {
        source(&json!({"s3": self.files.from()}), &moto::account(CANARY))
    }

    /// A bucket that is not there.
    fn failing(&self) -> Result<Box<dyn Source>, SourceError> {
        let mut from = self.files.from();
        from["bucket"] = "nowhere".into();
        source(&json!({"s3": from}), &moto::account(CANARY))
    }
}

fn source(from: &Value, material: &Material) -> Result<Box<dyn Source>, SourceError> {
    let spec: CsvSpec = serde_json::from_value(json!({"from": from})).unwrap();
    spec.source(material)
}

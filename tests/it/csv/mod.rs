//! CSV from files: what a person sees when a real SFTP server or a bucket has them, or has them in part.

mod memory;
mod product;
mod s3;
mod sftp;

use directory_sync::model::{GroupRecord, UserRecord};
use directory_sync::source::csv::CsvSpec;
use directory_sync::source::{Cursor, End, Material, Page, Provider, Pull, Source, SourceError};
use futures::StreamExt;
use serde_json::{Value, json};

const TWO: &str =
    "user_id,first_name,last_name,email\n1,Ada,Lovelace,ada@a.test\n2,Grace,Hopper,grace@a.test\n";
const ONE: &str = "user_id,first_name,last_name,email\n1,Ada,Lovelace,ada@a.test\n";
const MEMBERS: &str = "group_name,user_id\nadmins,1\n";
const GROUPS: &str = "group_name,group_id\nadmins,g-1\n";

/// What one pull brought.
#[derive(Debug, Default)]
struct Answer {
    users: Vec<UserRecord>,
    groups: Vec<GroupRecord>,
    end: End,
}

impl Answer {
    fn emails(&self) -> Vec<&str> {
        self.users.iter().map(|user| user.user.emails[0].value.as_str()).collect()
    }

    fn cursor(&self) -> Cursor {
        self.end.cursor.clone().expect("files have a cursor")
    }
}

fn source(from: &Value, material: &Material) -> Result<Box<dyn Source>, SourceError> {
    let spec: CsvSpec = serde_json::from_value(json!({"from": from})).unwrap();
    spec.source(material)
}

async fn pull(source: &mut dyn Source, request: Pull) -> Result<Answer, SourceError> {
    let mut pages = source.pull(request);
    let mut answer = Answer::default();
    while let Some(page) = pages.next().await {
        match page? {
            Page::Tenant(tenant) => panic!("files have no tenant: {tenant:?}"),
            Page::Users(mut users) => answer.users.append(&mut users),
            Page::Groups(mut groups) => answer.groups.append(&mut groups),
            Page::Rejected(rejected) => panic!("nothing is rejected here: {rejected:?}"),
            Page::End(end) => answer.end = end,
        }
    }
    Ok(answer)
}

//! What a person should know of a reading that succeeded: counts, and no person's name.

use std::collections::BTreeMap;

use super::entry::{LeftOut, MAX_VALUE_BYTES};
use super::search::PageSize;

/// How many attributes are named.
const MAX_NAMED: usize = 5;

/// What was noticed while reading.
#[derive(Debug, Default)]
pub struct Notes {
    /// How often the server said that entries are on another server.
    pub references: u64,
    /// Attributes that were left out.
    pub left_out: LeftOut,
}

impl Notes {
    /// The notes as sentences.
    pub fn sentences(&self, nameless: &BTreeMap<&'static str, u64>, size: PageSize) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.references > 0 {
            sentences.push(format!(
                "The server refers to other servers in {} place(s); referrals are not followed, so people and \
                 groups there are not read.",
                self.references
            ));
        }
        for (attribute, entries) in self.left_out.binary.iter().take(MAX_NAMED) {
            sentences.push(format!(
                "{} is not text (UTF-8) in {} and was left out there.",
                named(attribute),
                counted(*entries)
            ));
        }
        for (attribute, entries) in self.left_out.large.iter().take(MAX_NAMED) {
            sentences.push(format!(
                "{} has values of more than {} KiB in {}, which were left out.",
                named(attribute),
                MAX_VALUE_BYTES / 1024,
                counted(*entries)
            ));
        }
        for (attribute, values) in nameless {
            sentences.push(format!(
                "{values} values of the attribute '{attribute}' are not DNs and were left out."
            ));
        }
        if size.accepted < size.configured {
            sentences.push(format!(
                "The server refuses pages of {} entries and takes {}; spec.provider.ldap.pageSize: {} spares it \
                 the refused searches.",
                size.configured, size.accepted, size.accepted
            ));
        }
        sentences
    }
}

fn counted(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

/// An attribute by its name, if the server sent a decent one.
fn named(attribute: &str) -> String {
    let decent = attribute.len() <= 64
        && attribute.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if decent { format!("The attribute '{attribute}'") } else { "An attribute".to_owned() }
}

//! What a person should know of a reading that succeeded: counts, and no person's name.

use std::collections::BTreeMap;

use super::settings::PATH;
use crate::source::ldap_protocol::entry::LeftOut;
use crate::source::ldap_protocol::search::PageSize;

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
        sentences.extend(self.left_out.sentences());
        for (attribute, values) in nameless {
            sentences.push(format!(
                "{values} values of the attribute '{attribute}' are not DNs and were left out."
            ));
        }
        sentences.extend(size.sentence(PATH));
        sentences
    }
}

//! What a server answers to a search, piece by piece.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use lber::structure::{PL, StructureTag};
use ldap3::SearchStream;
use ldap3::controls::Control;

use super::link::Link;
use super::messages::{self, EntryId, Info, State};
use crate::source::SourceError;
use crate::source::ldap_protocol::failure::{Progress, Subject, code};

/// An entry or message of an answer.
#[derive(Debug)]
pub enum Reply {
    /// An entry, still encoded, and what a list of changes says of it.
    Entry(StructureTag, Option<(State, EntryId)>),
    /// Entries are elsewhere; where, is not followed.
    Reference,
    /// A message between the entries of a list of changes.
    Info(Info),
}

/// What a server answers to a search, piece by piece.
pub struct Answer {
    pub(super) stream: SearchStream<'static, String, Vec<String>>,
    pub(super) link: Arc<Link>,
    pub(super) subject: Subject,
    /// Whether its entries are people or groups, not the server's own.
    pub(super) listing: bool,
    pub(super) received: u64,
}

impl Answer {
    /// The next piece; `None` when the server says that there is no more.
    ///
    /// # Errors
    /// When the connection is lost or the server is silent for too long.
    pub async fn next(&mut self) -> Result<Option<Reply>, SourceError> {
        loop {
            let item =
                self.stream.next().await.map_err(|error| self.link.lost(&error, Some(&self.subject)))?;
            self.link.flow.taken();
            let Some(item) = item else { return Ok(None) };
            if item.is_ref() {
                return Ok(Some(Reply::Reference));
            }
            if item.is_intermediate() {
                if let Some(info) = intermediate(item.0) {
                    return Ok(Some(Reply::Info(info)));
                }
                continue;
            }
            self.received += 1;
            self.link.received.fetch_add(u64::from(self.listing), Ordering::Relaxed);
            let state = messages::sync_state(&item.1);
            return Ok(Some(Reply::Entry(item.0, state)));
        }
    }

    /// How the search ended, once [`Answer::next`] has said that there is no more.
    pub async fn finish(mut self) -> Finished {
        let result = self.stream.finish().await;
        if result.rc != code::SUCCESS {
            // What servers write here can quote the names of people.
            tracing::debug!(server = %self.link.endpoint, result = result.rc, text = %result.text, "search ended");
        }
        Finished {
            result: result.rc,
            controls: result.ctrls,
            received: self.received,
            subject: self.subject,
            link: self.link,
        }
    }
}

/// How a search ended.
pub struct Finished {
    /// The result code.
    pub result: u32,
    /// The controls of the result.
    pub controls: Vec<Control>,
    /// How many entries the answer had.
    pub received: u64,
    subject: Subject,
    link: Arc<Link>,
}

impl Finished {
    /// Why the search did not succeed; `before` are entries of earlier pages.
    pub fn failure(&self, before: u64) -> SourceError {
        let Link { endpoint, anonymous, .. } = &*self.link;
        let progress = Progress { endpoint, anonymous: *anonymous, received: before + self.received };
        self.subject.failure(self.result, progress)
    }
}

/// Reads an intermediate response (RFC 4511 section 4.13).
fn intermediate(tag: StructureTag) -> Option<Info> {
    let PL::C(parts) = tag.payload else { return None };
    let mut name = Vec::new();
    let mut value = Vec::new();
    for part in parts {
        match (part.id, part.payload) {
            (0, PL::P(bytes)) => name = bytes,
            (1, PL::P(bytes)) => value = bytes,
            _ => {}
        }
    }
    messages::sync_info(&name, &value)
}

//! Collects records into pages of a bounded size.

use crate::model::Rejected;
use crate::source::Page;
use crate::source::pages::Pages;

/// Records in one page.
const PAGE: usize = 500;

/// Records of one kind that wait for their page to be full.
pub struct Batch<'p, T> {
    pages: &'p Pages,
    page: fn(Vec<T>) -> Page,
    records: Vec<T>,
    rejected: Vec<Rejected>,
}

impl<'p, T> Batch<'p, T> {
    /// An empty batch that becomes pages of a kind.
    pub const fn new(pages: &'p Pages, page: fn(Vec<T>) -> Page) -> Self {
        Self { pages, page, records: Vec::new(), rejected: Vec::new() }
    }

    /// Adds a record, or what could not be read as one; hands out the page when it is full.
    pub async fn push(&mut self, record: Result<T, Rejected>) {
        match record {
            Ok(record) => self.records.push(record),
            Err(rejected) => self.rejected.push(rejected),
        }
        if self.records.len() + self.rejected.len() == PAGE {
            self.send().await;
        }
    }

    /// Hands out what waits.
    pub async fn send(&mut self) {
        if !self.records.is_empty() {
            self.pages.send((self.page)(std::mem::take(&mut self.records))).await;
        }
        if !self.rejected.is_empty() {
            self.pages.send(Page::Rejected(std::mem::take(&mut self.rejected))).await;
        }
    }
}

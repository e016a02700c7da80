//! What a full reading asks of an LDAP server: searches that grow with pages, on one connection.

use crate::reading;
use crate::row::{Bound, Row, number};
use crate::scale::{Scale, size};
use crate::stage::Stage;
use crate::support::ldap::{Company, Operations, Slapd};

/// Entries to a page, unless a Directory says otherwise.
const PAGE: usize = 500;

/// Rows that compare the large company's first sync with that of a small one.
pub async fn rows(scale: &Scale, large: &Operations) -> Vec<Row> {
    let slapd = Slapd::builder().company(scale.small.clone()).start();
    let stage = Stage::new().await;
    stage.apply(&reading::settings(&slapd), "24h").await;
    stage.ready().await;
    let small = slapd.wait_until("the connection is closed", |done| done.closed == 1).await;
    stage.clear().await;

    // Whatever is asked besides pages is asked once, however many people there are.
    let besides = small.searches.len().saturating_sub(pages(&scale.small));
    let mut rows = Vec::new();
    for (company, operations, bound) in [
        (&scale.small, &small, None),
        (&scale.company, large, Some(Bound::AtMost(number(pages(&scale.company) + besides)))),
    ] {
        let of = size(company);
        rows.push(
            Row::count(format!("LDAP, {of}: searches"), operations.searches.len(), "")
                .floor(number(pages(company)))
                .bound(bound),
        );
        let connections = Row::count(format!("LDAP, {of}: connections"), operations.connections, "");
        rows.push(connections.bound(Bound::Exactly(1.0)));
        let unclosed = operations.connections - operations.closed;
        rows.push(
            Row::count(format!("LDAP, {of}: connections left open"), unclosed, "").bound(Bound::Exactly(0.0)),
        );
    }
    rows
}

/// The least number of searches by which everybody and every group can be had.
pub fn pages(company: &Company) -> usize {
    company.users.div_ceil(PAGE) + company.groups.div_ceil(PAGE)
}

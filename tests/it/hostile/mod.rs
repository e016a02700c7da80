//! Values that nobody means well with, from the source to the cluster: the person is kept, the value is cleaned or
//! left out, and the status says how many.

mod entries;
mod tables;

use directory_sync::model::User;

use crate::support::stage::{LIMIT, Stage};
use crate::support::wait::eventually;

/// A text of a megabyte.
fn megabyte() -> String {
    "x".repeat(1 << 20)
}

/// Waits for the user with an e-mail address.
async fn user(stage: &Stage, email: &str) -> User {
    eventually("the person is there", LIMIT, async || {
        let mut users = stage.users().await.into_iter().map(|user| user.spec.user);
        let found = users.find(|user| user.email.as_deref() == Some(email));
        found.ok_or_else(|| stage.operator.log())
    })
    .await
}

/// Whether the status tells this.
async fn assert_noted(stage: &Stage, name: &str, expected: &str) {
    let notes = stage.status(name).await.notes;
    assert!(notes.iter().any(|note| note == expected), "'{expected}' is not in {notes:#?}");
}

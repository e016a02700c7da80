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

/// Waits until the status tells this: people are there before it.
async fn noted(stage: &Stage, name: &str, expected: &str) {
    eventually("the status tells it", LIMIT, async || {
        let notes = stage.status(name).await.notes;
        let told = notes.iter().any(|note| note == expected);
        if told {
            Ok(())
        } else {
            Err(format!("'{expected}' is not in {notes:#?}\n{}", stage.operator.log()))
        }
    })
    .await;
}

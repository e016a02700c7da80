//! Makes a person's mirror inactive and leaves the rest as it is: the directory says nothing of them
//! any more, so the mirror itself is all that is known.

use super::object;
use super::writer::{Outcome, Writer, outcome_of};
use crate::api::DirectoryUser;
use crate::model::{ContentHash, MirrorName, State, User};
use crate::plan::{Content, Mirror};

impl Writer<'_> {
    /// Reads the mirror and writes it with the state `Inactive`.
    pub(super) async fn deactivate(&self, name: MirrorName) -> Outcome {
        let found: DirectoryUser = match self.get(&self.item(name)).await {
            Ok(found) => found,
            Err(error) => return outcome_of(&error),
        };
        let Some((_, _, observed)) = object::observe(&found.metadata) else {
            return Outcome::Failed(format!("{name} is not a mirror any more"));
        };
        let mut user = found.spec.user;
        user.state = State::Inactive;
        match inactive(name, &user) {
            Ok(mirror) => match self.update(mirror, observed).await {
                Outcome::Updated => Outcome::Deactivated,
                outcome => outcome,
            },
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }
}

fn inactive(name: MirrorName, user: &User) -> Result<Mirror, serde_json::Error> {
    let (hash, content) = (ContentHash::of(user)?, Content::of(user)?);
    Ok(Mirror { name, hash, state: Some(user.state), members: 0, content })
}

//! What becomes of a sync when its Directory is changed before it has ended.

use crate::api::{Directory, DirectorySpec};

/// Whether a sync that has not begun would work by something else than it was wanted for.
pub fn is_another(known: &Directory, now: &Directory) -> bool {
    known.metadata.generation != now.metadata.generation || now.metadata.deletion_timestamp.is_some()
}

/// Whether a sync that has begun is not to write any more: nothing is to be written now, or what it reads is not
/// what is to be read. Any other change is made to the mirrors after it.
pub fn withdraws(known: &DirectorySpec, now: &DirectorySpec) -> bool {
    now.sync.suspend || (now.sync.dry_run && !known.sync.dry_run) || now.provider != known.provider
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(patch: &Value) -> DirectorySpec {
        let mut spec = json!({"provider": {"csv": {"from": {"configMap": {"name": "people"}}}}});
        json_patch::merge(&mut spec, patch);
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn a_sync_ends_when_nothing_is_to_be_written_or_something_else_is_to_be_read_and_goes_on_otherwise() {
        let known = spec(&json!({}));
        for patch in [
            json!({"sync": {"suspend": true}}),
            json!({"sync": {"dryRun": true}}),
            json!({"provider": {"csv": {"from": {"configMap": {"name": "others"}}}}}),
        ] {
            assert!(withdraws(&known, &spec(&patch)), "{patch}");
        }
        for patch in [json!({}), json!({"scope": {"users": "true"}}), json!({"sync": {"interval": "1h"}})] {
            assert!(!withdraws(&known, &spec(&patch)), "{patch}");
        }
        let dry = spec(&json!({"sync": {"dryRun": true}}));
        assert!(!withdraws(&dry, &dry) && !withdraws(&dry, &known), "it writes nothing");
    }
}

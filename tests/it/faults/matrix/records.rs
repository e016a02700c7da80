//! F20 to F27: what the source says of people and groups, and who would go.

use super::{Fault, Sign, case, held_losses, output_sign, ready, shown, source_sign};

/// The rows of this chapter, in order.
pub(super) static ROWS: &[&Fault] = &[&F20, &F21, &F22, &F23, &F24, &F25, &F26, &F27];

pub static F20: Fault = shown(
    "F20",
    "Most people are gone at once",
    "All losses are held as one plan. Whoever is new or changed is written as ever.",
    &[held_losses(&[
        "people would be deleted",
        "more than spec.deletion.guard allows",
        "set spec.deletion.guard.approvedPlan to",
    ])],
    "Mend the source, or look at the plan (`directory-sync plan show`) and approve it \
     (`directory-sync plan approve`).",
);

pub static F21: Fault = shown(
    "F21",
    "A few people go with each sync",
    "What went within 24 hours counts together, over restarts too. Above the limits the next \
     losses are held.",
    &[held_losses(&["would be deleted (after", "that went within the last 24 hours)"])],
    "As F20. An approval begins the 24 hours anew.",
);

pub static F22: Fault = shown(
    "F22",
    "Two people have one e-mail address or user name",
    "Each keeps an object of their own. Nobody is merged; `status.conflicts` counts them.",
    &[case(
        "",
        Sign::Event {
            reason: "Conflict",
            note: &["people share an e-mail address", "nobody is merged", "correct them at the source"],
        },
    )],
    "Correct them at the source.",
);

pub static F23: Fault = shown(
    "F23",
    "Somebody gets another name",
    "It is the same object with another content: its name comes from the id that never \
     changes. Groups keep them.",
    &[ready(&["people and groups are up to date"])],
    "Nothing.",
);

pub static F24: Fault = shown(
    "F24",
    "A new person gets the name and address of somebody who is gone",
    "They have another id, so they get an object of their own, and inherit nothing.",
    &[ready(&["people and groups are up to date"])],
    "Nothing.",
);

pub static F25: Fault = shown(
    "F25",
    "An attribute is huge, no text, or deceives who reads it",
    "The person is kept. What does not fit is left out, and characters that control or deceive \
     are taken out.",
    &[
        case("it is too large", Sign::Note("has values of more than 64 KiB in 1 entry, which were left out")),
        case("it is no text", Sign::Note("is not text (UTF-8) in 1 entry and was left out there")),
    ],
    "Correct it at the source, if it matters.",
);

pub static F26: Fault = shown(
    "F26",
    "Records cannot be read or decided",
    "Each is held back: its last mirror stays, and the others go on. Of too many, nothing of \
     the reading is written.",
    &[
        case(
            "",
            Sign::HeldBack {
                reason: "MissingAttribute",
                example: &["the required attribute 'badge' is missing", "correct it at the source"],
            },
        ),
        case(
            "there are too many",
            source_sign("TooManyHeldBack", &["records are held back, and spec.quarantine allows"]),
        ),
    ],
    "`directory-sync quarantine list` says how many, and why. Correct them at the source, or \
     raise `quarantine`.",
);

pub static F27: Fault = shown(
    "F27",
    "A group is very large, or groups contain each other",
    "A group that a server sends in parts is read whole. With `output.mode: Objects`, one of \
     more than 1,000 members stays as it was, and all others are written. Circles of groups \
     are written as they are, and roles follow them once.",
    &[case("it is too large", output_sign("TooManyMembers", &["1 group does not fit and stays as it was"]))],
    "Split the group, or leave it out with `scope.groups`.",
);

//! F01 to F19: the source does not answer, answers in part, or says what cannot be true.

use super::{Case, Fault, Sign, case, held_losses, not_shown, ready, shown, source, source_sign};

/// The log says why a list of changes was not trusted.
const fn reads_everything(reason: &'static [&'static str]) -> Case {
    case("", Sign::Log(reason))
}

/// The rows of this chapter, in order.
pub(super) static ROWS: &[&Fault] = &[
    &F01, &F02, &F03, &F04, &F05, &F06, &F07, &F08, &F09, &F10, &F11, &F12, &F13, &F14, &F15, &F16, &F17,
    &F18, &F19,
];

pub static F01: Fault = shown(
    "F01",
    "The source answers completely, and with nobody at all",
    "Nobody is deleted, deactivated or taken out of a group: a source that is empty has lost something. Where it is \
     meant, the Directory's own uid says so, and the losses need an approval as well.",
    &[source(
        "EmptyResult",
        &[
            "has no people at all",
            "mirrors stay as they are",
            "check the base, the filter, the scope and the account's rights",
        ],
    )],
    "Try base and filter by hand, as the same account. The next complete answer ends it.",
);

pub static F02: Fault = shown(
    "F02",
    "The source cannot be reached",
    "The mirrors stay as they are. It is asked again with growing delays, up to 15 minutes; \
     `directory_sync_last_success_timestamp_seconds` stands still meanwhile.",
    &[
        case(
            "nothing listens",
            source_sign(
                "Unreachable",
                &["cannot be reached: nothing listens there", "check spec.provider.ldap.url"],
            ),
        ),
        case("the name is unknown", source_sign("Unreachable", &["its name cannot be resolved"])),
        case(
            "it connects and stays silent",
            source_sign("Unreachable", &["was silent for", "spec.provider.ldap.timeoutSeconds"]),
        ),
    ],
    "Mend the server, its name or the way to it. The next try comes by itself; \
     `status.retryTime` says when.",
);

pub static F03: Fault = shown(
    "F03",
    "The source fails in the middle of a listing",
    "What has come is discarded, and everything is read again at the next try. Nobody is taken \
     for missing.",
    &[
        case(
            "the connection breaks",
            source_sign(
                "Incomplete",
                &["closed the connection during the search for people, after", "it is asked again later"],
            ),
        ),
        case(
            "the server is busy",
            source_sign(
                "Incomplete",
                &["is busy or unavailable after", "(result 51 busy)", "it is asked again later"],
            ),
        ),
    ],
    "Nothing, if it passes. If it stays, the server's log says why.",
);

pub static F04: Fault = shown(
    "F04",
    "A page is empty, and others follow",
    "The listing goes on to its own end: an empty page is none.",
    &[ready(&["people and groups are up to date"])],
    "Nothing.",
);

pub static F05: Fault = shown(
    "F05",
    "A listing ends without saying that it is complete",
    "It counts as broken off. Nobody is taken for missing.",
    &[
        case(
            "the end mark of a page is missing",
            source_sign(
                "Incomplete",
                &["did not say whether there are more people after", "have paging (RFC 2696) enabled"],
            ),
        ),
        case(
            "a table ends in the middle of a row",
            source_sign("Incomplete", &["ends inside a quoted cell of the row that begins on line"]),
        ),
    ],
    "Enable paging on the server, or write the table anew.",
);

pub static F06: Fault = not_shown(
    "F06",
    "The source counts others than it lists",
    "No source says beforehand how many there are: LDAP's paging has an estimate that means \
     nothing, and tables have none.",
);

pub static F07: Fault = shown(
    "F07",
    "The place in a listing expires before the next page is asked for",
    "What has come is discarded, and the next try begins with the first page. Nobody is taken \
     for missing.",
    &[source(
        "Incomplete",
        &["stopped after", "(result 53 unwillingToPerform)", "it is unwilling to go on with this search"],
    )],
    "Nothing, if it passes. If it stays, let the server keep searches open for longer, or set \
     another `pageSize`.",
);

pub static F08: Fault = shown(
    "F08",
    "People move between pages while they are listed",
    "Whoever comes twice is one. Whoever does not come at all is missing, and keeps their \
     mirror until the grace time is over and another complete reading does not show them \
     either.",
    &[ready(&["1 that is missing stays until its grace time is over", "see status.missing"])],
    "Nothing: the next listing shows them again.",
);

pub static F09: Fault = not_shown(
    "F09",
    "The source says how long to wait (429 with Retry-After)",
    "No source names a time: LDAP has no word for it, and a bucket's SlowDown is F10.",
);

pub static F10: Fault = shown(
    "F10",
    "The source has too much to do, and names no time",
    "It counts as something that passes, not as a refusal of the account. It is asked again \
     with growing delays.",
    &[
        case(
            "an LDAP server is busy",
            source_sign(
                "Unreachable",
                &["is busy or unavailable", "(result 51 busy)", "it is asked again later"],
            ),
        ),
        case(
            "a bucket slows down",
            source_sign("Unreachable", &["cannot be read now (SlowDown)", "it is tried again"]),
        ),
    ],
    "Nothing, if it passes. If it stays, lengthen `spec.sync.interval`.",
);

pub static F11: Fault = shown(
    "F11",
    "The source refuses the account",
    "The mirrors stay as they are. It is tried again rarely, so that no account is locked out, \
     and at once when the Secret changes.",
    &[source("Unauthorized", &["refuses the account in Secret", "correct its keys 'bindDN' and 'password'"])],
    "Put the right password into the Secret that the message names. It is noticed within ten \
     seconds.",
);

pub static F12: Fault = shown(
    "F12",
    "The password is changed while the source is being read",
    "The reading under way ends as it began, the next one takes the new password from the \
     Secret, and no mirror changes.",
    &[ready(&["people and groups are up to date"])],
    "Nothing, if source and Secret change at the same time; between the two it is F11.",
);

pub static F13: Fault = not_shown(
    "F13",
    "A token expires while the source is being read",
    "No source hands out tokens: LDAP signs in once for each connection, and a bucket's \
     requests are signed one by one.",
);

pub static F14: Fault = shown(
    "F14",
    "An account loses the right to read some attributes",
    "What many people had and nobody has any more stays as it was, and whoever was disabled stays \
     disabled. Groups that all become empty at once keep their members. Everything else goes on.",
    &[
        source("PermissionReduced", &["any more, as", "the old values stay", "approvedPlan to"]),
        case("", Sign::Event { reason: "PermissionReduced", note: &["the old values stay"] }),
        case("", Sign::Metric("directory_sync_kept_attributes")),
    ],
    "Give the account its right back, or approve the plan if it is meant. See \
     [DirectoryPermissionReduced](runbooks/DirectoryPermissionReduced.md).",
);

pub static F15: Fault = shown(
    "F15",
    "The scope is changed, and leaves most people out",
    "Losses by a change of the spec are losses like others: above the limits all of them are \
     held.",
    &[held_losses(&[
        "people would be deleted",
        "more than spec.deletion.guard allows",
        "set spec.deletion.guard.approvedPlan to",
    ])],
    "Correct `scope`, or approve the plan.",
);

pub static F16: Fault = shown(
    "F16",
    "The source does not know the place in its list of changes any more",
    "Everything is read in the same run, with all checks of a complete reading.",
    &[reads_everything(&["reading everything instead of changes"])],
    "Nothing.",
);

pub static F17: Fault = shown(
    "F17",
    "The place in the list of changes is old",
    "Once in `sync.fullInterval` everything is read although the list of changes is good.",
    &[ready(&["people and groups are up to date"])],
    "Nothing.",
);

pub static F18: Fault = shown(
    "F18",
    "A list of changes repeats what it has said",
    "What is known is no news: no mirror is written.",
    &[ready(&["people and groups are up to date"])],
    "Nothing.",
);

pub static F19: Fault = shown(
    "F19",
    "A list of changes takes somebody away who was never there",
    "A list of changes deletes nobody. Everything is read in the same run, and nothing is \
     found to have changed.",
    &[reads_everything(&["reading everything instead of changes", "are gone"])],
    "Nothing.",
);

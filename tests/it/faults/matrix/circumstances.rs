//! F51 to F54: what is around the operator changes.

use super::{Case, Fault, Sign, case, ready, shown, source, source_sign};

const ALL_WELL: Case = ready(&["people and groups are up to date"]);

/// The rows of this chapter, in order.
pub(super) static ROWS: &[&Fault] = &[&F51, &F52, &F53, &F54];

pub static F51: Fault = shown(
    "F51",
    "A certificate cannot be trusted",
    "No password is sent, and there is no way around it but the spec's own. The mirrors stay \
     as they are.",
    &[
        case(
            "an authority has expired",
            source_sign(
                "Misconfigured",
                &[
                    "a certificate of an authority in ConfigMap",
                    "expired on",
                    "put the authority's current certificate there",
                ],
            ),
        ),
        case(
            "another authority has signed",
            source_sign(
                "Misconfigured",
                &["is not signed by the authorities in ConfigMap", "under 'ca.crt'"],
            ),
        ),
        case(
            "it is for another name",
            source_sign("Misconfigured", &["is not for the name", "spec.provider.ldap.url"]),
        ),
        case(
            "it has expired",
            source_sign("Misconfigured", &["has expired", "have it renewed on the server"]),
        ),
    ],
    "Put the right authority into the object that the message names, or have the server's \
     certificate renewed.",
);

pub static F52: Fault = shown(
    "F52",
    "A new version of the operator writes mirrors in another way",
    "Each mirror is written anew once, as the same object. Changes are no losses: the guard \
     holds nothing back.",
    &[ALL_WELL],
    "Nothing.",
);

pub static F53: Fault = shown(
    "F53",
    "Another organisation's directory answers at the same address",
    "Nothing of it is read or written until the spec names it.",
    &[source("TenantChanged", &["set spec.tenant to", "Nothing is written"])],
    "Correct the address; or, if it is meant, set `spec.tenant` to what the message says.",
);

pub static F54: Fault = shown(
    "F54",
    "The cluster is restored from an old backup",
    "A checkpoint of another Directory's life is not believed: everything is read, mirrors are \
     taken over as they are, and whoever is missing gets the whole grace time again.",
    &[case(
        "",
        Sign::Condition {
            kind: "Ready",
            holds: true,
            reason: "Synced",
            message: &["people and groups are up to date", "see status.missing"],
        },
    )],
    "Nothing.",
);

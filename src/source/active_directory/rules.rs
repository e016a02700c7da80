//! What the schema refuses of a domain's settings beyond those of any LDAP directory, with the words for it.

use kube::core::Rule;

use super::schema::{BACK_LINK, NOT_IN_CHANGES};
use crate::api::rule::field;

/// One way of encryption is for all domain controllers.
pub fn urls_of_one_kind() -> Rule {
    let kind = |it: &str, scheme: &str| format!("{it}.all(url, url.startsWith('{scheme}'))");
    let condition = |it: &str| format!("({} || {})", kind(it, "ldaps://"), kind(it, "ldap://"));
    field("urls", condition, "all urls must be of one kind, either ldaps:// or ldap://")
}

/// The Global Catalog would give a part of everybody.
pub fn no_global_catalog() -> Rule {
    field(
        "urls",
        |it| format!("!{it}.exists(url, url.matches(':326[89]/?$'))"),
        "ports 3268 and 3269 are the Global Catalog, which has only a part of each person's attributes and of groups' \
         members: use 636 or 389, or leave the port out",
    )
}

/// A copy of the attributes can be kept true.
pub fn all_in_changes(name: &str) -> Rule {
    let unknown = format!("(?i)^({}|.*{BACK_LINK})$", NOT_IN_CHANGES.join("|"));
    field(
        name,
        |it| format!("!{it}.exists(name, name.matches(r'{unknown}'))"),
        "attributes that are computed, or kept by each domain controller for itself, such as memberOf or lastLogon, \
         or the other side of a link, such as publicDelegatesBL, are not read, because a copy of them would be untrue: remove them",
    )
}

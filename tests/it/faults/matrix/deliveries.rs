//! F43 to F50: webhooks that the operator would send, and SCIM that it would take.

use super::{Fault, not_shown};

/// There is nothing that could go wrong.
const NO_WEBHOOKS: &str = "The operator sends no webhooks: applications watch objects or read a ConfigMap.";
const NO_SCIM: &str = "The operator takes no SCIM requests: it asks every source by itself.";

/// The rows of this chapter, in order.
pub(super) static ROWS: &[&Fault] = &[&F43, &F44, &F45, &F46, &F47, &F48, &F49, &F50];

static F43: Fault = not_shown("F43", "A receiver of webhooks fails for hours", NO_WEBHOOKS);
static F44: Fault =
    not_shown("F44", "A receiver of webhooks is gone, moved or throttles (410, 3xx, 429)", NO_WEBHOOKS);
static F45: Fault = not_shown("F45", "A receiver of one Directory's webhooks is slow", NO_WEBHOOKS);
static F46: Fault = not_shown("F46", "There is no room for more webhooks that wait", NO_WEBHOOKS);
static F47: Fault = not_shown("F47", "A SCIM client repeats a creation whose answer it did not get", NO_SCIM);
static F48: Fault =
    not_shown("F48", "A SCIM client changes what is unknown, or writes it in another way", NO_SCIM);
static F49: Fault = not_shown("F49", "A SCIM client deletes or deactivates most people", NO_SCIM);
static F50: Fault = not_shown("F50", "A SCIM client's token is replaced", NO_SCIM);

//! Turns LDAP result codes (RFC 4511 appendix A) into what happened and what to do next.

use super::wire::{Endpoint, Wording};
use crate::source::{Class, SourceError};

/// Result codes by their names in RFC 4511 and RFC 4533.
pub mod code {
    /// success.
    pub const SUCCESS: u32 = 0;
    /// operationsError.
    pub const OPERATIONS_ERROR: u32 = 1;
    /// timeLimitExceeded.
    pub const TIME_LIMIT_EXCEEDED: u32 = 3;
    /// sizeLimitExceeded.
    pub const SIZE_LIMIT_EXCEEDED: u32 = 4;
    /// authMethodNotSupported.
    pub const AUTH_METHOD_NOT_SUPPORTED: u32 = 7;
    /// strongerAuthRequired.
    pub const STRONGER_AUTH_REQUIRED: u32 = 8;
    /// referral.
    pub const REFERRAL: u32 = 10;
    /// adminLimitExceeded.
    pub const ADMIN_LIMIT_EXCEEDED: u32 = 11;
    /// unavailableCriticalExtension.
    pub const UNAVAILABLE_CRITICAL_EXTENSION: u32 = 12;
    /// confidentialityRequired.
    pub const CONFIDENTIALITY_REQUIRED: u32 = 13;
    /// noSuchObject.
    pub const NO_SUCH_OBJECT: u32 = 32;
    /// invalidDNSyntax.
    pub const INVALID_DN_SYNTAX: u32 = 34;
    /// inappropriateAuthentication.
    pub const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
    /// invalidCredentials.
    pub const INVALID_CREDENTIALS: u32 = 49;
    /// insufficientAccessRights.
    pub const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
    /// busy.
    pub const BUSY: u32 = 51;
    /// unavailable.
    pub const UNAVAILABLE: u32 = 52;
    /// unwillingToPerform.
    pub const UNWILLING_TO_PERFORM: u32 = 53;
}

/// A result code with its name, as administrators look it up.
pub fn result_name(code: u32) -> String {
    let name = match code {
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        16 => "noSuchAttribute",
        17 => "undefinedAttributeType",
        18 => "inappropriateMatching",
        21 => "invalidAttributeSyntax",
        32 => "noSuchObject",
        34 => "invalidDNSyntax",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        80 => "other",
        4096 => "e-syncRefreshRequired",
        _ => return format!("result {code}"),
    };
    format!("result {code} {name}")
}

/// Which search failed, in the words of a Directory's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// `people` or `groups`.
    pub noun: &'static str,
    /// The field of the provider's settings that describes the search.
    pub field: &'static str,
    /// The entry below which the search looks.
    pub base_dn: String,
}

/// Where and how far a search was when it failed.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The server.
    pub endpoint: &'a Endpoint,
    /// Whether nobody signed in.
    pub anonymous: bool,
    /// Entries that came before the failure.
    pub received: u64,
}

impl Subject {
    /// Why a search did not succeed.
    pub fn failure(&self, result: u32, at: Progress<'_>) -> SourceError {
        let Self { noun, field, base_dn } = self;
        let endpoint = at.endpoint;
        let Wording { path, url, account: name_key } = endpoint.wording;
        let result_text = result_name(result);
        let account = if at.anonymous { "anonymous access" } else { "the bind account" };
        let class = if at.received > 0 { Class::Incomplete } else { Class::Transient };
        let stopped = format!("{endpoint} stopped after {} {noun} ({result_text})", at.received);
        match result {
            code::SIZE_LIMIT_EXCEEDED => SourceError::incomplete(format!(
                "{stopped}: its size limit for {account} is below the number of {noun}; ask the directory's \
                 administrator to lift it (OpenLDAP: limits … size.prtotal=unlimited; \
                 389 Directory Server: nsPagedSizeLimit -1)"
            )),
            code::TIME_LIMIT_EXCEEDED => SourceError::incomplete(format!(
                "{stopped}: its time limit for {account} is too short for this search; ask the directory's \
                 administrator to raise it or to index the attributes in {path}.{field}.filter"
            )),
            code::ADMIN_LIMIT_EXCEEDED => SourceError::incomplete(format!(
                "{stopped}: an administrative limit for {account} is below what this search needs; ask the \
                 directory's administrator to raise it (OpenLDAP: limits … size.pr, size.prtotal and size.unchecked; \
                 389 Directory Server: nsslapd-lookthroughlimit)"
            )),
            code::NO_SUCH_OBJECT => SourceError::misconfigured(format!(
                "{endpoint} knows no entry '{base_dn}' ({result_text}); correct \
                 {path}.{field}.baseDN, or have {account} given the right to read it"
            )),
            code::INVALID_DN_SYNTAX => SourceError::misconfigured(format!(
                "{endpoint} does not take '{base_dn}' for a DN ({result_text}); correct {path}.{field}.baseDN"
            )),
            code::REFERRAL => SourceError::misconfigured(format!(
                "{endpoint} does not hold '{base_dn}' but refers to another server ({result_text}), and referrals \
                 are not followed; write the url of the server that holds it into {url}"
            )),
            code::INSUFFICIENT_ACCESS_RIGHTS => SourceError::unauthorized(format!(
                "{endpoint} does not let {account} search for {noun} below '{base_dn}' ({result_text}); have it \
                 given the right to read them"
            )),
            code::OPERATIONS_ERROR if at.anonymous => SourceError::unauthorized(format!(
                "{endpoint} does not answer anonymous searches ({result_text}); name a Secret with {name_key} and \
                 password in {path}.credentialsSecretRef"
            )),
            code::STRONGER_AUTH_REQUIRED | code::CONFIDENTIALITY_REQUIRED => {
                encryption_required(endpoint, result)
            }
            code::UNAVAILABLE_CRITICAL_EXTENSION => SourceError::misconfigured(format!(
                "{endpoint} does not offer paged results for '{base_dn}' ({result_text}), without which a listing \
                 cannot be known to be complete; have paging (RFC 2696) enabled on the server"
            )),
            code::BUSY | code::UNAVAILABLE => SourceError::new(
                class,
                format!(
                    "{endpoint} is busy or unavailable after {} {noun} ({result_text}); it is asked again later",
                    at.received
                ),
            ),
            code::UNWILLING_TO_PERFORM => SourceError::incomplete(format!(
                "{stopped}: it is unwilling to go on with this search; its log says why"
            )),
            _ => SourceError::new(
                class,
                format!("{stopped}; the server's log says why, and it is asked again later"),
            ),
        }
    }
}

/// Why Active Directory refused to let an account sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code in its text, as administrators look it up: `52e`.
    pub code: &'static str,
    /// What is wrong.
    pub reason: &'static str,
    /// What to do, where it is something else than to correct the Secret.
    pub remedy: Option<&'static str>,
}

/// What Active Directory's codes mean: the Windows error codes of a sign-in, in hexadecimal digits.
const REFUSALS: &[Refusal] = &[
    Refusal { code: "525", reason: "there is no such account", remedy: None },
    Refusal { code: "52e", reason: "wrong name or password", remedy: None },
    Refusal {
        code: "530",
        reason: "the account may not sign in at this time of day",
        remedy: Some("have its logon hours lifted (logonHours)"),
    },
    Refusal {
        code: "531",
        reason: "the account may not sign in from here",
        remedy: Some("have its list of workstations lifted (userWorkstations)"),
    },
    Refusal {
        code: "532",
        reason: "the account's password has expired",
        remedy: Some("have a new password set, best one that never expires, and write it into the Secret"),
    },
    Refusal { code: "533", reason: "the account is disabled", remedy: Some("have it enabled") },
    Refusal {
        code: "701",
        reason: "the account has expired",
        remedy: Some("have its date of expiry moved or removed (accountExpires)"),
    },
    Refusal {
        code: "773",
        reason: "the account's password must be changed before its first use",
        remedy: Some("have a password set that need not be changed, and write it into the Secret"),
    },
    Refusal {
        code: "775",
        reason: "the account is locked out",
        remedy: Some("have it unlocked, and find out who else signs in as it with a wrong password"),
    },
];

/// Why Active Directory refused to let an account sign in, by the code in its text: the result
/// code alone is the same for all of them.
pub fn refusal(text: &str) -> Option<Refusal> {
    let (_, rest) = text.split_once("data ")?;
    let code = rest.split(|character: char| !character.is_ascii_alphanumeric()).next()?;
    REFUSALS.iter().find(|refusal| refusal.code.eq_ignore_ascii_case(code)).copied()
}

/// The server insists on TLS.
pub fn encryption_required(endpoint: &Endpoint, result: u32) -> SourceError {
    SourceError::misconfigured(format!(
        "{endpoint} takes only encrypted connections ({}); use an ldaps:// url or set \
         {}.startTLS: true",
        result_name(result),
        endpoint.wording.path
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_that_active_directory_gives_is_read_from_its_text() {
        let text = "80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 775, v4563";
        let reason = |text: &str| refusal(text).map(|refusal| refusal.reason);
        assert_eq!(reason(text), Some("the account is locked out"));
        assert_eq!(reason("data 52e"), Some("wrong name or password"));
        assert_eq!(refusal("data 12345, v1"), None);
        assert_eq!(refusal("invalid credentials"), None);
    }
}

//! Members from other domains, for which a domain keeps only a placeholder.

use std::collections::BTreeSet;

use super::values::ExtendedName;
use crate::source::ldap_protocol::dn;

/// The container of placeholders; it cannot be renamed.
const CONTAINER: &str = "CN=ForeignSecurityPrincipals";

/// How many domains are named.
const MAX_NAMED: usize = 5;

/// The placeholders that were met among members.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    container: String,
    members: u64,
    domains: BTreeSet<String>,
}

impl Foreign {
    /// None yet, in a domain.
    pub fn new(domain: &str) -> Self {
        Self { container: format!("{CONTAINER},{domain}"), ..Self::default() }
    }

    /// Whether a member is a placeholder; if so, it is counted.
    pub fn is(&mut self, name: &ExtendedName<'_>) -> bool {
        if !name.dn.to_ascii_lowercase().contains("cn=foreignsecurityprincipals,") {
            return false;
        }
        let foreign = dn::is_within(name.dn, &self.container);
        if foreign {
            self.members += 1;
            if let Some(sid) = name.sid {
                self.domains.insert(domain_of(sid).to_owned());
            }
        }
        foreign
    }

    /// What a person should know of them.
    pub fn sentence(&self) -> Option<String> {
        (self.members > 0).then(|| {
            let named: Vec<&str> = self.domains.iter().take(MAX_NAMED).map(String::as_str).collect();
            let more = self.domains.len().saturating_sub(named.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let of = if named.is_empty() { String::new() } else { format!(" of {}{more}", named.join(", ")) };
            format!(
                "{} member(s) of groups are foreign security principals{of}, people or groups of other domains or \
                 of the system; they are left out. A Directory for the other domain has its people.",
                self.members
            )
        })
    }
}

/// The domain of a security id: all but its last part. The system's own short ones are left whole.
fn domain_of(sid: &str) -> &str {
    match sid.rsplit_once('-') {
        Some((domain, _)) if sid.starts_with("S-1-5-21-") => domain,
        _ => sid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_counted_and_their_domains_named_but_nobody_in_them() {
        let mut foreign = Foreign::new("DC=ad,DC=example");
        for (text, expected) in [
            (
                "<SID=S-1-5-21-1-2-3-1105>;CN=S-1-5-21-1-2-3-1105,CN=ForeignSecurityPrincipals,DC=ad,DC=example",
                true,
            ),
            ("<SID=S-1-5-11>;CN=S-1-5-11,CN=foreignSecurityPrincipals,dc=AD,DC=example", true),
            ("<SID=S-1-5-21-9-9-9-1106>;CN=Ada,OU=People,DC=ad,DC=example", false),
            ("CN=x,CN=ForeignSecurityPrincipals,DC=other", false),
        ] {
            assert_eq!(foreign.is(&ExtendedName::parse(text)), expected, "{text}");
        }
        let sentence = foreign.sentence().unwrap();
        assert!(
            sentence.starts_with("2 member(s)") && sentence.contains("S-1-5-11, S-1-5-21-1-2-3,"),
            "{sentence}"
        );
        assert!(!sentence.contains("1105"), "{sentence}");
        assert_eq!(Foreign::new("DC=ad").sentence(), None);
    }
}

//! The sample company as entries of a domain, and its accounts.

use std::fmt::Write as _;

use super::DOMAIN;
use crate::support::company::{CANARY, Company, Person};

/// Where people are.
pub const PEOPLE: &str = "OU=People,OU=Company,DC=ad,DC=example,DC=test";
/// Where groups are.
pub const GROUPS: &str = "OU=Groups,OU=Company,DC=ad,DC=example,DC=test";
/// Where nothing is, for tests that make entries of their own.
pub const LAB: &str = "OU=Lab,DC=ad,DC=example,DC=test";

/// The name of a person's entry.
pub fn user_dn(user_name: &str) -> String {
    format!("CN={user_name},{PEOPLE}")
}

/// The name of a group's entry.
pub fn group_dn(name: &str) -> String {
    format!("CN={name},{GROUPS}")
}

/// A person's attributes. The password stands where domains do not take it for one, so that it is
/// readable: it must not be read all the same.
pub fn attributes(person: &Person) -> String {
    let Person { user_name, given, family, email, title, manager } = person;
    let mut text = format!(
        "objectClass: user\nsAMAccountName: {user_name}\nuserPrincipalName: {email}\nuserAccountControl: 544\n\
         givenName: {given}\nsn: {family}\nmail: {email}\nproxyAddresses: SMTP:{email}\n\
         proxyAddresses: smtp:{user_name}@elsewhere.example\ntitle: {title}\nuserPassword: {CANARY}\n"
    );
    if let Some(manager) = manager {
        writeln!(text, "manager: {}", user_dn(manager)).unwrap();
    }
    text
}

/// The sample company, and the accounts `reader` and `clerk`.
pub fn ldif() -> String {
    ldif_of(&Company::sample())
}

/// As [`ldif`], of any company.
pub fn ldif_of(company: &Company) -> String {
    let mut text = String::new();
    for unit in [&format!("OU=Company,{DOMAIN}"), PEOPLE, GROUPS, LAB] {
        write!(text, "dn: {unit}\nobjectClass: organizationalUnit\n\n").unwrap();
    }
    for account in ["reader", "clerk"] {
        write!(
            text,
            "dn: CN={account},CN=Users,{DOMAIN}\nobjectClass: user\nsAMAccountName: {account}\n\
             userPrincipalName: {account}@ad.example.test\nuserAccountControl: 544\n\n"
        )
        .unwrap();
    }
    for person in &company.people {
        writeln!(text, "dn: {}\n{}", user_dn(&person.user_name), attributes(person)).unwrap();
    }
    for group in &company.groups {
        write!(text, "dn: {}\nobjectClass: group\nsAMAccountName: {}\n", group_dn(&group.name), group.name)
            .unwrap();
        for member in &group.members {
            writeln!(text, "member: {}", user_dn(member)).unwrap();
        }
        text.push('\n');
    }
    text
}

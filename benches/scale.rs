//! How large everything is that is measured.

use crate::support::ldap::Company;

/// The sizes of one run.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Whether this is the short run, whose figures say little of a large directory.
    pub quick: bool,
    /// How often the first sync and its floor are measured; the middle one counts.
    pub rounds: usize,
    /// As `rounds`, of the peer's workload: its bound is a time, not a share of the floor, and the apiserver
    /// collects its garbage in the middle of one round and not of another.
    pub peer_rounds: usize,
    /// The company of the first sync, the second, and the change.
    pub company: Company,
    /// The company that the number of searches is compared with.
    pub small: Company,
    /// The company in slices.
    pub large: Company,
    /// How many people the computation alone is about.
    pub core_people: usize,
    /// How many people, and how many memberships, are in the tables of files.
    pub table_people: usize,
    /// How many people are changed, one after the other; the slowest counts.
    pub changes: usize,
    /// The company of the comparison with the peer.
    pub peer: Company,
    /// The company in a domain of Active Directory.
    pub domain: Company,
}

impl Scale {
    /// The sizes that `QUICK` in the environment asks for.
    pub fn chosen() -> Self {
        let quick = std::env::var("QUICK").is_ok_and(|value| !value.is_empty() && value != "0");
        if quick { Self::quick() } else { Self::full() }
    }

    fn full() -> Self {
        Self {
            quick: false,
            rounds: 3,
            peer_rounds: 5,
            company: company(10_000, 500, 20),
            small: company(1_000, 50, 20),
            large: company(100_000, 2_000, 20),
            core_people: 100_000,
            table_people: 1_000_000,
            changes: 5,
            peer: company(10_000, 1_000, 100),
            domain: company(5_000, 500, 20),
        }
    }

    fn quick() -> Self {
        Self {
            quick: true,
            rounds: 1,
            peer_rounds: 1,
            company: company(2_000, 100, 20),
            small: company(1_000, 50, 20),
            large: company(10_000, 200, 20),
            core_people: 20_000,
            table_people: 100_000,
            changes: 2,
            peer: company(1_000, 100, 50),
            domain: company(1_000, 50, 20),
        }
    }
}

fn company(users: usize, groups: usize, members: usize) -> Company {
    Company { users, groups, members, ..Company::default() }
}

/// A number with a mark between its thousands.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The size of a company in words.
pub fn size(company: &Company) -> String {
    format!("{} people, {} groups", grouped(company.users), grouped(company.groups))
}

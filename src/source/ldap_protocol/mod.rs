//! What LDAP directories of every kind have in common (RFC 4511): the connection, searches in
//! pages, entries, names, filters, and the words for what goes wrong.
//!
//! Nothing here knows what a person or a group is. The providers `ldap` and `activeDirectory`
//! stand on it.

pub mod connection;
pub mod dn;
pub mod entry;
pub mod failure;
pub mod filter;
pub mod problems;
pub mod rules;
pub mod search;
pub mod time;
pub mod wire;

//! Servers and helpers that tests share.

pub mod audit;
pub mod cluster;
pub mod ldap;
pub mod manifest;
pub mod wait;

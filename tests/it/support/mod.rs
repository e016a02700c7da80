//! Servers and helpers that tests share.

pub mod audit;
pub mod chart;
pub mod cluster;
pub mod ldap;
pub mod manifest;
pub mod moto;
pub mod operator;
pub mod python;
pub mod sftp;
pub mod wait;

//! Servers and helpers that tests share.

pub mod audit;
pub mod chart;
pub mod cluster;
pub mod kubeconfig;
pub mod ldap;
pub mod manifest;
pub mod operator;
pub mod proxy;
pub mod stage;
pub mod wait;

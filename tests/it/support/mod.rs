//! Servers and helpers that tests share.

pub mod audit;
pub mod chart;
pub mod clock;
pub mod cluster;
pub mod company;
pub mod config_map_output;
pub mod definitions;
pub mod etcd;
pub mod kubeconfig;
pub mod kubectl;
pub mod ldap;
pub mod manifest;
pub mod moto;
pub mod neighbours;
pub mod operator;
pub mod ports;
pub mod proxy;
pub mod python;
pub mod rights;
pub mod samba;
pub mod sftp;
pub mod stage;
pub mod stub_controller;
pub mod tunnel;
pub mod wait;

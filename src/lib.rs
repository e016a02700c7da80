//! Keeps an organisation's users and groups as Kubernetes objects.
//!
//! The way of the data, one module per stage:
//!
//! ```text
//! Directory ─► resolve ─► pull ─► normalize ─► plan ─► write ─► report ─► Directory.status
//!                          │                     ▲        │
//!                    source/<provider>     observed index  sink
//! ```
//!
//! `model`, `normalize`, `plan` and `slice` are pure: no Kubernetes client, no network, no runtime.
//! `controller::sync` is the pipeline, to be read top to bottom.

pub mod api;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod controller;
mod csv_record;
pub mod model;
pub mod normalize;
pub mod operator;
pub mod plan;
pub mod preview;
pub mod server;
pub mod sink;
pub mod slice;
pub mod source;
mod spelling;
pub mod telemetry;

#[cfg(any(test, fuzzing))]
pub mod fuzzing;

#[cfg(test)]
mod purity;

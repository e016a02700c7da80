//! Keeps an organisation's users and groups as Kubernetes objects.
//!
//! The way of the data, one module per stage:
//!
//! ```text
//! Directory ─► resolve ─► pull ─► normalize ─► plan ─► apply ─► report ─► Directory.status
//!                          │                     ▲         │
//!                    source/<provider>     observed index  sink/
//! ```
//!
//! `model`, `normalize` and `plan` are pure: no Kubernetes client, no network, no runtime.

pub mod api;
pub mod model;
pub mod normalize;
pub mod source;

#[cfg(test)]
mod purity;

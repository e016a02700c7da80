//! What the operator shows of itself over HTTP: health and metrics.

pub mod health;
mod listener;
pub mod metrics;
pub mod pulse;

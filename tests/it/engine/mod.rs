//! What the engine promises whatever the provider is: when it syncs, what it writes, what it says.

mod adoption;
mod deletion;
mod events;
mod failing;
mod outdated;
mod output;
mod plans;
mod restart;
mod rules;
mod running;
mod schedule;

use crate::support::stage::{LIMIT, Stage};
use crate::support::wait::eventually;

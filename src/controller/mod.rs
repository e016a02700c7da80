//! Keeps every Directory in step: one worker each, supervised by one watch.

pub mod approval;
pub mod checkpoint;
pub mod context;
pub mod delete;
pub mod event;
pub mod held_names;
pub mod lasting;
pub mod memory;
pub mod progress;
pub mod schedule;
pub mod settings;
pub mod status;
pub mod supervisor;
pub mod sync;
pub mod turn;
pub mod worker;

pub use context::Context;

//! Mirrors in the cluster: what they look like, what is known of them, and how they are written.
//! Besides, the same people and groups as files in a ConfigMap.

pub mod config_map;
mod deactivate;
pub mod object;
pub mod observed;
pub mod pace;
mod request;
pub mod slices;
pub mod writer;

pub use observed::{DirectoryKey, ObservedMirrors};
pub use writer::{WriteReport, Writer};

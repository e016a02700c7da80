//! Mirrors in slices: what is known of the slices, reading them, writing a plan into them, and the
//! way from objects to slices and back.
//!
//! The order of writes makes a crash harmless at any point. Slices are written before the manifest
//! that names them, and deleted after it has stopped to do so. The manifest alone says that the form
//! is slices: with it, objects that are left are removed; without it, slices are.

mod apply;
mod convert;
mod known;
mod load;
pub mod object;
mod part;
mod unit;

pub use convert::Unconverted;
pub use known::{Contents, SliceObject, Slices};
pub use load::load;

/// The form in which the mirrors of a Directory are in the cluster.
pub use crate::api::directory::Form;

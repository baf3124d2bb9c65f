#![doc = include_str!("../README.md")]

pub mod diag;
mod hash;
mod limits;
pub mod link;
pub mod module;
pub mod reloc;
mod sys;

pub use limits::{EngineLimit, InvalidLimits};

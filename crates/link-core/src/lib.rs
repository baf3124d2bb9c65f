#![doc = include_str!("../README.md")]

pub mod diag;
pub mod link;
pub mod module;
pub mod reloc;
mod sys;

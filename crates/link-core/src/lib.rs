#![doc = include_str!("../README.md")]

pub mod diag;
mod hash;
pub mod link;
pub mod module;
pub mod reloc;
mod sys;

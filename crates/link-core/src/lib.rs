#![doc = include_str!("../README.md")]

pub mod args;
pub mod demangle;
pub mod diag;
pub mod emit;
pub mod env;
mod fingerprint;
mod hash;
pub mod ids;
pub mod input;
mod limits;
mod link;
pub mod module;
pub mod options;
pub mod output;
pub mod par;
pub mod pass;
pub mod plan;
pub mod reloc;
pub mod report;
pub mod resolve;
mod room;
mod session;
mod sharded;
mod sys;

pub use args::{ArgumentsError, CommandLine};
pub use env::{Env, FileBytes, FileData, FileIdentity, Files, Phase, ReadAt, SystemFiles, Threads};
pub use input::{Input, Inputs};
pub use limits::{EngineLimit, InvalidLimits};
pub use link::{link, link_then};
pub use options::Options;
pub use output::{LinkError, Linked, Places, Room, Sink};
pub use session::{FullReason, Relinked, Session};

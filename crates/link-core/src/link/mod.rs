//! The linker: objects and archives in, a finished module out.
//!
//! A link is a chain of phases; each borrows what the earlier ones returned and returns
//! one value of its own.

mod chain;
mod demangle;
pub mod env;
pub mod features;
mod fingerprint;
pub mod ids;
pub mod layout;
mod left_out;
pub mod liveness;
pub mod map;
pub mod mark;
pub mod object;
pub mod options;
pub mod output;
pub mod par;
pub mod producers;
pub mod read;
pub mod report;
pub mod resolution;
pub mod resolve;
mod sharded;
pub mod synthesis;
pub mod synthesize;
pub mod write;

pub use chain::{link, link_then};
pub(crate) use demangle::Demangler;
pub use demangle::demangle;
pub use env::{Env, FileBytes, FileData, Files, Phase, ReadAt, SystemFiles, Threads};
pub use options::Options;
pub use output::{LinkError, Linked, Places, Room, Sink};

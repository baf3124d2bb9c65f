//! The read phase: what the command line names, told apart and parsed.
//!
//! Bytes are borrowed from a [`LoadedFiles`] that the caller makes first and drops last.
//! Objects that are linked in any case are parsed here, in parallel; members of archives
//! are handed on as [`LazyMember`]s, which know the names they define and are parsed when
//! resolution pulls them.

mod archive;
mod elsewhere;
mod fault;
mod inputs;
mod keep;
mod kind;
mod lazy;
mod load;
mod offered;
mod parse;
mod prefetch;
mod sections;
mod shared;
mod size;

pub(super) use elsewhere::suggest_archives;
pub use inputs::{Input, Inputs, RawFile, ReadInput, ReadInputs, Source};
pub use keep::LoadedFiles;
pub use kind::ARCHIVE_MAGIC;
pub(crate) use lazy::BITCODE_NEEDS_LLD;
pub use lazy::LazyMember;
pub use load::read;
pub(crate) use parse::Checker;
pub use parse::{ParseOptions, parse_object};
pub use shared::{SharedKind, SharedLibrary, SharedSymbol, parse_shared};
pub(crate) use size::are_small;

//! The read phase: what the command line names, told apart and parsed.
//!
//! Bytes are borrowed from a [`LoadedFiles`] that the caller makes first and drops last.
//! Objects that are linked in any case are parsed here, in parallel; members of archives
//! are handed on as [`LazyMember`]s, which know the names they define and are parsed when
//! resolution pulls them.

mod fault;
mod inputs;
#[expect(dead_code, reason = "files come with the next part of the phase")]
mod keep;
mod lazy;
mod parse;
mod sections;
mod shared;

pub use inputs::{Input, Inputs, RawFile, ReadInput, ReadInputs, Source};
pub use keep::LoadedFiles;
pub use lazy::LazyMember;
pub use parse::{ParseOptions, parse_object};
pub use shared::{SharedKind, SharedLibrary, SharedSymbol, parse_shared};

use crate::link::{Env, Options};

/// Finds, loads and tells apart all inputs, and parses those that are linked in any case.
///
/// What went wrong is among the result's diagnostics; the inputs that could be read are
/// there all the same, so that later phases may find more to report.
pub fn read<'a>(
    _inputs: Inputs<'a>,
    _files: &'a LoadedFiles,
    _options: &Options,
    _env: &Env<'a>,
) -> ReadInputs<'a> {
    todo!("the parser comes next")
}

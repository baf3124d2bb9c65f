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
pub mod object;
mod offered;
mod own_sections;
mod parse;
mod prefetch;
mod section_headers;
mod shared;
mod size;
mod symbol_lists;

pub use self::archive::thin_members;
pub use self::inputs::{Input, InputSource, Inputs, RawFile, ReadInput, ReadInputs};
pub use self::keep::LoadedFiles;
pub use self::kind::{ARCHIVE_MAGIC, THIN_MAGIC};
pub use self::lazy::LazyMember;
pub use self::load::read;
pub use self::parse::{ParseOptions, parse_object};
pub use self::shared::{SharedKind, SharedLibrary, SharedSymbol, parse_shared};
pub(crate) use self::symbol_lists::is_match;
pub use self::symbol_lists::{Closeness, CxxNames, SymbolLists, SymbolPatterns};

pub(crate) use self::lazy::BITCODE_NEEDS_LLD;
pub(crate) use self::own_sections::first_own_section_of;
pub(crate) use self::parse::Checker;
pub(crate) use self::size::are_small;

pub(super) use self::elsewhere::suggest_archives;

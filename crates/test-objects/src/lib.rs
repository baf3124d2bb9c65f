#![doc = include_str!("../README.md")]
#![allow(
    clippy::missing_panics_doc,
    reason = "a test that names what is not there has to fail"
)]

mod archive;
pub mod dwarf;
pub mod kept;
pub mod lld;
mod object;
mod random;
pub mod source;

pub use archive::{Archive, ArchiveForm, archive};
pub use object::{
    CustomDef, FunctionDef, ObjectFile, RawSection, SegmentDef, assemble, body_extents, call,
    data_symbol, defines, import, reloc, symbol, undefined,
};
pub use random::{Random, mutate};

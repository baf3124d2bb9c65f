#![doc = include_str!("../README.md")]

mod error;
pub mod leb128;
pub mod linking;
mod reader;
pub mod reloc;
mod section;
mod types;

pub use error::{DecodeError, DecodeErrorKind, Result};
pub use reader::Reader;
pub use section::{
    MODULE_HEADER, ReservedSection, SectionId, put_custom_section, put_custom_section_header,
    put_section, put_vector_section, put_vector_section_header, write_section_header,
    write_vector_section_header,
};
pub use types::{
    ExternalKind, FuncType, GlobalType, HeapType, Limits, MemoryType, Mutability, PAGE_SIZE,
    RefType, TableType, ValType,
};

#![doc = include_str!("../README.md")]

pub mod build_id;
pub mod code_metadata;
mod const_expr;
mod definitions;
pub mod dylink;
mod entries;
mod error;
pub mod leb128;
pub mod linking;
pub mod names;
mod opcode;
pub mod producers;
mod reader;
pub mod reloc;
mod section;
mod segments;
pub mod target_features;
mod types;

pub use const_expr::{ConstExpr, ConstOp, ConstValue, EvalError};
pub use definitions::{EntityType, Export, Global, Import, Table, put_import_group, put_tag};
pub use entries::{Entries, Entry};
pub use error::{DecodeError, DecodeErrorKind, Result};
pub use opcode::Opcode;
pub use reader::Reader;
pub use section::{
    MODULE_HEADER, ReservedSection, SectionId, put_custom_section, put_custom_section_header,
    put_data_count_section, put_section, put_start_section, put_vector_section,
    put_vector_section_header, write_section_header, write_vector_section_header,
};
pub use segments::{
    DataMode, DataSegment, ElementItems, ElementMode, ElementSegment, put_function_body,
    put_function_elements, put_locals,
};
pub use types::{
    ExternalKind, FuncType, GlobalType, HeapType, Limits, MemoryType, Mutability, PAGE_SIZE,
    RefType, TableType, ValType,
};

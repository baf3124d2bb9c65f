//! The `metadata.code.*` sections (WebAssembly Code Metadata): what is said of single
//! instructions, such as which way a branch probably goes.
//!
//! Such a section stands before the code section. Its functions are in the order of their
//! indices and the items of each in the order of their offsets; neither occurs twice.
//!
//! ```
//! use wasm_format::Reader;
//! use wasm_format::code_metadata::*;
//!
//! let likely = MetadataItem { offset: 7, data: &[1] };
//! let mut body = Vec::new();
//! put_code_metadata(&mut body, &[(3, &[likely])]);
//!
//! let functions: Vec<_> = decode(Reader::new(&body)).unwrap().map(Result::unwrap).collect();
//! assert_eq!(functions[0].function, 3);
//! assert_eq!(functions[0].items.clone().next().unwrap().unwrap(), likely);
//! ```

use crate::entries::{Entries, entry};
use crate::error::Result;
use crate::leb128::{put_bytes, put_u32};
use crate::reader::Reader;

/// What the names of the custom sections begin with; the format of the items follows.
pub const CODE_METADATA_PREFIX: &str = "metadata.code.";

/// What is said of one instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MetadataItem<'a> {
    /// Where the instruction is, in bytes from the declarations of the function's locals,
    /// which stand at the beginning of its body.
    pub offset: u32,
    /// What is said; the section's format tells what it means.
    pub data: &'a [u8],
}

impl<'a> MetadataItem<'a> {
    /// Fewest bytes one takes.
    pub const MIN_LEN: usize = 2;

    /// Appends offset and data.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.offset);
        put_bytes(out, self.data);
    }

    /// Decodes offset and data.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            offset: reader.u32()?,
            data: reader.byte_vec()?,
        })
    }
}

/// What is said of the instructions of one function.
#[derive(Debug, Clone)]
pub struct FunctionMetadata<'a> {
    /// The function's index.
    pub function: u32,
    /// What is said.
    pub items: Entries<'a, MetadataItem<'a>>,
}

impl<'a> FunctionMetadata<'a> {
    /// Fewest bytes one takes.
    pub const MIN_LEN: usize = 2;

    /// Decodes index and items.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            function: reader.u32()?,
            items: Entries::decode_prefix(reader)?,
        })
    }
}

entry!(MetadataItem<'a>, "code metadata item");
entry!(FunctionMetadata<'a>, "function with code metadata");

/// The functions of the section. `reader` is at its contents, after its name.
pub fn decode(reader: Reader<'_>) -> Result<Entries<'_, FunctionMetadata<'_>>> {
    Entries::decode(reader)
}

/// Appends the section's contents (without its name): functions and what is said of each.
pub fn put_code_metadata(out: &mut Vec<u8>, functions: &[(u32, &[MetadataItem<'_>])]) {
    put_u32(out, functions.len() as u32);
    for (function, items) in functions {
        put_u32(out, *function);
        put_u32(out, items.len() as u32);
        for item in *items {
            item.encode(out);
        }
    }
}

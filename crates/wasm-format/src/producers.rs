//! The `producers` section: which languages, compilers and tools made a module
//! (tool-conventions ProducersSection.md).
//!
//! ```
//! use wasm_format::Reader;
//! use wasm_format::producers::*;
//!
//! let clang = ProducerValue { name: "clang", version: "19.1.7" };
//! let mut body = Vec::new();
//! put_producers(&mut body, &[(FIELD_PROCESSED_BY, &[clang])]);
//!
//! let field = decode(Reader::new(&body)).unwrap().next().unwrap().unwrap();
//! assert_eq!(field.name, "processed-by");
//! assert_eq!(field.values.map(Result::unwrap).collect::<Vec<_>>(), [clang]);
//! ```

use crate::entries::{Entries, entry};
use crate::error::Result;
use crate::leb128::{put_name, put_u32};
use crate::reader::Reader;

/// Name of the custom section.
pub const PRODUCERS_SECTION: &str = "producers";

/// The field that names source languages.
pub const FIELD_LANGUAGE: &str = "language";
/// The field that names individual tools.
pub const FIELD_PROCESSED_BY: &str = "processed-by";
/// The field that names kits of tools.
pub const FIELD_SDK: &str = "sdk";

/// A language or tool and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProducerValue<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its version; may be empty.
    pub version: &'a str,
}

impl<'a> ProducerValue<'a> {
    /// Fewest bytes one takes.
    pub const MIN_LEN: usize = 2;

    /// Appends name and version.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_name(out, self.name);
        put_name(out, self.version);
    }

    /// Decodes name and version.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            name: reader.name()?,
            version: reader.name()?,
        })
    }
}

/// A field of the section, such as `processed-by`.
#[derive(Debug, Clone)]
pub struct ProducersField<'a> {
    /// Its name. The conventions know [`FIELD_LANGUAGE`], [`FIELD_PROCESSED_BY`] and
    /// [`FIELD_SDK`].
    pub name: &'a str,
    /// What it lists.
    pub values: Entries<'a, ProducerValue<'a>>,
}

impl<'a> ProducersField<'a> {
    /// Fewest bytes a field takes.
    pub const MIN_LEN: usize = 2;

    /// Decodes a field.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            name: reader.name()?,
            values: Entries::decode_prefix(reader)?,
        })
    }
}

entry!(ProducerValue<'a>, "producer");
entry!(ProducersField<'a>, "producers field");

/// The fields of the section. `reader` is at its contents, after its name.
pub fn decode(reader: Reader<'_>) -> Result<Entries<'_, ProducersField<'_>>> {
    Entries::decode(reader)
}

/// Appends the section's contents (without its name): fields and what each lists. A field
/// name, and a value's name within a field, may occur once.
pub fn put_producers(out: &mut Vec<u8>, fields: &[(&str, &[ProducerValue<'_>])]) {
    put_u32(out, fields.len() as u32);
    for (name, values) in fields {
        put_name(out, name);
        put_u32(out, values.len() as u32);
        for value in *values {
            value.encode(out);
        }
    }
}

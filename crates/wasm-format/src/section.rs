//! Sections of a module (core spec, 5.5): ids, their required order, and headers, either
//! compact or reserved first and patched once the body is known.
//!
//! The format counts a section's bytes in 32 bits: a body of 4 GiB or more has no
//! encoding. Who can come near it checks before, none of the functions here does.

use crate::leb128::{self, FIXED32, put_name, put_u32, write_u32_fixed};
use crate::{DecodeErrorKind, Reader, Result};

/// The first eight bytes of every module: magic and version 1 (core spec, 5.5.17 Modules).
pub const MODULE_HEADER: [u8; 8] = *b"\0asm\x01\0\0\0";

/// A section's id (core spec, 5.5.2 Sections).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum SectionId {
    /// A custom section; it has a name and may stand anywhere.
    Custom = 0,
    /// Function types.
    Type = 1,
    /// Imports.
    Import = 2,
    /// The types of defined functions.
    Function = 3,
    /// Tables.
    Table = 4,
    /// Memories.
    Memory = 5,
    /// Globals.
    Global = 6,
    /// Exports.
    Export = 7,
    /// The start function.
    Start = 8,
    /// Element segments.
    Element = 9,
    /// Bodies of defined functions.
    Code = 10,
    /// Data segments.
    Data = 11,
    /// How many data segments there are, for one-pass validation of code.
    DataCount = 12,
    /// Exception tags.
    Tag = 13,
}

impl SectionId {
    /// Every section that is not custom, in the order a module must have them.
    pub const IN_ORDER: [SectionId; 13] = [
        SectionId::Type,
        SectionId::Import,
        SectionId::Function,
        SectionId::Table,
        SectionId::Memory,
        SectionId::Tag,
        SectionId::Global,
        SectionId::Export,
        SectionId::Start,
        SectionId::Element,
        SectionId::DataCount,
        SectionId::Code,
        SectionId::Data,
    ];

    /// The section of id `id`.
    pub const fn from_u8(id: u8) -> Option<Self> {
        Some(match id {
            0 => SectionId::Custom,
            1 => SectionId::Type,
            2 => SectionId::Import,
            3 => SectionId::Function,
            4 => SectionId::Table,
            5 => SectionId::Memory,
            6 => SectionId::Global,
            7 => SectionId::Export,
            8 => SectionId::Start,
            9 => SectionId::Element,
            10 => SectionId::Code,
            11 => SectionId::Data,
            12 => SectionId::DataCount,
            13 => SectionId::Tag,
            _ => return None,
        })
    }

    /// Place in [`SectionId::IN_ORDER`]; `None` for custom sections, which have none.
    pub fn rank(self) -> Option<usize> {
        Self::IN_ORDER.iter().position(|&id| id == self)
    }

    /// Whether the body is a vector: a count, then as many items.
    pub const fn is_vector(self) -> bool {
        !matches!(
            self,
            SectionId::Custom | SectionId::Start | SectionId::DataCount
        )
    }

    /// The name the spec and `wasm-ld`'s messages use, such as `CODE`.
    pub const fn name(self) -> &'static str {
        match self {
            SectionId::Custom => "CUSTOM",
            SectionId::Type => "TYPE",
            SectionId::Import => "IMPORT",
            SectionId::Function => "FUNCTION",
            SectionId::Table => "TABLE",
            SectionId::Memory => "MEMORY",
            SectionId::Global => "GLOBAL",
            SectionId::Export => "EXPORT",
            SectionId::Start => "START",
            SectionId::Element => "ELEM",
            SectionId::Code => "CODE",
            SectionId::Data => "DATA",
            SectionId::DataCount => "DATACOUNT",
            SectionId::Tag => "TAG",
        }
    }
}

impl<'a> Reader<'a> {
    /// Reads what a module or object begins with: [`MODULE_HEADER`]
    /// (core spec, 5.5.17 Modules).
    ///
    /// # Errors
    /// If it is something else, a component for instance.
    pub fn module_header(&mut self) -> Result<()> {
        let start = self.clone();
        if self.array::<4>()? != *b"\0asm" {
            return Err(start.error(DecodeErrorKind::Invalid("this is no WebAssembly module")));
        }
        let version = self.clone();
        match self.array().map(u32::from_le_bytes)? {
            1 => Ok(()),
            found => Err(version.error(DecodeErrorKind::Version {
                what: "module",
                version: found,
                expected: 1,
            })),
        }
    }

    /// Reads the header of a section, and returns its id and a reader of its contents (core
    /// spec, 5.5.2 Sections); this one goes on with the next section.
    ///
    /// ```
    /// use wasm_format::{MODULE_HEADER, Reader, SectionId, put_custom_section};
    ///
    /// let mut module = MODULE_HEADER.to_vec();
    /// put_custom_section(&mut module, "note", b"hello");
    ///
    /// let mut reader = Reader::new(&module);
    /// reader.module_header()?;
    /// while !reader.is_empty() {
    ///     let (id, mut contents) = reader.section()?;
    ///     assert_eq!(id, SectionId::Custom);
    ///     assert_eq!(contents.name()?, "note");
    ///     assert_eq!(contents.rest(), b"hello");
    /// }
    /// # Ok::<(), wasm_format::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// If the id is none that is known, or the section is larger than what is left.
    pub fn section(&mut self) -> Result<(SectionId, Reader<'a>)> {
        let start = self.clone();
        let code = self.u8()?;
        let id = SectionId::from_u8(code).ok_or_else(|| {
            start.error(DecodeErrorKind::Unknown {
                what: "section id",
                value: code.into(),
            })
        })?;
        let size = self.u32()?;
        Ok((id, self.sub(size as usize)?))
    }
}

/// Appends a section whose body is known, with a compact header.
pub fn put_section(out: &mut Vec<u8>, id: SectionId, body: &[u8]) {
    out.push(id as u8);
    leb128::put_bytes(out, body);
}

/// Appends a vector section whose items are known, with a compact header.
pub fn put_vector_section(out: &mut Vec<u8>, id: SectionId, count: u32, items: &[u8]) {
    put_vector_section_header(out, id, count, items.len());
    out.extend_from_slice(items);
}

/// Appends the compact header of a vector section, its count included. `items_len` is the
/// size of the items in bytes, without the count.
pub fn put_vector_section_header(out: &mut Vec<u8>, id: SectionId, count: u32, items_len: usize) {
    out.push(id as u8);
    put_u32(out, (leb128::len_u32(count) + items_len) as u32);
    put_u32(out, count);
}

/// Appends a custom section whose body is known, with a compact header.
pub fn put_custom_section(out: &mut Vec<u8>, name: &str, body: &[u8]) {
    put_custom_section_header(out, name, body.len());
    out.extend_from_slice(body);
}

/// Appends the compact header of a custom section, its name included. `body_len` is the
/// size in bytes of what follows the name.
pub fn put_custom_section_header(out: &mut Vec<u8>, name: &str, body_len: usize) {
    out.push(SectionId::Custom as u8);
    let name_len = leb128::len_u64(name.len() as u64) + name.len();
    put_u32(out, (name_len + body_len) as u32);
    put_name(out, name);
}

/// Appends the start section: the function that runs when the module is instantiated, by
/// its index in the function index space (core spec, 5.5.11 Start Section).
pub fn put_start_section(out: &mut Vec<u8>, function: u32) {
    put_number_section(out, SectionId::Start, function);
}

/// Appends the data count section: how many data segments the module has (core spec,
/// 5.5.15 Data Count Section). It is needed where code has `memory.init` or `data.drop`.
pub fn put_data_count_section(out: &mut Vec<u8>, count: u32) {
    put_number_section(out, SectionId::DataCount, count);
}

fn put_number_section(out: &mut Vec<u8>, id: SectionId, number: u32) {
    out.push(id as u8);
    put_u32(out, leb128::len_u32(number) as u32);
    put_u32(out, number);
}

/// A section whose header was reserved before its body is known: id and 5-byte size, and
/// for a vector section a 5-byte count. Nothing moves when the values become known.
///
/// ```
/// use wasm_format::{ReservedSection, SectionId, leb128};
///
/// let mut out = Vec::new();
/// let section = ReservedSection::begin_vector(&mut out, SectionId::Function);
/// for type_index in [0, 3] {
///     leb128::put_u32(&mut out, type_index);
/// }
/// section.finish(&mut out, 2);
/// assert_eq!(out, [3, 0x87, 0x80, 0x80, 0x80, 0, 0x82, 0x80, 0x80, 0x80, 0, 0, 3]);
/// ```
#[derive(Debug)]
#[must_use = "the header holds zeroes until `finish` patches it"]
pub struct ReservedSection {
    /// Offset of the size field.
    size_at: usize,
    /// Whether a count follows the size.
    counted: bool,
}

impl ReservedSection {
    /// Bytes a reserved header takes: id and size.
    pub const HEADER_LEN: usize = 1 + FIXED32;
    /// Bytes a reserved header of a vector section takes: id, size and count.
    pub const VECTOR_HEADER_LEN: usize = Self::HEADER_LEN + FIXED32;

    /// Reserves the header of a section that is no vector.
    pub fn begin(out: &mut Vec<u8>, id: SectionId) -> Self {
        out.push(id as u8);
        let size_at = out.len();
        out.extend_from_slice(&[0; FIXED32]);
        Self {
            size_at,
            counted: false,
        }
    }

    /// Reserves the header of a vector section.
    pub fn begin_vector(out: &mut Vec<u8>, id: SectionId) -> Self {
        let section = Self {
            counted: true,
            ..Self::begin(out, id)
        };
        out.extend_from_slice(&[0; FIXED32]);
        section
    }

    /// Reserves the header of a custom section and writes its name.
    pub fn begin_custom(out: &mut Vec<u8>, name: &str) -> Self {
        let section = Self::begin(out, SectionId::Custom);
        put_name(out, name);
        section
    }

    /// Patches the header: the section ends at the end of `out` and, if it is a vector,
    /// has `count` items (ignored otherwise).
    ///
    /// `out` is the buffer that the section was begun in, not cut since.
    pub fn finish(self, out: &mut [u8], count: u32) {
        let body = self.size_at + FIXED32;
        let size = (out.len() - body) as u32;
        write_u32_fixed(&mut out[self.size_at..], size);
        if self.counted {
            write_u32_fixed(&mut out[body..], count);
        }
    }
}

/// Writes the reserved form of a section header in place, for output whose sizes were
/// computed before: id, 5-byte size. Returns the bytes written.
///
/// # Panics
/// If `out` has fewer than [`ReservedSection::HEADER_LEN`] bytes.
pub fn write_section_header(out: &mut [u8], id: SectionId, body_len: u32) -> usize {
    out[0] = id as u8;
    write_u32_fixed(&mut out[1..], body_len);
    ReservedSection::HEADER_LEN
}

/// Writes the reserved form of a vector section's header in place: id, 5-byte size,
/// 5-byte count. `items_len` is the size of the items in bytes, without the count.
/// Returns the bytes written.
///
/// # Panics
/// If `out` has fewer than [`ReservedSection::VECTOR_HEADER_LEN`] bytes.
pub fn write_vector_section_header(
    out: &mut [u8],
    id: SectionId,
    count: u32,
    items_len: u32,
) -> usize {
    write_section_header(out, id, items_len + FIXED32 as u32);
    write_u32_fixed(&mut out[ReservedSection::HEADER_LEN..], count);
    ReservedSection::VECTOR_HEADER_LEN
}

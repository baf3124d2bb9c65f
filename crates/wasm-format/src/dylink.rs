//! The `dylink.0` section: what a dynamic library needs from its loader
//! (tool-conventions DynamicLinking.md, "The `dylink.0` Section").
//!
//! The section is the first of its module, so that a loader can tell by it what it has.
//!
//! ```
//! use wasm_format::Reader;
//! use wasm_format::dylink::*;
//! use wasm_format::linking::SymbolFlags;
//!
//! let section = DylinkSection {
//!     mem_info: Some(MemInfo { memory_size: 4096, memory_align_log2: 4, ..MemInfo::default() }),
//!     needed: &["libc.so"],
//!     imports: &[DylinkImport {
//!         module: "env",
//!         field: "optional",
//!         flags: SymbolFlags::BINDING_WEAK,
//!     }],
//!     ..DylinkSection::default()
//! };
//! let mut body = Vec::new();
//! section.encode(&mut body);
//!
//! for subsection in DylinkSection::decode(Reader::new(&body)) {
//!     if let DylinkSubsection::Needed(mut libraries) = subsection.unwrap() {
//!         assert_eq!(libraries.next().unwrap().unwrap(), "libc.so");
//!     }
//! }
//! ```

use crate::entries::{Entries, entry};
use crate::error::Result;
use crate::leb128::{self, put_name, put_u32};
use crate::linking::SymbolFlags;
use crate::reader::Reader;

/// Name of the custom section.
pub const DYLINK_SECTION: &str = "dylink.0";

/// Code of a subsection of the dylink section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum DylinkSubsectionId {
    /// Room in memory and table.
    MemInfo = 1,
    /// Libraries to load first.
    Needed = 2,
    /// Flags of exports.
    ExportInfo = 3,
    /// Flags of imports.
    ImportInfo = 4,
    /// Where to look for libraries.
    RuntimePath = 5,
}

/// Room that the loader makes for the library in memory and in the function table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MemInfo {
    /// Bytes of memory.
    pub memory_size: u32,
    /// Alignment of that memory as a power of two: 3 stands for 8 bytes.
    pub memory_align_log2: u32,
    /// Table elements.
    pub table_size: u32,
    /// Alignment of these elements as a power of two.
    pub table_align_log2: u32,
}

impl MemInfo {
    /// Appends the four numbers.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for value in [
            self.memory_size,
            self.memory_align_log2,
            self.table_size,
            self.table_align_log2,
        ] {
            put_u32(out, value);
        }
    }

    /// Decodes the four numbers.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            memory_size: reader.u32()?,
            memory_align_log2: reader.u32()?,
            table_size: reader.u32()?,
            table_align_log2: reader.u32()?,
        })
    }
}

/// An export that is more than its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DylinkExport<'a> {
    /// The export's name.
    pub name: &'a str,
    /// Flags of its symbol, such as [`SymbolFlags::TLS`].
    pub flags: SymbolFlags,
}

impl<'a> DylinkExport<'a> {
    /// Fewest bytes one takes.
    pub const MIN_LEN: usize = 2;

    /// Appends name and flags.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_name(out, self.name);
        put_u32(out, self.flags.0);
    }

    /// Decodes name and flags.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            name: reader.name()?,
            flags: SymbolFlags(reader.u32()?),
        })
    }
}

/// An import that is more than its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DylinkImport<'a> {
    /// The import's module.
    pub module: &'a str,
    /// The import's name in that module.
    pub field: &'a str,
    /// Flags of its symbol, such as [`SymbolFlags::BINDING_WEAK`].
    pub flags: SymbolFlags,
}

impl<'a> DylinkImport<'a> {
    /// Fewest bytes one takes.
    pub const MIN_LEN: usize = 3;

    /// Appends module, name and flags.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_name(out, self.module);
        put_name(out, self.field);
        put_u32(out, self.flags.0);
    }

    /// Decodes module, name and flags.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            module: reader.name()?,
            field: reader.name()?,
            flags: SymbolFlags(reader.u32()?),
        })
    }
}

entry!(DylinkExport<'a>, "export info");
entry!(DylinkImport<'a>, "import info");

/// A subsection of the dylink section.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DylinkSubsection<'a> {
    /// Room in memory and table.
    MemInfo(MemInfo),
    /// Libraries to load first, by name.
    Needed(Entries<'a, &'a str>),
    /// Flags of exports.
    ExportInfo(Entries<'a, DylinkExport<'a>>),
    /// Flags of imports.
    ImportInfo(Entries<'a, DylinkImport<'a>>),
    /// Directories where libraries are looked for.
    RuntimePath(Entries<'a, &'a str>),
    /// A subsection that this version does not know, to be passed over.
    Unknown {
        /// Its code.
        code: u8,
        /// Its contents.
        bytes: &'a [u8],
    },
}

impl<'a> DylinkSubsection<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let code = reader.u8()?;
        let len = reader.u32()?;
        let mut body = reader.sub(len as usize)?;
        Ok(match code {
            1 => {
                let info = MemInfo::decode(&mut body)?;
                body.finish("the memory info")?;
                DylinkSubsection::MemInfo(info)
            }
            2 => DylinkSubsection::Needed(Entries::decode(body)?),
            3 => DylinkSubsection::ExportInfo(Entries::decode(body)?),
            4 => DylinkSubsection::ImportInfo(Entries::decode(body)?),
            5 => DylinkSubsection::RuntimePath(Entries::decode(body)?),
            code => DylinkSubsection::Unknown {
                code,
                bytes: body.rest(),
            },
        })
    }
}

/// The dylink section of a library.
#[derive(Debug, Clone, Copy, Default)]
pub struct DylinkSection<'a> {
    /// Room in memory and table.
    pub mem_info: Option<MemInfo>,
    /// Libraries to load first, by name.
    pub needed: &'a [&'a str],
    /// Flags of exports, where there are any.
    pub exports: &'a [DylinkExport<'a>],
    /// Flags of imports, where there are any.
    pub imports: &'a [DylinkImport<'a>],
    /// Directories where libraries are looked for.
    pub runtime_path: &'a [&'a str],
}

impl<'a> DylinkSection<'a> {
    /// The subsections, each framed within its bounds. `reader` is at the section's
    /// contents, after its name. Ends after the first error.
    pub fn decode(
        mut reader: Reader<'a>,
    ) -> impl Iterator<Item = Result<DylinkSubsection<'a>>> + use<'a> {
        std::iter::from_fn(move || {
            if reader.is_empty() {
                return None;
            }
            let subsection = DylinkSubsection::decode(&mut reader);
            if subsection.is_err() {
                reader = Reader::at(&[], reader.offset());
            }
            Some(subsection)
        })
    }

    /// Appends the section's contents (without its name). Empty lists are left out.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        let mut subsection = |id: DylinkSubsectionId, fill: &dyn Fn(&mut Vec<u8>)| {
            body.clear();
            fill(&mut body);
            out.push(id as u8);
            leb128::put_bytes(out, &body);
        };
        if let Some(info) = &self.mem_info {
            subsection(DylinkSubsectionId::MemInfo, &|out| info.encode(out));
        }
        if !self.needed.is_empty() {
            subsection(DylinkSubsectionId::Needed, &|out| {
                put_names(out, self.needed);
            });
        }
        if !self.exports.is_empty() {
            subsection(DylinkSubsectionId::ExportInfo, &|out| {
                put_u32(out, self.exports.len() as u32);
                for export in self.exports {
                    export.encode(out);
                }
            });
        }
        if !self.imports.is_empty() {
            subsection(DylinkSubsectionId::ImportInfo, &|out| {
                put_u32(out, self.imports.len() as u32);
                for import in self.imports {
                    import.encode(out);
                }
            });
        }
        if !self.runtime_path.is_empty() {
            subsection(DylinkSubsectionId::RuntimePath, &|out| {
                put_names(out, self.runtime_path);
            });
        }
    }
}

fn put_names(out: &mut Vec<u8>, names: &[&str]) {
    put_u32(out, names.len() as u32);
    for name in names {
        put_name(out, name);
    }
}

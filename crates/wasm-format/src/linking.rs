//! The `linking` section (tool-conventions Linking.md, "Linking Metadata Section"): symbol
//! table, segment info, init functions and comdats.
//!
//! Decoding borrows and allocates nothing: [`LinkingSection::decode`] hands out
//! [`Subsection`]s, whose tables are iterators. Encoding takes the tables as slices.

pub use crate::entries::Entries;
use crate::entries::entry;
use crate::error::{DecodeError, DecodeErrorKind, Result};
use crate::leb128::{self, put_name, put_u32, put_u64};
use crate::reader::Reader;

/// The version of the linking section that is read and written.
pub const LINKING_VERSION: u32 = 2;

/// Name of the custom section.
pub const LINKING_SECTION: &str = "linking";

/// Code of a subsection of the linking section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum SubsectionId {
    /// Names, alignments and flags of data segments.
    SegmentInfo = 5,
    /// Functions to run before the program starts.
    InitFuncs = 6,
    /// Groups of which one copy is kept.
    ComdatInfo = 7,
    /// The symbol table.
    SymbolTable = 8,
}

macro_rules! flags {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $flag:ident = $bit:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$doc])* pub const $flag: $name = $name($bit);)*
            /// No flag.
            pub const NONE: $name = $name(0);

            /// Whether all of `other`'s flags are set.
            #[inline]
            pub const fn contains(self, other: $name) -> bool {
                self.0 & other.0 == other.0
            }

            /// These flags and `other`'s.
            #[must_use]
            pub const fn with(self, other: $name) -> $name {
                $name(self.0 | other.0)
            }

            /// These flags without `other`'s.
            #[must_use]
            pub const fn without(self, other: $name) -> $name {
                $name(self.0 & !other.0)
            }
        }

        impl std::ops::BitOr for $name {
            type Output = $name;
            fn bitor(self, other: $name) -> $name {
                self.with(other)
            }
        }
    };
}

flags! {
    /// A symbol's flags (tool-conventions Linking.md, "Symbol Table Subsection").
    SymbolFlags {
        /// Gives way to a definition that is not weak; undefined, it need not be defined.
        BINDING_WEAK = 0x1;
        /// Not visible outside its file.
        BINDING_LOCAL = 0x2;
        /// Data of zeroes that several files may define, each with a size and an alignment. This
        /// is a value of the two bits that tell the binding, and not [`Self::BINDING_WEAK`] and
        /// [`Self::BINDING_LOCAL`] at once: [`Self::is_weak`] and [`Self::is_local`] tell these
        /// apart.
        BINDING_COMMON = 0x3;
        /// Not exported from the output.
        VISIBILITY_HIDDEN = 0x4;
        /// Not defined in this file.
        UNDEFINED = 0x10;
        /// Exported from the output whatever the linker was told.
        EXPORTED = 0x20;
        /// Carries its name although it is undefined; the import's name is another one.
        EXPLICIT_NAME = 0x40;
        /// Kept although nothing refers to it.
        NO_STRIP = 0x80;
        /// Lives in thread-local storage.
        TLS = 0x100;
        /// A data symbol whose value is no address (it has no segment).
        ABSOLUTE = 0x200;
    }
}

impl SymbolFlags {
    /// The bits that tell the binding.
    const BINDING_MASK: u32 = 0x3;

    /// Whether the binding is [`Self::BINDING_WEAK`].
    #[inline]
    pub const fn is_weak(self) -> bool {
        self.0 & Self::BINDING_MASK == Self::BINDING_WEAK.0
    }

    /// Whether the binding is [`Self::BINDING_LOCAL`].
    #[inline]
    pub const fn is_local(self) -> bool {
        self.0 & Self::BINDING_MASK == Self::BINDING_LOCAL.0
    }

    /// Whether the binding is [`Self::BINDING_COMMON`].
    #[inline]
    pub const fn is_common(self) -> bool {
        self.0 & Self::BINDING_MASK == Self::BINDING_COMMON.0
    }
}

flags! {
    /// A data segment's flags (tool-conventions Linking.md, "Segment Info Subsection").
    SegmentFlags {
        /// Holds null-terminated strings that may be merged.
        STRINGS = 0x1;
        /// Holds thread-local data.
        TLS = 0x2;
        /// Kept although nothing refers to it.
        RETAIN = 0x4;
    }
}

/// What a symbol names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum SymbolKind {
    /// A function.
    Function = 0,
    /// A place in linear memory.
    Data = 1,
    /// A global.
    Global = 2,
    /// A custom section.
    Section = 3,
    /// An exception tag.
    Tag = 4,
    /// A table.
    Table = 5,
}

impl SymbolKind {
    /// The kind of code `code`.
    pub const fn from_u8(code: u8) -> Option<Self> {
        Some(match code {
            0 => SymbolKind::Function,
            1 => SymbolKind::Data,
            2 => SymbolKind::Global,
            3 => SymbolKind::Section,
            4 => SymbolKind::Tag,
            5 => SymbolKind::Table,
            _ => return None,
        })
    }
}

/// Where a defined data symbol lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DataRef {
    /// Index of the data segment; without meaning for an absolute symbol.
    pub segment: u32,
    /// Offset in the segment in bytes; the value of an absolute symbol.
    pub offset: u64,
    /// Size in bytes.
    pub size: u64,
}

/// What a common symbol asks for: it has no place in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommonRef {
    /// Size in bytes.
    pub size: u64,
    /// Alignment as a power of two: 3 stands for 8 bytes.
    pub align_log2: u8,
}

/// What a symbol stands for in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SymbolTarget {
    /// A function, by its index in the file's function index space, imports first.
    Function(u32),
    /// A place in a segment; `None` for an undefined symbol.
    Data(Option<DataRef>),
    /// Data of zeroes that the linker places: a symbol with [`SymbolFlags::BINDING_COMMON`].
    Common(CommonRef),
    /// A global, by its index in the file's global index space.
    Global(u32),
    /// A section, by its index among all sections of the file.
    Section(u32),
    /// A tag, by its index in the file's tag index space.
    Tag(u32),
    /// A table, by its index in the file's table index space.
    Table(u32),
}

impl SymbolTarget {
    /// The kind.
    pub const fn kind(&self) -> SymbolKind {
        match self {
            SymbolTarget::Function(_) => SymbolKind::Function,
            SymbolTarget::Data(_) | SymbolTarget::Common(_) => SymbolKind::Data,
            SymbolTarget::Global(_) => SymbolKind::Global,
            SymbolTarget::Section(_) => SymbolKind::Section,
            SymbolTarget::Tag(_) => SymbolKind::Tag,
            SymbolTarget::Table(_) => SymbolKind::Table,
        }
    }
}

/// An entry of the symbol table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SymbolEntry<'a> {
    /// Its flags.
    pub flags: SymbolFlags,
    /// Its name. `None` where the file has none: an undefined function, global, tag or
    /// table without [`SymbolFlags::EXPLICIT_NAME`] is named by its import, a section
    /// symbol by its section.
    pub name: Option<&'a str>,
    /// What it stands for.
    pub target: SymbolTarget,
}

impl<'a> SymbolEntry<'a> {
    /// Fewest bytes an entry takes: kind, flags, index.
    pub const MIN_LEN: usize = 3;

    /// Appends the entry. A name is written where the format has room for one: always
    /// for data; otherwise for defined symbols and under
    /// [`SymbolFlags::EXPLICIT_NAME`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.target.kind() as u8);
        put_u32(out, self.flags.0);
        let name = self.name.unwrap_or_default();
        match self.target {
            SymbolTarget::Function(index)
            | SymbolTarget::Global(index)
            | SymbolTarget::Tag(index)
            | SymbolTarget::Table(index) => {
                put_u32(out, index);
                if self.has_own_name() {
                    put_name(out, name);
                }
            }
            SymbolTarget::Data(place) => {
                put_name(out, name);
                if let Some(place) = place {
                    put_u32(out, place.segment);
                    put_u64(out, place.offset);
                    put_u64(out, place.size);
                }
            }
            SymbolTarget::Common(common) => {
                put_name(out, name);
                put_u64(out, common.size);
                out.push(common.align_log2);
            }
            SymbolTarget::Section(index) => put_u32(out, index),
        }
    }

    fn has_own_name(&self) -> bool {
        !self.flags.contains(SymbolFlags::UNDEFINED)
            || self.flags.contains(SymbolFlags::EXPLICIT_NAME)
    }

    /// Decodes an entry.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let at = reader.clone();
        let code = reader.u8()?;
        let Some(kind) = SymbolKind::from_u8(code) else {
            return Err(at.error(DecodeErrorKind::Unknown {
                what: "symbol kind",
                value: u64::from(code),
            }));
        };
        let flags = SymbolFlags(reader.u32()?);
        let target = match kind {
            SymbolKind::Section => SymbolTarget::Section(reader.u32()?),
            SymbolKind::Data => {
                let name = Some(reader.name()?);
                let target = if flags.contains(SymbolFlags::UNDEFINED) {
                    SymbolTarget::Data(None)
                } else if flags.is_common() {
                    SymbolTarget::Common(CommonRef {
                        size: reader.u64()?,
                        align_log2: reader.u8()?,
                    })
                } else {
                    SymbolTarget::Data(Some(DataRef {
                        segment: reader.u32()?,
                        offset: reader.u64()?,
                        size: reader.u64()?,
                    }))
                };
                return Ok(Self {
                    flags,
                    name,
                    target,
                });
            }
            SymbolKind::Function => SymbolTarget::Function(reader.u32()?),
            SymbolKind::Global => SymbolTarget::Global(reader.u32()?),
            SymbolKind::Tag => SymbolTarget::Tag(reader.u32()?),
            SymbolKind::Table => SymbolTarget::Table(reader.u32()?),
        };
        let mut entry = Self {
            flags,
            name: None,
            target,
        };
        if kind != SymbolKind::Section && entry.has_own_name() {
            entry.name = Some(reader.name()?);
        }
        Ok(entry)
    }
}

/// An entry of the segment info table; the nth describes the nth data segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentInfo<'a> {
    /// The segment's name, such as `.rodata.str`.
    pub name: &'a str,
    /// Alignment as a power of two: 3 stands for 8 bytes.
    pub align_log2: u32,
    /// Its flags.
    pub flags: SegmentFlags,
}

impl<'a> SegmentInfo<'a> {
    /// Fewest bytes an entry takes.
    pub const MIN_LEN: usize = 3;

    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_name(out, self.name);
        put_u32(out, self.align_log2);
        put_u32(out, self.flags.0);
    }

    /// Decodes an entry.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            name: reader.name()?,
            align_log2: reader.u32()?,
            flags: SegmentFlags(reader.u32()?),
        })
    }
}

/// A function that runs before the program starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InitFunc {
    /// Lower runs earlier; 65,535 when the source says nothing.
    pub priority: u32,
    /// The function's symbol, by its index in the symbol table.
    pub symbol: u32,
}

impl InitFunc {
    /// Fewest bytes an entry takes.
    pub const MIN_LEN: usize = 2;

    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.priority);
        put_u32(out, self.symbol);
    }

    /// Decodes an entry.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            priority: reader.u32()?,
            symbol: reader.u32()?,
        })
    }
}

/// What a comdat's member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ComdatKind {
    /// A data segment, by its index.
    Data = 0,
    /// A function, by its index in the function index space.
    Function = 1,
    /// A global, by its index in the global index space.
    Global = 2,
    /// A tag, by its index in the tag index space.
    Tag = 3,
    /// A table, by its index in the table index space.
    Table = 4,
    /// A custom section, by its index among all sections.
    Section = 5,
}

impl ComdatKind {
    /// The kind of code `code`.
    pub const fn from_u8(code: u8) -> Option<Self> {
        Some(match code {
            0 => ComdatKind::Data,
            1 => ComdatKind::Function,
            2 => ComdatKind::Global,
            3 => ComdatKind::Tag,
            4 => ComdatKind::Table,
            5 => ComdatKind::Section,
            _ => return None,
        })
    }
}

/// A member of a comdat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ComdatEntry {
    /// What it is.
    pub kind: ComdatKind,
    /// Its index in the space that `kind` names.
    pub index: u32,
}

impl ComdatEntry {
    /// Fewest bytes an entry takes.
    pub const MIN_LEN: usize = 2;

    /// Decodes an entry.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let at = reader.clone();
        let code = reader.u8()?;
        let Some(kind) = ComdatKind::from_u8(code) else {
            return Err(at.error(DecodeErrorKind::Unknown {
                what: "comdat entry kind",
                value: u64::from(code),
            }));
        };
        Ok(Self {
            kind,
            index: reader.u32()?,
        })
    }
}

/// A group of which the output keeps one copy, as found in a file.
#[derive(Debug, Clone)]
pub struct Comdat<'a> {
    /// The bytes of its name, which other files' copies share.
    pub name_bytes: &'a [u8],
    /// Where the name is, in the file that errors speak of.
    name_at: usize,
    /// Its flags; no flag has a meaning yet.
    pub flags: u32,
    /// Its members.
    pub entries: Entries<'a, ComdatEntry>,
}

impl<'a> Comdat<'a> {
    /// Fewest bytes a comdat takes.
    pub const MIN_LEN: usize = 3;

    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let name_at = reader.offset();
        let name_bytes = reader.byte_vec()?;
        let flags = reader.u32()?;
        let entries = Entries::decode_prefix(reader)?;
        Ok(Self {
            name_bytes,
            name_at,
            flags,
            entries,
        })
    }

    /// Its name. Most have that of a symbol of their file: who knows that symbol can tell
    /// by the bytes, which need not be found to be UTF-8 again.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn name(&self) -> Result<&'a str> {
        std::str::from_utf8(self.name_bytes).map_err(|_| DecodeError {
            offset: self.name_at,
            kind: DecodeErrorKind::InvalidUtf8,
        })
    }

    /// Appends a comdat.
    pub fn encode(name: &str, flags: u32, entries: &[ComdatEntry], out: &mut Vec<u8>) {
        put_name(out, name);
        put_u32(out, flags);
        put_u32(out, entries.len() as u32);
        for entry in entries {
            out.push(entry.kind as u8);
            put_u32(out, entry.index);
        }
    }
}

entry!(SymbolEntry<'a>, "symbol");
entry!(SegmentInfo<'a>, "segment");
entry!(InitFunc, "init function");
entry!(ComdatEntry, "comdat entry");
entry!(Comdat<'a>, "comdat");

/// A subsection of the linking section.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Subsection<'a> {
    /// Names, alignments and flags of data segments.
    SegmentInfo(Entries<'a, SegmentInfo<'a>>),
    /// Functions to run before the program starts.
    InitFuncs(Entries<'a, InitFunc>),
    /// Groups of which one copy is kept.
    ComdatInfo(Entries<'a, Comdat<'a>>),
    /// The symbol table.
    SymbolTable(Entries<'a, SymbolEntry<'a>>),
    /// A subsection that this version does not know, to be passed over.
    Unknown {
        /// Its code.
        code: u8,
        /// Its contents.
        bytes: &'a [u8],
    },
}

/// The linking section of a file.
///
/// ```
/// use wasm_format::linking::*;
/// use wasm_format::Reader;
///
/// let mut bytes = Vec::new();
/// LinkingSection {
///     symbols: &[SymbolEntry {
///         flags: SymbolFlags::VISIBILITY_HIDDEN,
///         name: Some("main"),
///         target: SymbolTarget::Function(0),
///     }],
///     ..Default::default()
/// }
/// .encode(&mut bytes);
///
/// for subsection in LinkingSection::decode(Reader::new(&bytes)).unwrap() {
///     if let Subsection::SymbolTable(mut symbols) = subsection.unwrap() {
///         assert_eq!(symbols.next().unwrap().unwrap().name, Some("main"));
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct LinkingSection<'a> {
    /// One for each data segment, in their order.
    pub segments: &'a [SegmentInfo<'a>],
    /// Init functions.
    pub init_funcs: &'a [InitFunc],
    /// Comdats: name, flags, members.
    pub comdats: &'a [(&'a str, u32, &'a [ComdatEntry])],
    /// The symbol table.
    pub symbols: &'a [SymbolEntry<'a>],
}

impl<'a> LinkingSection<'a> {
    /// Decodes the version and returns the subsections, each framed within its bounds.
    /// `reader` is at the section's contents, after its name.
    pub fn decode(
        mut reader: Reader<'a>,
    ) -> Result<impl Iterator<Item = Result<Subsection<'a>>> + use<'a>> {
        let at = reader.clone();
        let version = reader.u32()?;
        if version != LINKING_VERSION {
            return Err(at.error(DecodeErrorKind::Version {
                what: "linking section",
                version,
                expected: LINKING_VERSION,
            }));
        }
        Ok(std::iter::from_fn(move || {
            if reader.is_empty() {
                return None;
            }
            let subsection = Subsection::decode(&mut reader);
            if subsection.is_err() {
                reader = Reader::at(&[], reader.offset());
            }
            Some(subsection)
        }))
    }

    /// Appends the section's contents (without its name). Empty tables are left out.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, LINKING_VERSION);
        let mut body = Vec::new();
        let mut subsection = |id: SubsectionId, count: usize, fill: &dyn Fn(&mut Vec<u8>)| {
            if count == 0 {
                return;
            }
            body.clear();
            put_u32(&mut body, count as u32);
            fill(&mut body);
            out.push(id as u8);
            leb128::put_bytes(out, &body);
        };
        subsection(SubsectionId::SymbolTable, self.symbols.len(), &|out| {
            for symbol in self.symbols {
                symbol.encode(out);
            }
        });
        subsection(SubsectionId::SegmentInfo, self.segments.len(), &|out| {
            for segment in self.segments {
                segment.encode(out);
            }
        });
        subsection(SubsectionId::InitFuncs, self.init_funcs.len(), &|out| {
            for init in self.init_funcs {
                init.encode(out);
            }
        });
        subsection(SubsectionId::ComdatInfo, self.comdats.len(), &|out| {
            for (name, flags, entries) in self.comdats {
                Comdat::encode(name, *flags, entries, out);
            }
        });
    }
}

impl<'a> Subsection<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        let code = reader.u8()?;
        let len = reader.u32()?;
        let body = reader.sub(len as usize)?;
        Ok(match code {
            5 => Subsection::SegmentInfo(Entries::decode(body)?),
            6 => Subsection::InitFuncs(Entries::decode(body)?),
            7 => Subsection::ComdatInfo(Entries::decode(body)?),
            8 => Subsection::SymbolTable(Entries::decode(body)?),
            code => Subsection::Unknown {
                code,
                bytes: body.rest(),
            },
        })
    }
}

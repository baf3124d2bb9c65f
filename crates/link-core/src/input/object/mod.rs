//! The one kind of input that every phase after reading sees. The parser makes it from an
//! object file, borrowing the file's bytes; `crate::module` makes it from generated
//! declarations.
//!
//! The maker of an [`Object`] guarantees: every index lies within its table, every
//! relocation's place within its chunk, its target of the kind its type asks for. The
//! phases after reading rely on it and look nothing up twice.

mod comdats;
mod elements;
mod functions;
mod left_out;
mod symbols;

use std::sync::Arc;

use wasm_format::linking::{SegmentFlags, SymbolFlags, SymbolKind};
use wasm_format::reloc::{RelocEntry, RelocTarget, RelocType};
use wasm_format::{GlobalType, TableType};

use crate::ids::{ObjCustom, ObjFunc, ObjSegment, ObjSymbol, ObjType, ObjUndefined};
use crate::options::Options;
use crate::reloc::Reloc;

pub use self::comdats::Comdats;
pub use self::elements::{ElementPlace, Elements};
pub use self::functions::{Function, Functions};
pub use self::left_out::LeftOut;
pub use self::symbols::{ObjTarget, ObjectSymbol, Symbols};

pub(crate) use self::functions::BodyPlace;

/// The alias of relocations whose target is an index of their object: a symbol's, or for
/// [`RelocType::TypeIndexLeb`] a type's.
pub type ObjReloc = Reloc<u32>;

/// The encoded type of functions without parameters and results.
pub(crate) const NULLARY: &[u8] = &[0x60, 0, 0];

/// One object file, or one module of generated code.
#[derive(Debug)]
pub struct Object<'a> {
    /// How messages call it: the path, or `libx.a(member.o)`.
    pub name: Arc<str>,
    /// Whether its memory is addressed with 64 bits; `None` where it says nothing.
    pub is_64: Option<bool>,
    /// Encoded function types, each with its leading `0x60`, in canonical form (two
    /// types are equal exactly if their bytes are).
    pub types: Vec<&'a [u8]>,
    /// The symbol table.
    pub symbols: Symbols<'a>,
    /// What the file says of the symbols that it does not define. Apart from the symbols,
    /// of which most say less.
    pub undefined: Vec<Undefined<'a>>,
    /// Defined functions.
    pub functions: Functions<'a>,
    /// Data segments.
    pub segments: Vec<Segment<'a>>,
    /// The common symbols. Each stands for a segment of its own, which the file does not have:
    /// these follow those of the file.
    pub commons: Vec<ObjSymbol>,
    /// Custom sections to be carried over: debug info, `metadata.code.*`, the user's own.
    /// Not those the linker consumes (linking, reloc.*, name, producers,
    /// target_features).
    pub customs: Vec<CustomSection<'a>>,
    /// Those of [`Object::customs`] that are code metadata, in the same order.
    pub metadata: Vec<CodeMetadata>,
    /// Defined globals.
    pub globals: Vec<DefinedGlobal<'a>>,
    /// Defined tables.
    pub tables: Vec<DefinedTable<'a>>,
    /// Defined tags.
    pub tags: Vec<DefinedTag<'a>>,
    /// Init functions, in the file's order.
    pub init_funcs: Vec<ObjInitFunc>,
    /// The symbol of the function that runs when the module is instantiated.
    pub start: Option<ObjSymbol>,
    /// Element segments of tables that the object defines, and those that declare functions.
    pub elements: Vec<Elements<'a>>,
    /// What the file holds and a link cannot carry over.
    pub left_out: Vec<LeftOut<'a>>,
    /// The comdats that members refer to by index.
    pub comdats: Comdats<'a>,
    /// `target_features` section: prefix (`+`, `-` or `=`) and name.
    pub features: Vec<(u8, &'a str)>,
    /// Whether the file has a `target_features` section at all.
    pub has_features: bool,
    /// Contents of the `producers` section; empty if there is none.
    pub producers: &'a [u8],
    /// Whether its code may refer to something by an index that no relocation adjusts.
    pub may_have_raw_indices: bool,
    /// Whether its code calls through table 0 without saying so: it is from before tables
    /// had symbols.
    pub calls_table_0: bool,
    /// Whether it was pulled: what it keeps unasked is kept only if something of it is
    /// needed.
    pub from_archive: bool,
    /// The archive that it is a member of, as messages call it.
    pub archive: Option<Arc<str>>,
}

impl<'a> Object<'a> {
    /// An object that defines symbols as absolute addresses, and has nothing else.
    pub(crate) fn of_addresses(name: &str, addresses: &[(&'a str, u64)]) -> Self {
        let mut symbols = Symbols::with_capacity(addresses.len(), addresses.len());
        for &(name, value) in addresses {
            let target = ObjTarget::Absolute { value, size: 0 };
            symbols.push(name, SymbolFlags::ABSOLUTE, target);
        }
        Self {
            name: name.into(),
            is_64: None,
            types: Vec::new(),
            symbols,
            undefined: Vec::new(),
            functions: Functions::of_chunks(std::iter::empty()),
            segments: Vec::new(),
            customs: Vec::new(),
            metadata: Vec::new(),
            globals: Vec::new(),
            tables: Vec::new(),
            tags: Vec::new(),
            init_funcs: Vec::new(),
            start: None,
            elements: Vec::new(),
            left_out: Vec::new(),
            comdats: Comdats::with_capacity(0),
            features: Vec::new(),
            has_features: false,
            producers: &[],
            commons: Vec::new(),
            may_have_raw_indices: false,
            calls_table_0: false,
            from_archive: false,
            archive: None,
        }
    }

    /// Adds an undefined symbol's description; returns what its symbol stands for.
    pub(crate) fn add_undefined(&mut self, undefined: Undefined<'a>) -> ObjTarget {
        add_undefined(&mut self.undefined, undefined)
    }

    /// The segment of one of [`Object::commons`].
    pub(crate) fn common_segment(&self, common: ObjSymbol) -> Option<ObjSegment> {
        match self.symbols.target_of(common) {
            ObjTarget::Data { segment, .. } => Some(segment),
            ObjTarget::Function(_)
            | ObjTarget::Absolute { .. }
            | ObjTarget::Global(_)
            | ObjTarget::Table(_)
            | ObjTarget::Tag(_)
            | ObjTarget::Section(_)
            | ObjTarget::Undefined { .. } => None,
        }
    }

    /// Sets the size and the alignment of one of [`Object::commons`].
    pub(crate) fn resize_common(&mut self, common: ObjSymbol, size: u64, align_log2: u32) {
        if let Some(segment) = self.common_segment(common) {
            let segment = &mut self.segments[segment.index()];
            (segment.size, segment.align_log2) = (size, align_log2);
            self.symbols.resize(common, size);
        }
    }

    /// The comdat that a symbol is defined in, if it is in one.
    #[inline]
    pub(crate) fn comdat_of(&self, symbol: &ObjectSymbol<'a>) -> Option<u32> {
        match self.symbols.target(symbol) {
            ObjTarget::Function(function) => self.functions[function].comdat(),
            ObjTarget::Data { segment, .. } => self.segments[segment.index()].comdat,
            ObjTarget::Absolute { .. }
            | ObjTarget::Global(_)
            | ObjTarget::Table(_)
            | ObjTarget::Tag(_)
            | ObjTarget::Section(_)
            | ObjTarget::Undefined { .. } => None,
        }
    }

    /// The name of a comdat.
    pub fn comdat_name(&self, comdat: u32) -> &'a str {
        self.comdats.name_of(comdat, &self.symbols)
    }

    /// The name of a function: that of a symbol, or else that of the `name` section or an export.
    pub fn any_function_name(&self, function: ObjFunc) -> Option<&'a str> {
        let name = self.function_name(function);
        let named = Some(name).filter(|name| !name.is_empty());
        named
            .or_else(|| self.functions.debug_name(function))
            .or_else(|| self.functions.export_name(function))
    }

    /// The name of a function: that of the first symbol that gives it one, else empty.
    pub fn function_name(&self, function: ObjFunc) -> &'a str {
        match self.functions[function].symbol() {
            Some(symbol) => self.symbols[symbol.index()].name,
            None => "",
        }
    }
}

/// Adds an undefined symbol's description to those of its object; returns what its symbol
/// stands for.
pub(crate) fn add_undefined<'a>(
    list: &mut Vec<Undefined<'a>>,
    undefined: Undefined<'a>,
) -> ObjTarget {
    let kind = match undefined {
        Undefined::Function { .. } => SymbolKind::Function,
        Undefined::Data => SymbolKind::Data,
        Undefined::Global { .. } => SymbolKind::Global,
        Undefined::Table { .. } => SymbolKind::Table,
        Undefined::Tag { .. } => SymbolKind::Tag,
    };
    let what = ObjUndefined(list.len() as u32);
    list.push(undefined);
    ObjTarget::Undefined { kind, what }
}

/// What a file says of a symbol that it does not define.
#[derive(Debug, Clone, Copy)]
pub enum Undefined<'a> {
    /// A function.
    Function {
        /// The signature that this file calls it with.
        ty: ObjType,
        /// Where it is imported from if it stays undefined.
        import: SymbolImport<'a>,
    },
    /// A place in memory.
    Data,
    /// A global.
    Global {
        /// Its type.
        ty: GlobalType,
        /// Where it is imported from if it stays undefined.
        import: SymbolImport<'a>,
    },
    /// A table.
    Table {
        /// Its type.
        ty: TableType,
        /// Where it is imported from if it stays undefined.
        import: SymbolImport<'a>,
    },
    /// A tag.
    Tag {
        /// Its signature.
        ty: ObjType,
        /// Where it is imported from if it stays undefined.
        import: SymbolImport<'a>,
    },
}

/// Module and name of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SymbolImport<'a> {
    /// Module.
    pub module: &'a str,
    /// Name within the module.
    pub name: &'a str,
    /// The symbol has a name of its own
    /// ([`EXPLICIT_NAME`](wasm_format::linking::SymbolFlags::EXPLICIT_NAME)): the source asked
    /// for this import, so it may stay undefined.
    pub explicit: bool,
}

/// An indivisible piece of input and its relocations.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// Its contents.
    pub bytes: &'a [u8],
    /// What is patched in it.
    pub relocs: Relocs<'a>,
}

/// A data segment.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Its contents; shorter than `size` where the rest is zero.
    pub chunk: Chunk<'a>,
    /// Size in memory, in bytes.
    pub size: u64,
    /// Its name, such as `.rodata.str`.
    pub name: &'a str,
    /// Alignment as a power of two.
    pub align_log2: u32,
    /// Its flags.
    pub flags: SegmentFlags,
    /// Index into [`Object::comdats`].
    pub comdat: Option<u32>,
}

impl<'a> Segment<'a> {
    /// The name of the output segment that it goes to.
    pub(crate) fn output_name(&self, options: &Options) -> &'a str {
        // One segment holds all thread-local data, so that one base serves it all.
        if self.flags.contains(SegmentFlags::TLS) {
            return ".tdata";
        }
        if !options.merges_data_segments() {
            return self.name;
        }
        for prefix in [".text", ".rodata", ".data", ".bss"] {
            let rest = self.name.strip_prefix(prefix);
            if rest.is_some_and(|rest| rest.starts_with('.')) {
                return prefix;
            }
        }
        self.name
    }
}

/// A custom section.
#[derive(Debug, Clone, Copy)]
pub struct CustomSection<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its contents, after the name.
    pub chunk: Chunk<'a>,
    /// Relocations of debug info as its file has them, which are not decoded yet:
    /// they are most of all relocations, and nothing but writing asks what they say.
    /// [`Chunk::relocs`] has none then.
    pub unchecked: Option<UncheckedRelocs<'a>>,
    /// Index into [`Object::comdats`].
    pub comdat: Option<u32>,
}

/// A custom section that is code metadata (`metadata.code.*`).
#[derive(Debug, Clone)]
pub struct CodeMetadata {
    /// The section.
    pub custom: ObjCustom,
    /// The functions of this object that it speaks of.
    pub functions: Vec<MetadataFunction>,
}

/// What is said of one function's instructions.
#[derive(Debug, Clone)]
pub struct MetadataFunction {
    /// The function.
    pub function: ObjFunc,
    /// The symbol that its index is relocated by, if it is.
    pub symbol: Option<ObjSymbol>,
    /// Where the vector of items is in the section's contents, in bytes.
    pub items: std::ops::Range<u32>,
}

/// A defined global.
#[derive(Debug, Clone, Copy)]
pub struct DefinedGlobal<'a> {
    /// Its type.
    pub ty: GlobalType,
    /// Its initial value: an encoded const expression, `end` included.
    pub init: &'a [u8],
    /// Its name: that of the first symbol that names it, else empty.
    pub name: &'a str,
}

/// A defined table.
#[derive(Debug, Clone, Copy)]
pub struct DefinedTable<'a> {
    /// Its type.
    pub ty: TableType,
    /// Its name: that of the first symbol that names it, else empty.
    pub name: &'a str,
}

/// A defined tag.
#[derive(Debug, Clone, Copy)]
pub struct DefinedTag<'a> {
    /// Its signature.
    pub ty: ObjType,
    /// Its name: that of the first symbol that names it, else empty.
    pub name: &'a str,
}

/// A relocation section that is not decoded yet.
#[derive(Debug, Clone, Copy)]
pub struct UncheckedRelocs<'a> {
    /// Its name.
    pub section: &'a str,
    /// Its entries.
    pub entries: &'a [u8],
    /// How many there are to be.
    pub count: u32,
    /// Where the entries begin, in the file that messages speak of.
    pub at: usize,
}

/// A function to run before the program starts.
#[derive(Debug, Clone, Copy)]
pub struct ObjInitFunc {
    /// Lower runs earlier.
    pub priority: u32,
    /// The function's symbol.
    pub symbol: ObjSymbol,
}

/// The relocations of one chunk, in the order of their offsets.
#[derive(Debug, Clone, Copy)]
pub enum Relocs<'a> {
    /// As a file has them. They were decoded once, when the file was read, and found
    /// good.
    Encoded {
        /// The chunk's entries, and those that follow in its section: the decoder looks
        /// at more bytes at once than an entry has.
        entries: &'a [u8],
        /// How many bytes are those of others.
        after: usize,
        /// Where the chunk begins in its section's contents: entries' offsets count from
        /// the section's start.
        chunk_start: u32,
        /// Whether each asks for nothing but the index or address of a symbol: none for a
        /// table slot, an entry of the GOT, a place in thread-local storage or a type.
        plain: bool,
    },
    /// As values, offsets relative to the chunk.
    Decoded(&'a [ObjReloc]),
}

impl<'a> Relocs<'a> {
    /// No relocations.
    pub const NONE: Relocs<'static> = Relocs::Decoded(&[]);

    /// The relocations, one after another.
    #[inline]
    pub fn iter(self) -> RelocIter<'a> {
        match self {
            Relocs::Encoded {
                entries,
                after,
                chunk_start,
                ..
            } => RelocIter::Encoded {
                entries,
                after,
                chunk_start,
            },
            Relocs::Decoded(relocs) => RelocIter::Decoded(relocs.iter()),
        }
    }

    /// Whether each asks for nothing but the index or address of a symbol, as far as that
    /// is known without looking at them.
    #[inline]
    pub fn are_plain(self) -> bool {
        match self {
            Relocs::Encoded { plain, .. } => plain,
            Relocs::Decoded(relocs) => relocs.is_empty(),
        }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        match self {
            Relocs::Encoded { entries, after, .. } => entries.len() <= after,
            Relocs::Decoded(relocs) => relocs.is_empty(),
        }
    }
}

/// Iterator over a chunk's relocations.
#[derive(Debug)]
pub enum RelocIter<'a> {
    /// Decoding them on the way.
    Encoded {
        /// The entries not yet decoded, and those of others.
        entries: &'a [u8],
        /// How many bytes are those of others.
        after: usize,
        /// Where the chunk begins in its section's contents.
        chunk_start: u32,
    },
    /// From values.
    Decoded(std::slice::Iter<'a, ObjReloc>),
}

impl Iterator for RelocIter<'_> {
    type Item = ObjReloc;

    #[inline]
    fn next(&mut self) -> Option<ObjReloc> {
        match self {
            RelocIter::Encoded {
                entries,
                after,
                chunk_start,
            } => {
                if entries.len() <= *after {
                    return None;
                }
                // Entries were checked when the file was read; ending early is the
                // harmless answer should that ever not hold.
                let (entry, rest) = RelocEntry::split_first(entries)?;
                *entries = rest;
                Reloc::from_entry(&entry, *chunk_start)
            }
            RelocIter::Decoded(relocs) => relocs.next().copied(),
        }
    }
}

/// Whether a custom section is debug info, which `--strip-debug` drops.
pub fn is_debug_section(name: &str) -> bool {
    name.starts_with(".debug_") || name.starts_with("reloc..debug_")
}

/// The kind of symbol that a relocation's target must be. `None` for types, which are no
/// symbols, and for globals: code finds functions and data through the GOT, too.
pub const fn expected_kind(ty: RelocType) -> Option<SymbolKind> {
    match ty.target() {
        RelocTarget::Function | RelocTarget::TableSlot | RelocTarget::FunctionOffset => {
            Some(SymbolKind::Function)
        }
        RelocTarget::Memory => Some(SymbolKind::Data),
        RelocTarget::SectionOffset => Some(SymbolKind::Section),
        RelocTarget::Tag => Some(SymbolKind::Tag),
        RelocTarget::Table => Some(SymbolKind::Table),
        RelocTarget::Type | RelocTarget::Global => None,
    }
}

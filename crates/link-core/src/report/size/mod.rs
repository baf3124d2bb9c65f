//! The size report: which byte of the output is there for which symbol of which input. Every
//! byte is accounted for exactly once, so the items add up to the size of the output.

mod account;
mod alike;
mod namespaces;
mod retained;
mod size_json;
mod size_rows;
mod size_text;

use std::sync::Arc;

pub use super::reference_graph::KeptHow;

use self::account::account;
use self::size_rows::Rows;
pub(super) use self::size_text::printable;
use super::reference_graph::ReferenceGraph;
use crate::emit::{Outline, Sources};

/// Where the bytes of an output come from. Lists refer to one another by index.
///
/// ```
/// use link_core::{Env, FileData, Input, Inputs, Options, link};
/// use link_core::options::{Entry, OutputKind};
///
/// let mut options = Options::default();
/// options.entry = Entry::None;
/// options.size_report = true;
/// let mut module = Vec::new();
/// let linked = link(Inputs::default(), &options, &Env::default(), &mut module).unwrap();
/// let report = linked.size.unwrap();
/// assert_eq!(report.total, module.len() as u64);
/// assert_eq!(report.items.iter().map(|item| item.size).sum::<u64>(), report.total);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SizeReport {
    /// The output's name.
    pub output: String,
    /// The size of the output, in bytes.
    pub total: u64,
    /// The output's sections in order; the first is the module's header.
    pub sections: Vec<SizeSection>,
    /// The objects that take part, in link order.
    pub inputs: Vec<SizeInput>,
    /// The namespaces of the symbols: crates, modules, classes. A parent precedes its children.
    pub namespaces: Vec<SizeNamespace>,
    /// What the output consists of: imports, functions, data, globals, tables and tags.
    pub symbols: Vec<SizedSymbol>,
    /// Every byte of the output, grouped by section, kind and owner, in the order of the sections.
    pub items: Vec<SizeItem>,
    /// Functions and data that differ only in template or generic arguments; those that save
    /// most first.
    pub instances: Vec<AlikeSymbols>,
    /// Functions of equal type whose finished bodies are equal; those that save most first.
    pub identical: Vec<AlikeSymbols>,
    /// What garbage collection left out of the objects that take part; the largest first.
    pub dropped: Vec<DroppedPart>,
}

/// A section of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeSection {
    /// Its name: `code`, `data`, or that of a custom section; `module header` for the first.
    pub name: String,
    /// Whether it is a custom section.
    pub is_custom: bool,
    /// Where it begins in the output, in bytes.
    pub offset: u64,
    /// Its size with its header, in bytes.
    pub size: u64,
}

/// An object that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeInput {
    /// Its name: the path, or `libx.a(member.o)`.
    pub name: Arc<str>,
    /// The archive that it is a member of.
    pub archive: Option<Arc<str>>,
    /// How many bytes of the output are there for it.
    pub size: u64,
}

/// A namespace: a crate, a module, a class, or a type with its arguments left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeNamespace {
    /// Its own name, without its parent's.
    pub name: String,
    /// The namespace it is in.
    pub parent: Option<u32>,
    /// Bytes of its symbols, and of those of the namespaces in it.
    pub size: u64,
}

/// A symbol of the output, or a part of the output that has no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizedSymbol {
    /// Its name, as it stands in the files; empty where there is none.
    pub name: Box<str>,
    /// The name demangled, where that is something else and names are to be demangled.
    pub demangled: Option<Box<str>>,
    /// What it is.
    pub kind: SizedKind,
    /// The object it is from, by its place in [`SizeReport::inputs`]; `None` for imports and for
    /// what the linker made.
    pub input: Option<u32>,
    /// The input section of data, such as `.rodata.cst16`; the module of an import; else empty.
    pub place: Box<str>,
    /// Its namespace; `None` for a name outside of all of them.
    pub namespace: Option<u32>,
    /// Bytes of its body or its contents.
    pub size: u64,
    /// The same with its entries in other sections: its import, type index, table slots, exports,
    /// names, relocations.
    pub total: u64,
    /// Bytes that would go if the symbol went: its own total, and that of all that only it keeps.
    /// Symbols of one data segment go together and retain the same.
    pub retained: u64,
    /// Why it is there.
    pub how: KeptHow,
    /// The next step of the shortest chain of references that ends in a root: the symbol that this
    /// one is there for, by its place in [`SizeReport::symbols`].
    pub by: Option<u32>,
}

/// A function or data that is in an object and not in the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedPart {
    /// Its name, as it stands in the file; empty where there is none.
    pub name: Box<str>,
    /// The name demangled, where that is something else and names are to be demangled.
    pub demangled: Option<Box<str>>,
    /// What it is.
    pub kind: SizedKind,
    /// The object it is from, by its place in [`SizeReport::inputs`].
    pub input: u32,
    /// The input section of data; else empty.
    pub place: Box<str>,
    /// Bytes of its body or its contents.
    pub size: u64,
}

impl DroppedPart {
    /// As [`SizedSymbol::shown`].
    pub fn shown(&self) -> String {
        shown(
            &self.name,
            self.demangled.as_deref(),
            &self.place,
            self.kind,
        )
    }
}

/// The name for people.
fn shown(name: &str, demangled: Option<&str>, place: &str, kind: SizedKind) -> String {
    match demangled {
        Some(demangled) => demangled.to_owned(),
        None if !name.is_empty() => name.to_owned(),
        None if place.is_empty() => format!("[{}]", kind.name()),
        None => format!("[{place}]"),
    }
}

impl SizedSymbol {
    /// The name for people: demangled if it is, else as in the files; the input section in
    /// brackets where there is no name.
    pub fn shown(&self) -> String {
        shown(
            &self.name,
            self.demangled.as_deref(),
            &self.place,
            self.kind,
        )
    }
}

/// What a symbol of the report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SizedKind {
    /// A function that is imported.
    FunctionImport,
    /// A global that is imported.
    GlobalImport,
    /// A table that is imported.
    TableImport,
    /// A tag that is imported.
    TagImport,
    /// A function with a body.
    Function,
    /// Data.
    Data,
    /// Strings that are merged with equal ones: a share of those.
    Strings,
    /// A global.
    Global,
    /// A table.
    Table,
    /// A tag.
    Tag,
}

impl SizedKind {
    /// Whether it is imported.
    pub const fn is_import(self) -> bool {
        match self {
            Self::FunctionImport | Self::GlobalImport | Self::TableImport | Self::TagImport => true,
            Self::Function
            | Self::Data
            | Self::Strings
            | Self::Global
            | Self::Table
            | Self::Tag => false,
        }
    }

    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FunctionImport => "function import",
            Self::GlobalImport => "global import",
            Self::TableImport => "table import",
            Self::TagImport => "tag import",
            Self::Function => "function",
            Self::Data => "data",
            Self::Strings => "strings",
            Self::Global => "global",
            Self::Table => "table",
            Self::Tag => "tag",
        }
    }
}

/// Some bytes of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeItem {
    /// The section they are in, by its place in [`SizeReport::sections`].
    pub section: u32,
    /// What they are.
    pub kind: SizeKind,
    /// The object they are there for, by its place in [`SizeReport::inputs`].
    pub input: Option<u32>,
    /// The symbol they are there for, by its place in [`SizeReport::symbols`].
    pub symbol: Option<u32>,
    /// How many they are.
    pub size: u64,
}

/// What bytes of the output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SizeKind {
    /// The module's header, and what stands before the entries of a section: id, size, name, count.
    Header,
    /// Types.
    Type,
    /// An entry of a section: an import, the type of a function, a global, an export.
    Entry,
    /// A slot of the function table.
    Slot,
    /// The size that stands before a function's body.
    BodySize,
    /// A function's body.
    Body,
    /// What stands before the contents of a data segment.
    SegmentHeader,
    /// Data.
    Data,
    /// Strings that several inputs share: each string's bytes are divided equally among its uses.
    Shared,
    /// Zeroes between data, or between parts of a custom section, for alignment.
    Padding,
    /// Entries of the name section.
    Name,
    /// Relocations.
    Reloc,
    /// Symbol table and other contents of the linking section.
    Linking,
    /// Debug info.
    Debug,
    /// A custom section of an object.
    Custom,
    /// Contents of a custom section that the linker makes: `dylink.0`, `producers`,
    /// `target_features`, `build_id`.
    Made,
    /// Anything else.
    Other,
}

impl SizeKind {
    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Type => "type",
            Self::Entry => "entry",
            Self::Slot => "slot",
            Self::BodySize => "body-size",
            Self::Body => "body",
            Self::SegmentHeader => "segment-header",
            Self::Data => "data",
            Self::Shared => "shared-strings",
            Self::Padding => "padding",
            Self::Name => "name",
            Self::Reloc => "relocation",
            Self::Linking => "linking",
            Self::Debug => "debug",
            Self::Custom => "custom",
            Self::Made => "made",
            Self::Other => "other",
        }
    }
}

/// Symbols that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlikeSymbols {
    /// What they have in common: the name without arguments, or the first one's name.
    pub name: String,
    /// The symbols, by their places in [`SizeReport::symbols`].
    pub symbols: Vec<u32>,
    /// Bytes of all of them.
    pub size: u64,
    /// Bytes that one copy instead of all would save at most.
    pub saving: u64,
}

impl SizeReport {
    /// Bytes that no kind describes.
    pub fn other(&self) -> u64 {
        let other = |item: &&SizeItem| item.kind == SizeKind::Other;
        self.items.iter().filter(other).map(|item| item.size).sum()
    }
}

/// Accounts for the bytes of the output that `outline` describes.
pub(crate) fn collect(
    sources: &Sources<'_, '_>,
    outline: &Outline,
    graph: &ReferenceGraph<'_, '_>,
) -> SizeReport {
    let rows = Rows::collect(sources);
    let (sections, items) = account(sources, outline, &rows);
    let mut inputs: Vec<SizeInput> = (sources.resolution.objects.iter())
        .map(|object| SizeInput {
            name: object.name.clone(),
            archive: object.archive.clone(),
            size: 0,
        })
        .collect();
    let mut own = vec![(0, 0); rows.list.len()];
    for item in &items {
        if let Some(input) = item.input {
            inputs[input as usize].size += item.size;
        }
        if let Some(symbol) = item.symbol {
            let (size, total) = &mut own[symbol as usize];
            *total += item.size;
            if matches!(
                item.kind,
                SizeKind::Body | SizeKind::Data | SizeKind::Shared
            ) {
                *size += item.size;
            }
        }
    }
    let mut named = namespaces::name(&rows, &own, sources.options.demangle);
    retained::add(&mut named.symbols, sources, &rows, graph);
    let identical = alike::identical(sources, &rows, &named.symbols);
    let instances = alike::instances(&named);
    SizeReport {
        output: sources.options.output_name.clone(),
        total: outline.size,
        sections,
        inputs,
        namespaces: named.namespaces,
        symbols: named.symbols,
        items,
        instances,
        identical,
        dropped: retained::dropped(sources),
    }
}

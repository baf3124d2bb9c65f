//! The symbol table of an object. A large link has hundreds of thousands of entries,
//! which every phase goes through: one takes few bytes, and what only data symbols have is
//! kept apart.

use std::ops::Deref;

use wasm_format::linking::{SymbolFlags, SymbolKind};

use crate::ids::{
    ObjCustom, ObjFunc, ObjGlobal, ObjSegment, ObjSymbol, ObjTable, ObjTag, ObjUndefined,
};

/// A symbol table, by [`ObjSymbol`].
#[derive(Debug, Default)]
pub struct Symbols<'a> {
    list: Vec<ObjectSymbol<'a>>,
    places: Vec<DataPlace>,
}

/// An entry of an object's symbol table.
#[derive(Debug, Clone, Copy)]
pub struct ObjectSymbol<'a> {
    /// Its name. A section symbol has its section's name.
    pub name: &'a str,
    /// The index of what it stands for, in the table that `what` tells.
    index: u32,
    flags: u16,
    what: What,
    /// A relocation of the file's code calls it (`R_WASM_FUNCTION_INDEX_LEB`), or it is the
    /// start function; its address may be taken without that. Only direct calls check signatures.
    pub called_directly: bool,
}

const _: () = assert!(size_of::<ObjectSymbol<'_>>() <= 24);

/// What the index of a symbol counts.
#[derive(Debug, Clone, Copy)]
enum What {
    Function,
    /// [`Symbols::places`], as for an absolute symbol.
    Data,
    Absolute,
    Global,
    Table,
    Tag,
    Section,
    /// Nothing: a section that is not carried over.
    NoSection,
    Undefined(SymbolKind),
}

/// Where data lies.
#[derive(Debug, Clone, Copy)]
struct DataPlace {
    /// Nothing of an absolute symbol.
    segment: ObjSegment,
    /// In the segment; or the value.
    offset: u64,
    size: u64,
}

/// What a symbol stands for.
#[derive(Debug, Clone, Copy)]
pub enum ObjTarget {
    /// A defined function.
    Function(ObjFunc),
    /// A place in a segment. `offset` is at most the segment's size.
    Data {
        /// The segment.
        segment: ObjSegment,
        /// Offset in it, in bytes.
        offset: u64,
        /// Size of the symbol, in bytes.
        size: u64,
    },
    /// A data symbol with a value of its own.
    Absolute {
        /// The value.
        value: u64,
        /// Size of the symbol, in bytes.
        size: u64,
    },
    /// A defined global.
    Global(ObjGlobal),
    /// A defined table.
    Table(ObjTable),
    /// A defined tag.
    Tag(ObjTag),
    /// A custom section. `None` for a section the linker does not carry over (stripped,
    /// or consumed).
    Section(Option<ObjCustom>),
    /// Defined elsewhere.
    Undefined {
        /// What kind of thing it names.
        kind: SymbolKind,
        /// What the file says of it.
        what: ObjUndefined,
    },
}

impl ObjectSymbol<'_> {
    /// Its flags, those that the format defines: it has ten of them, and 16 bits are kept.
    #[inline]
    pub fn flags(&self) -> SymbolFlags {
        SymbolFlags(self.flags.into())
    }

    /// Whether it is not visible outside its file.
    #[inline]
    pub fn is_local(&self) -> bool {
        self.flags().is_local()
    }

    /// Whether other files see it: it means what they say of its name, too.
    #[inline]
    pub fn is_shared(&self) -> bool {
        !self.is_local() && !self.is_section()
    }

    /// Whether it is weak.
    #[inline]
    pub fn is_weak(&self) -> bool {
        self.flags().is_weak()
    }

    /// Whether the file does not define it.
    #[inline]
    pub fn is_undefined(&self) -> bool {
        matches!(self.what, What::Undefined(_))
    }

    /// Whether it names a section.
    #[inline]
    pub fn is_section(&self) -> bool {
        matches!(self.what, What::Section | What::NoSection)
    }

    /// The function that it stands for, if the file defines it.
    #[inline]
    pub fn function(&self) -> Option<ObjFunc> {
        matches!(self.what, What::Function).then_some(ObjFunc(self.index))
    }

    /// What kind of thing it names.
    #[inline]
    pub fn kind(&self) -> SymbolKind {
        match self.what {
            What::Function => SymbolKind::Function,
            What::Data | What::Absolute => SymbolKind::Data,
            What::Global => SymbolKind::Global,
            What::Table => SymbolKind::Table,
            What::Tag => SymbolKind::Tag,
            What::Section | What::NoSection => SymbolKind::Section,
            What::Undefined(kind) => kind,
        }
    }
}

impl<'a> Symbols<'a> {
    /// An empty table with room for `count` symbols, of which `data` stand for data.
    pub(crate) fn with_capacity(count: usize, data: usize) -> Self {
        Self {
            list: Vec::with_capacity(count),
            places: Vec::with_capacity(data),
        }
    }

    /// Adds an entry.
    #[inline]
    pub(crate) fn push(&mut self, name: &'a str, flags: SymbolFlags, target: ObjTarget) {
        let (what, index) = match target {
            ObjTarget::Function(function) => (What::Function, function.0),
            ObjTarget::Data {
                segment,
                offset,
                size,
            } => (What::Data, self.add_place(segment, offset, size)),
            ObjTarget::Absolute { value, size } => {
                (What::Absolute, self.add_place(ObjSegment(0), value, size))
            }
            ObjTarget::Global(global) => (What::Global, global.0),
            ObjTarget::Table(table) => (What::Table, table.0),
            ObjTarget::Tag(tag) => (What::Tag, tag.0),
            ObjTarget::Section(Some(custom)) => (What::Section, custom.0),
            ObjTarget::Section(None) => (What::NoSection, 0),
            ObjTarget::Undefined { kind, what } => (What::Undefined(kind), what.0),
        };
        self.list.push(ObjectSymbol {
            name,
            index,
            flags: flags.0 as u16,
            what,
            called_directly: false,
        });
    }

    fn add_place(&mut self, segment: ObjSegment, offset: u64, size: u64) -> u32 {
        self.places.push(DataPlace {
            segment,
            offset,
            size,
        });
        self.places.len() as u32 - 1
    }

    /// What one of these symbols stands for.
    #[inline]
    pub fn target(&self, symbol: &ObjectSymbol<'a>) -> ObjTarget {
        let index = symbol.index;
        match symbol.what {
            What::Function => ObjTarget::Function(ObjFunc(index)),
            What::Data => {
                let place = &self.places[index as usize];
                ObjTarget::Data {
                    segment: place.segment,
                    offset: place.offset,
                    size: place.size,
                }
            }
            What::Absolute => {
                let place = &self.places[index as usize];
                ObjTarget::Absolute {
                    value: place.offset,
                    size: place.size,
                }
            }
            What::Global => ObjTarget::Global(ObjGlobal(index)),
            What::Table => ObjTarget::Table(ObjTable(index)),
            What::Tag => ObjTarget::Tag(ObjTag(index)),
            What::Section => ObjTarget::Section(Some(ObjCustom(index))),
            What::NoSection => ObjTarget::Section(None),
            What::Undefined(kind) => ObjTarget::Undefined {
                kind,
                what: ObjUndefined(index),
            },
        }
    }

    /// What the symbol of this index stands for.
    #[inline]
    pub fn target_of(&self, symbol: ObjSymbol) -> ObjTarget {
        self.target(&self.list[symbol.index()])
    }

    /// Sets the size of data.
    pub(crate) fn resize(&mut self, symbol: ObjSymbol, size: u64) {
        let symbol = self.list[symbol.index()];
        if matches!(symbol.what, What::Data) {
            self.places[symbol.index as usize].size = size;
        }
    }

    /// Notes that the module calls a symbol directly, although no code of it does.
    pub(crate) fn call(&mut self, symbol: ObjSymbol) {
        self.list[symbol.index()].called_directly = true;
    }

    /// Notes which symbols code calls directly; the iterator tells of one after another.
    pub(crate) fn set_called(&mut self, called: impl IntoIterator<Item = bool>) {
        for (symbol, called) in self.list.iter_mut().zip(called) {
            symbol.called_directly = called;
        }
    }
}

impl<'a> Deref for Symbols<'a> {
    type Target = [ObjectSymbol<'a>];

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.list
    }
}

//! The symbols of an object to be: names first, numbers when it is written.

use std::collections::HashMap;

use wasm_format::linking::{DataRef, SymbolFlags};
use wasm_format::reloc::{RelocEntry, RelocType};

use super::object::{Item, Kind, Object, Reference, Referred};

/// What a symbol is in the file.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum What {
    Undefined(Kind),
    /// Its number and its signature.
    Function(usize, usize),
    Place(DataRef),
    Global(usize),
    Table(usize),
    Tag(usize),
    Section(usize),
}

pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) flags: u32,
    pub(super) what: What,
    pub(super) import: Option<(String, String)>,
}

pub(super) struct Symbols {
    pub(super) is_64: bool,
    pub(super) list: Vec<Symbol>,
    pub(super) by_name: HashMap<String, usize>,
}

impl Symbols {
    pub(super) fn new(object: &Object) -> Self {
        let mut symbols = Self {
            is_64: object.is_64,
            list: Vec::new(),
            by_name: HashMap::new(),
        };
        let mut counts = [0; 6];
        let mut next = |kind: usize| {
            counts[kind] += 1;
            counts[kind] - 1
        };
        for item in &object.items {
            match item {
                Item::Undefined(it) => {
                    symbols.add(&it.name, it.flags, What::Undefined(it.kind));
                    let symbol = symbols.list.last_mut();
                    if let Some(symbol) = symbol.filter(|symbol| symbol.name == it.name) {
                        symbol.import.clone_from(&it.import);
                    }
                }
                Item::Function(it) => {
                    symbols.add(&it.name, it.flags, What::Function(next(0), it.signature));
                }
                Item::Segment(it) => {
                    let segment = next(1) as u32;
                    for place in &it.places {
                        let what = What::Place(DataRef {
                            segment,
                            offset: place.offset,
                            size: place.size,
                        });
                        symbols.add(&place.name, place.flags, what);
                    }
                }
                Item::Global(it) => symbols.add(&it.name, it.flags, What::Global(next(2))),
                Item::Table(it) => symbols.add(&it.name, it.flags, What::Table(next(3))),
                Item::Tag(it) => symbols.add(&it.name, it.flags, What::Tag(next(4))),
                Item::Custom(it) => {
                    let flags = SymbolFlags::BINDING_LOCAL.0;
                    symbols.add(&it.name, flags, What::Section(next(5)));
                }
                Item::Alias(_) | Item::Init(_) | Item::Comdat(_) => {}
            }
        }
        for item in &object.items {
            let Item::Alias(alias) = item else { continue };
            if let Some(&of) = symbols.by_name.get(&alias.of) {
                let what = symbols.list[of].what;
                if matches!(what, What::Function(..)) {
                    symbols.add(&alias.name, alias.flags, what);
                }
            }
        }
        symbols
    }

    /// A name has one symbol in a file; the first counts.
    pub(super) fn add(&mut self, name: &str, flags: u32, what: What) {
        let new = self.list.len();
        if *self.by_name.entry(name.to_owned()).or_insert(new) == new {
            self.list.push(Symbol {
                name: name.to_owned(),
                flags,
                what,
                import: None,
            });
        }
    }

    pub(super) fn mention(&mut self, name: &str, kind: Kind) -> u32 {
        self.add(name, 0, What::Undefined(kind));
        self.by_name[name] as u32
    }

    pub(super) fn mention_all(&mut self, references: &[Reference]) {
        for reference in references {
            self.target(reference);
        }
    }

    /// The relocation of a reference, where what is there can be referred to so.
    pub(super) fn target(&mut self, reference: &Reference) -> Option<RelocEntry> {
        use RelocType as R;
        let (ty, kind) = match (reference.what, self.is_64) {
            (Referred::Address, false) => (R::MemoryAddrI32, Kind::Data),
            (Referred::Address, true) => (R::MemoryAddrI64, Kind::Data),
            (Referred::Distance, _) => (R::MemoryAddrLocrelI32, Kind::Data),
            (Referred::Pointer(ty), false) => (R::TableIndexI32, Kind::Function(ty)),
            (Referred::Pointer(ty), true) => (R::TableIndexI64, Kind::Function(ty)),
            (Referred::FunctionIndex(ty), _) => (R::FunctionIndexI32, Kind::Function(ty)),
            (Referred::FunctionOffset(ty), false) => (R::FunctionOffsetI32, Kind::Function(ty)),
            (Referred::FunctionOffset(ty), true) => (R::FunctionOffsetI64, Kind::Function(ty)),
            (Referred::GlobalIndex(ty, mutability), _) => {
                (R::GlobalIndexI32, Kind::Global(ty, mutability))
            }
            (Referred::SectionOffset, _) => {
                let &index = self.by_name.get(&reference.name)?;
                let fits = matches!(self.list[index].what, What::Section(_));
                return fits.then(|| reference.entry(R::SectionOffsetI32, index as u32));
            }
        };
        let index = self.mention(&reference.name, kind);
        self.fits(index, kind).then(|| reference.entry(ty, index))
    }

    /// Whether a symbol is of that kind: what is not cannot be referred to.
    pub(super) fn fits(&self, index: u32, kind: Kind) -> bool {
        matches!(
            (self.list[index as usize].what, kind),
            (
                What::Undefined(Kind::Function(_)) | What::Function(..),
                Kind::Function(_)
            ) | (What::Undefined(Kind::Data) | What::Place(_), Kind::Data)
                | (
                    What::Undefined(Kind::Global(..)) | What::Global(_),
                    Kind::Global(..)
                )
                | (
                    What::Undefined(Kind::Table(_)) | What::Table(_),
                    Kind::Table(_)
                )
                | (What::Undefined(Kind::Tag(_)) | What::Tag(_), Kind::Tag(_))
        )
    }
}

impl Reference {
    pub(super) fn entry(&self, ty: RelocType, index: u32) -> RelocEntry {
        RelocEntry {
            ty,
            offset: self.offset,
            index,
            addend: if ty.has_addend() { self.addend } else { 0 },
        }
    }
}

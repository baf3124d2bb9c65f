//! Objects of a link problem, everything in them by name, so that any part can be taken
//! away and what is left is still an object.

use wasm_format::{Mutability, RefType, ValType};

/// An object file to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    pub(crate) is_64: bool,
    pub(crate) items: Vec<Item>,
    /// With their prefixes: `+atomics`.
    pub(crate) features: Vec<String>,
    /// Field, name, version.
    pub(crate) producers: Vec<[String; 3]>,
    /// Has a name section.
    pub(crate) names: bool,
    /// Refers to the table as objects did before there were table symbols.
    pub(crate) legacy_table: bool,
    /// Asks functions where thread-local data is.
    pub(crate) cooperative: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Undefined(Undefined),
    Function(Function),
    Alias(Alias),
    Segment(Segment),
    Global(Global),
    Table(Table),
    Tag(Tag),
    Custom(Custom),
    Init(Init),
    Comdat(Comdat),
}

/// A symbol that is defined elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Undefined {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) flags: u32,
    /// Module and name.
    pub(crate) import: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By the place in [`SIGNATURES`].
    Function(usize),
    Data,
    Global(ValType, Mutability),
    Table(RefType),
    Tag(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) flags: u32,
    pub(crate) signature: usize,
    pub(crate) export: Option<String>,
    pub(crate) body: Vec<Statement>,
}

/// What leaves the stack as it was.
#[derive(Clone, Debug)]
pub(crate) enum Statement {
    Call(String, usize),
    CallIndirect(usize),
    /// A function's table slot.
    Pointer(String, usize),
    /// The same, relative to `__table_base`.
    RelativePointer(String, usize),
    Address(String, i64),
    /// The same, relative to `__memory_base`.
    RelativeAddress(String, i64),
    /// The same, relative to `__tls_base`.
    ThreadAddress(String, i64),
    Load(String, i64),
    Get(String, ValType, Mutability),
    Set(String, ValType),
    /// Through a global that holds the address of data, or a function's table slot.
    Got(String, Kind),
    TableSize(String, RefType),
    Throw(String, usize),
    Constant(i32),
}

/// Another name of a function of the object.
#[derive(Clone, Debug)]
pub(crate) struct Alias {
    pub(crate) name: String,
    pub(crate) flags: u32,
    pub(crate) of: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) align_log2: u32,
    pub(crate) flags: u32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) relocs: Vec<Reference>,
    pub(crate) places: Vec<Place>,
}

/// A data symbol.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// A relocation in data or in a custom section.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) offset: u32,
    pub(crate) what: Referred,
    pub(crate) name: String,
    pub(crate) addend: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Referred {
    Address,
    /// How far away it is.
    Distance,
    Pointer(usize),
    FunctionIndex(usize),
    FunctionOffset(usize),
    GlobalIndex(ValType, Mutability),
    SectionOffset,
}

#[derive(Clone, Debug)]
pub(crate) struct Global {
    pub(crate) name: String,
    pub(crate) flags: u32,
    pub(crate) ty: ValType,
    pub(crate) mutability: Mutability,
    pub(crate) value: i32,
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) flags: u32,
    pub(crate) element: RefType,
    pub(crate) min: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) flags: u32,
    pub(crate) signature: usize,
}

/// A custom section; where it is referred to it has a section symbol.
#[derive(Clone, Debug)]
pub(crate) struct Custom {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) relocs: Vec<Reference>,
}

/// A function that runs at the start.
#[derive(Clone, Debug)]
pub(crate) struct Init {
    pub(crate) priority: u32,
    pub(crate) function: String,
}

/// Functions, segments (by their names, or by that of a symbol in them) and custom
/// sections that are there together.
#[derive(Clone, Debug)]
pub(crate) struct Comdat {
    pub(crate) name: String,
    pub(crate) members: Vec<String>,
}

use ValType::{F32, F64, I32, I64};

pub(crate) const SIGNATURES: &[(&[ValType], &[ValType])] = &[
    (&[], &[]),
    (&[], &[I32]),
    (&[I32], &[I32]),
    (&[I32, I32], &[]),
    (&[I64, F32], &[F64]),
    (&[I64], &[I64]),
    (&[I32, I32], &[I32, I64]),
    (&[I32], &[]),
];

/// The place in [`SIGNATURES`] of that of a function which takes a pointer.
pub(crate) const TAKES_POINTER: usize = 7;
/// The place in [`SIGNATURES`] of that of a function which returns a pointer.
pub(crate) const RETURNS_POINTER: usize = 1;

impl Statement {
    /// The symbol it refers to.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Statement::Call(name, _)
            | Statement::Pointer(name, _)
            | Statement::RelativePointer(name, _)
            | Statement::Address(name, _)
            | Statement::RelativeAddress(name, _)
            | Statement::ThreadAddress(name, _)
            | Statement::Load(name, _)
            | Statement::Get(name, ..)
            | Statement::Set(name, _)
            | Statement::Got(name, _)
            | Statement::TableSize(name, _)
            | Statement::Throw(name, _) => Some(name),
            Statement::CallIndirect(_) | Statement::Constant(_) => None,
        }
    }
}

impl Item {
    /// How many parts can be taken away from it.
    pub(crate) fn parts(&self) -> usize {
        match self {
            Item::Function(function) => function.body.len(),
            Item::Segment(segment) => segment.relocs.len() + segment.places.len(),
            Item::Custom(custom) => custom.relocs.len(),
            Item::Comdat(comdat) => comdat.members.len(),
            _ => 0,
        }
    }

    pub(crate) fn remove_part(&mut self, part: usize) {
        match self {
            Item::Function(function) => drop(function.body.remove(part)),
            Item::Segment(segment) if part < segment.relocs.len() => {
                segment.relocs.remove(part);
            }
            Item::Segment(segment) => drop(segment.places.remove(part - segment.relocs.len())),
            Item::Custom(custom) => drop(custom.relocs.remove(part)),
            Item::Comdat(comdat) => drop(comdat.members.remove(part)),
            _ => {}
        }
    }

    /// The names it defines, with their flags, and whether they are those of data.
    pub(crate) fn defines(&self) -> Vec<(&str, u32)> {
        match self {
            Item::Function(it) => vec![(&it.name, it.flags)],
            Item::Alias(it) => vec![(&it.name, it.flags)],
            Item::Global(it) => vec![(&it.name, it.flags)],
            Item::Table(it) => vec![(&it.name, it.flags)],
            Item::Tag(it) => vec![(&it.name, it.flags)],
            Item::Segment(it) => (it.places.iter())
                .map(|place| (&place.name[..], place.flags))
                .collect(),
            Item::Undefined(_) | Item::Custom(_) | Item::Init(_) | Item::Comdat(_) => Vec::new(),
        }
    }
}

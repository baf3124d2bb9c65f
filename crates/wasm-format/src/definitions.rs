//! What a module imports, exports and defines besides code and segments: the entries of
//! the import, export, table, global and tag sections.

use crate::const_expr::ConstExpr;
use crate::leb128::{put_name, put_u32};
use crate::types::{ExternalKind, GlobalType, MemoryType, TableType};

/// What an import is, with its type (core spec, 5.5.5 Import Section).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntityType {
    /// A function, by its type's index in the type index space.
    Func(u32),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag, by its type's index in the type index space.
    Tag(u32),
}

impl EntityType {
    /// The kind.
    pub const fn kind(&self) -> ExternalKind {
        match self {
            EntityType::Func(_) => ExternalKind::Func,
            EntityType::Table(_) => ExternalKind::Table,
            EntityType::Memory(_) => ExternalKind::Memory,
            EntityType::Global(_) => ExternalKind::Global,
            EntityType::Tag(_) => ExternalKind::Tag,
        }
    }

    /// Appends the kind and the type.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind() as u8);
        match self {
            EntityType::Func(ty) => put_u32(out, *ty),
            EntityType::Table(ty) => ty.encode(out),
            EntityType::Memory(ty) => ty.encode(out),
            EntityType::Global(ty) => ty.encode(out),
            EntityType::Tag(ty) => put_tag(out, *ty),
        }
    }
}

/// An entry of the import section (core spec, 5.5.5).
///
/// ```
/// use wasm_format::{EntityType, Import, SectionId, put_vector_section};
///
/// let mut items = Vec::new();
/// Import { module: "env", field: "puts", ty: EntityType::Func(0) }.encode(&mut items);
/// let mut out = Vec::new();
/// put_vector_section(&mut out, SectionId::Import, 1, &items);
/// assert_eq!(out, b"\x02\x0c\x01\x03env\x04puts\x00\x00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Import<'a> {
    /// The module that is imported from.
    pub module: &'a str,
    /// The name in that module.
    pub field: &'a str,
    /// What is imported.
    pub ty: EntityType,
}

impl Import<'_> {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_name(out, self.module);
        put_name(out, self.field);
        self.ty.encode(out);
    }
}

/// Appends `imports`, which are all of one module, as one entry of the import section
/// (proposal of the compact import section): the module's name stands once. Without imports,
/// it appends nothing.
///
/// ```
/// use wasm_format::{EntityType, Import, put_import_group};
///
/// let import = |field, ty| Import { module: "env", field, ty: EntityType::Func(ty) };
/// let mut out = Vec::new();
/// put_import_group(&mut out, &[import("get", 0), import("put", 1)]);
/// assert_eq!(out, b"\x03env\x00\x7f\x02\x03get\x00\x00\x03put\x00\x01");
/// ```
pub fn put_import_group(out: &mut Vec<u8>, imports: &[Import<'_>]) {
    let Some(first) = imports.first() else {
        return;
    };
    put_name(out, first.module);
    put_name(out, "");
    out.push(0x7f);
    put_u32(out, imports.len() as u32);
    for import in imports {
        put_name(out, import.field);
        import.ty.encode(out);
    }
}

/// An entry of the export section (core spec, 5.5.10). Names of exports are unique.
///
/// ```
/// use wasm_format::{Export, ExternalKind};
///
/// let mut items = Vec::new();
/// Export { name: "memory", kind: ExternalKind::Memory, index: 0 }.encode(&mut items);
/// assert_eq!(items, b"\x06memory\x02\x00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Export<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is exported.
    pub kind: ExternalKind,
    /// Which one, by its index in the index space of `kind`.
    pub index: u32,
}

impl Export<'_> {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_name(out, self.name);
        out.push(self.kind as u8);
        put_u32(out, self.index);
    }
}

/// An entry of the table section (core spec, 5.5.7).
///
/// ```
/// use wasm_format::{Limits, RefType, Table, TableType};
///
/// let ty = TableType {
///     element: RefType::FUNCREF,
///     limits: Limits { min: 2, max: Some(2), ..Limits::default() },
/// };
/// let mut items = Vec::new();
/// Table { ty, init: None }.encode(&mut items);
/// assert_eq!(items, [0x70, 0x01, 2, 2]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table<'a> {
    /// Its type.
    pub ty: TableType,
    /// What every element holds at first; null if `None`, which a type that has no null
    /// does not allow.
    pub init: Option<ConstExpr<'a>>,
}

impl Table<'_> {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match &self.init {
            None => self.ty.encode(out),
            Some(init) => {
                out.extend_from_slice(&[0x40, 0x00]);
                self.ty.encode(out);
                init.encode(out);
            }
        }
    }
}

/// An entry of the global section (core spec, 5.5.9).
///
/// ```
/// use wasm_format::{ConstExpr, Global, GlobalType, Mutability, ValType};
///
/// // __stack_pointer
/// let ty = GlobalType { value: ValType::I32, mutability: Mutability::Var };
/// let mut items = Vec::new();
/// Global { ty, init: ConstExpr::i32(65_536) }.encode(&mut items);
/// assert_eq!(items, [0x7f, 0x01, 0x41, 0x80, 0x80, 0x04, 0x0b]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Global<'a> {
    /// Its type.
    pub ty: GlobalType,
    /// What it holds at first.
    pub init: ConstExpr<'a>,
}

impl Global<'_> {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.ty.encode(out);
        self.init.encode(out);
    }
}

/// Appends an entry of the tag section: an exception whose values are the parameters of
/// type `ty`, an index in the type index space (core spec, 5.5.16 Tag Section).
pub fn put_tag(out: &mut Vec<u8>, ty: u32) {
    out.push(0); // the attribute: an exception
    put_u32(out, ty);
}

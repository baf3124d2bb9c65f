//! The names of imports and exports: a module that says two things of one name is refused by
//! hosts, or by every engine.

use std::borrow::Cow;

use wasm_format::linking::SymbolKind;
use wasm_format::{GlobalType, Mutability, RefType, TableType, ValType};

use super::ExportTarget;
use super::ports::import_name;
use crate::demangle::demangle;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::fingerprint::{Fingerprint, FingerprintTable};
use crate::ids::SymbolId;
use crate::input::object::NULLARY;
use crate::options::Options;
use crate::resolve::messages;
use crate::resolve::resolution::{Definition, Resolution, Symbol, SymbolRef};

/// Types of one import that a message shows before it only counts them.
const TYPES_SHOWN: usize = 4;

/// What is imported so far, by name.
pub(super) struct ImportNames<'r, 'a> {
    resolution: &'r Resolution<'a>,
    options: &'r Options,
    imports: Vec<Imported>,
    /// The first import of each module and name.
    named: FingerprintTable,
    /// The import of each module, name and type.
    typed: FingerprintTable,
    /// Imports whose type is not that of the first one of their name, with that one.
    conflicts: Vec<(u32, SymbolId)>,
    /// Reused.
    key: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Imported {
    Memory,
    Symbol(SymbolId),
}

/// What an import section says of an import.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ImportType<'a> {
    Memory,
    Function(&'a [u8]),
    Global(GlobalType),
    Table(TableType),
    Tag(&'a [u8]),
}

impl<'r, 'a> ImportNames<'r, 'a> {
    /// The name of the memory is taken, if it is imported.
    pub(super) fn new(resolution: &'r Resolution<'a>, options: &'r Options) -> Self {
        let mut names = Self {
            resolution,
            options,
            imports: Vec::new(),
            named: FingerprintTable::default(),
            typed: FingerprintTable::default(),
            conflicts: Vec::new(),
            key: Vec::new(),
        };
        if let Some((module, name)) = options.memory_import() {
            let name = names.name(module, name);
            names.imports.push(Imported::Memory);
            names.named.get_or_insert(name, 0);
        }
        names
    }

    /// Adds the import of a symbol; returns the one that is the same, if there is one.
    pub(super) fn add(&mut self, id: SymbolId) -> Option<SymbolId> {
        let resolution = self.resolution;
        let symbol = resolution.symbol(id);
        let (module, name) = import_name(symbol, self.options);
        let named = self.name(module, name);
        // The key is that of the name so far.
        ImportType::of(resolution, symbol).encode(&mut self.key);
        let typed = Fingerprint::of(&self.key);
        let number = self.imports.len() as u32;
        let (same, is_new) = self.typed.get_or_insert(typed, number);
        if !is_new {
            return match self.imports[same as usize] {
                Imported::Symbol(same) => Some(same),
                Imported::Memory => None,
            };
        }
        self.imports.push(Imported::Symbol(id));
        let (first, is_first) = self.named.get_or_insert(named, number);
        if !is_first && !self.go_together(first, symbol) {
            self.conflicts.push((first, id));
        }
        None
    }

    fn name(&mut self, module: &str, name: &str) -> Fingerprint {
        self.key.clear();
        wasm_format::leb128::put_name(&mut self.key, module);
        wasm_format::leb128::put_name(&mut self.key, name);
        Fingerprint::of(&self.key)
    }

    /// Whether a host can provide something that is both the import `first` and `symbol`, whose
    /// types differ.
    fn go_together(&self, first: u32, symbol: &Symbol<'a>) -> bool {
        match (
            self.type_of(self.imports[first as usize]),
            ImportType::of(self.resolution, symbol),
        ) {
            (ImportType::Table(a), ImportType::Table(b)) => {
                // Of limits, those of the table only have to lie within.
                a.element == b.element && a.limits.is_64 == b.limits.is_64
            }
            _ => false,
        }
    }

    fn type_of(&self, import: Imported) -> ImportType<'a> {
        match import {
            Imported::Memory => ImportType::Memory,
            Imported::Symbol(id) => ImportType::of(self.resolution, self.resolution.symbol(id)),
        }
    }

    /// Warns of names that are imported with several types. An object file is not instantiated,
    /// so the link that uses it warns.
    pub(super) fn report(mut self, diagnostics: &mut Diagnostics) {
        if self.options.is_relocatable() {
            return;
        }
        self.conflicts.sort_by_key(|&(first, _)| first);
        for group in self.conflicts.chunk_by(|(a, _), (b, _)| a == b) {
            diagnostics.push(self.warning(group));
        }
    }

    fn warning(&self, group: &[(u32, SymbolId)]) -> Diagnostic {
        let first = self.imports[group[0].0 as usize];
        let others = group.iter().map(|&(_, id)| Imported::Symbol(id));
        let symbol = self.resolution.symbol(group[0].1);
        let (module, name) = import_name(symbol, self.options);
        let mut warning = Diagnostic::warning(
            Code::TypeMismatch,
            format!("{module}.{name} is imported with different types"),
        )
        .about(symbol.name)
        .never_fatal();
        for import in std::iter::once(first)
            .chain(others.clone())
            .take(TYPES_SHOWN)
        {
            let shown = self.type_of(import).to_string();
            let user = match import {
                Imported::Memory => String::new(),
                Imported::Symbol(id) => format!(", for {}", self.user(id)),
            };
            warning = warning.note(format!("as {shown}{user}"));
        }
        if group.len() >= TYPES_SHOWN {
            let more = group.len() + 1 - TYPES_SHOWN;
            warning = warning.note(format!("and with {more} more types"));
        }
        let is_function = |import| matches!(self.type_of(import), ImportType::Function(_));
        warning.note(if is_function(first) && others.clone().all(is_function) {
            "most hosts other than JavaScript refuse such a module"
        } else {
            "hosts that look imports up by name cannot provide all of them"
        })
    }

    fn user(&self, id: SymbolId) -> String {
        let symbol = self.resolution.symbol(id);
        let name = shown(symbol.name, self.options);
        match symbol.file {
            Some(file) => format!("{name} in {}", self.resolution.object(file).name),
            None => name.into_owned(),
        }
    }
}

impl<'a> ImportType<'a> {
    fn of(resolution: &Resolution<'_>, symbol: &Symbol<'a>) -> Self {
        match symbol.kind {
            SymbolKind::Global => {
                let pointer = GlobalType {
                    value: if resolution.is_64 {
                        ValType::I64
                    } else {
                        ValType::I32
                    },
                    mutability: Mutability::Const,
                };
                Self::Global(symbol.global_type().unwrap_or(pointer))
            }
            SymbolKind::Table => Self::Table(symbol.table_type().unwrap_or(TableType {
                element: RefType::FUNCREF,
                limits: wasm_format::Limits::default(),
            })),
            SymbolKind::Tag => Self::Tag(symbol.signature.unwrap_or(NULLARY)),
            // Data and sections are not imported.
            _ => Self::Function(symbol.signature.unwrap_or(NULLARY)),
        }
    }

    /// Appends what tells it from every other type.
    fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Memory => out.push(0),
            Self::Function(signature) => {
                out.push(1);
                out.extend_from_slice(signature);
            }
            Self::Global(ty) => {
                out.push(2);
                ty.encode(out);
            }
            Self::Table(ty) => {
                out.push(3);
                ty.encode(out);
            }
            Self::Tag(signature) => {
                out.push(4);
                out.extend_from_slice(signature);
            }
        }
    }
}

impl std::fmt::Display for ImportType<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Memory => f.write_str("the memory"),
            Self::Function(signature) => {
                write!(f, "function {}", messages::signature(Some(signature)))
            }
            Self::Global(ty) => write!(f, "global {}", messages::global_type(ty)),
            Self::Table(ty) => write!(f, "table {}", ty.element),
            Self::Tag(signature) => write!(f, "tag {}", messages::signature(Some(signature))),
        }
    }
}

/// What is exported so far, by name.
pub(super) struct ExportNames<'r, 'a> {
    resolution: &'r Resolution<'a>,
    options: &'r Options,
    exported: Vec<Exported>,
    names: FingerprintTable,
    errors: Vec<Diagnostic>,
}

/// What is exported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exported {
    /// The memory.
    Memory,
    /// A symbol, or the wrapper of its function.
    Symbol(SymbolId),
    /// What the linker makes and no symbol names.
    Linker(ExportTarget),
}

impl<'r, 'a> ExportNames<'r, 'a> {
    /// The name of the memory is taken, if it is exported. There is room for `count` names.
    pub(super) fn new(resolution: &'r Resolution<'a>, options: &'r Options, count: usize) -> Self {
        let mut names = Self {
            resolution,
            options,
            exported: Vec::with_capacity(count + 1),
            names: FingerprintTable::with_capacity(count + 1),
            errors: Vec::new(),
        };
        if let Some(name) = options.memory_export() {
            names.take(name, Exported::Memory);
        }
        names
    }

    /// Whether `what` is still to be exported as `name`: not if it is exported under that name
    /// already, and not if something else is, which is an error.
    pub(super) fn take(&mut self, name: &str, what: Exported) -> bool {
        let number = self.exported.len() as u32;
        let fingerprint = Fingerprint::of(name.as_bytes());
        let (first, is_new) = self.names.get_or_insert(fingerprint, number);
        if is_new {
            self.exported.push(what);
            return true;
        }
        let first = self.exported[first as usize];
        if !self.is_same(first, what) {
            let error =
                Diagnostic::error(Code::Duplicate, format!("duplicate export name: {name}"))
                    .about(name)
                    .note(self.origin(name, first))
                    .note(self.origin(name, what));
            self.errors.push(error);
        }
        false
    }

    /// Whether both are one definition. Only functions ask for names, so nothing else has several
    /// symbols that are exported under one.
    fn is_same(&self, first: Exported, second: Exported) -> bool {
        match (first, second) {
            (Exported::Symbol(first), Exported::Symbol(second)) => {
                let function = |id| self.resolution.function(SymbolRef::Global(id));
                first == second || function(first).is_some_and(|it| Some(it) == function(second))
            }
            _ => first == second,
        }
    }

    /// What is exported as `name`, where it is from and what makes it have that name.
    fn origin(&self, name: &str, what: Exported) -> String {
        let id = match what {
            Exported::Memory => {
                return "the memory; --export-memory=NAME exports it as NAME".to_owned();
            }
            Exported::Linker(ExportTarget::Address(_)) => {
                return format!("address {name} of the linker");
            }
            Exported::Linker(_) => return format!("function {name} of the linker"),
            Exported::Symbol(id) => id,
        };
        let symbol = self.resolution.symbol(id);
        let kind = match symbol.kind {
            SymbolKind::Function => "function",
            SymbolKind::Data => "data",
            SymbolKind::Global => "global",
            SymbolKind::Table => "table",
            SymbolKind::Tag => "tag",
            _ => "symbol",
        };
        let shown = shown(symbol.name, self.options);
        let by = if symbol.name == name {
            ""
        } else {
            ", by its export_name"
        };
        match symbol.definition {
            Definition::Object { file, .. } => {
                format!(
                    "{kind} {shown} in {}{by}",
                    self.resolution.object(file).name
                )
            }
            _ => format!("{kind} {shown} of the linker"),
        }
    }

    /// Reports names that several definitions are exported under.
    pub(super) fn report(self, diagnostics: &mut Diagnostics) {
        diagnostics.extend(self.errors);
    }
}

fn shown<'n>(name: &'n str, options: &Options) -> Cow<'n, str> {
    if options.demangle {
        demangle(name)
    } else {
        name.into()
    }
}

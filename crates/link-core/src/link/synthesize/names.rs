//! The names of exports: a module that exports two things under one name is refused by every
//! engine.

use std::borrow::Cow;

use wasm_format::linking::SymbolKind;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::link::demangle;
use crate::link::fingerprint::{Fingerprint, FingerprintTable};
use crate::link::ids::SymbolId;
use crate::link::options::Options;
use crate::link::resolution::{Definition, MadeAddress, MadeFunction, Resolution, SymbolRef};

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
    /// A function of the linker that no symbol names.
    Function(MadeFunction),
    /// An address of the linker that no symbol names.
    Address(MadeAddress),
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
            Exported::Function(_) => return format!("function {name} of the linker"),
            Exported::Address(_) => return format!("address {name} of the linker"),
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

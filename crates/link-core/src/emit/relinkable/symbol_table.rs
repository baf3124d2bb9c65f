//! The symbol table of the output: the names that files share, then the symbols that are
//! local to each file, then functions that trap, then what only the functions that the linker
//! writes refer to, then the custom sections.

use std::collections::BTreeMap;

use wasm_format::linking::{
    CommonRef, DataRef, SymbolEntry, SymbolFlags, SymbolKind, SymbolTarget,
};
use wasm_format::reloc::{RelocTarget, RelocType};

use super::SectionIndices;
use super::made_relocs::MadeRelocs;
use crate::emit::entries::Sources;
use crate::emit::linking_tables::collect_flags;
use crate::hash::{HashMap, HashSet};
use crate::ids::{FileId, ObjSymbol, SymbolId};
use crate::input::object::ObjTarget;
use crate::pass::synthesize::{SynthFunction, import_name};
use crate::plan::made_body::BodyTarget;
use crate::plan::values::Value;
use crate::resolve::resolution::{
    COMMAND_EXPORT, Definition, INIT_MEMORY_FLAG, MadeAddress, Symbol, SymbolRef,
};

/// A symbol that the table does not have.
const ABSENT: u32 = u32::MAX;

/// The symbol table.
pub(super) struct SymbolTable<'a> {
    /// Its entries. Functions that trap, wrappers and helpers have no name here: see
    /// [`SymbolTable::composed`].
    pub(super) entries: Vec<SymbolEntry<'a>>,
    /// Names of functions that trap, of wrappers and of helpers, by the indices of their entries.
    pub(super) composed: BTreeMap<u32, String>,
    /// Entries of what the linker makes and no symbol of the link stands for.
    made: HashMap<BodyTarget, u32>,
    /// For each name that files share, its entry.
    shared: Vec<u32>,
    /// Entries of the imports that calls of weak functions lead to, since a loader may replace the
    /// functions.
    replacements: HashMap<SymbolId, u32>,
    /// For each symbol of each file that is local to it, its entry.
    local: Vec<Vec<u32>>,
    /// The first custom section's entry.
    first_section: u32,
}

impl<'a> SymbolTable<'a> {
    pub(super) fn number(
        sources: &Sources<'_, 'a>,
        indices: &SectionIndices,
        relocs: &MadeRelocs,
    ) -> Self {
        let resolution = sources.resolution;
        let targets = relocs.targets();
        let maker = Maker {
            sources,
            indices,
            wrapped: sources.synthesis.wrappers.iter().copied().collect(),
            named: targets.iter().copied().collect(),
        };
        let mut table = Self {
            entries: Vec::new(),
            composed: BTreeMap::new(),
            made: HashMap::default(),
            shared: vec![ABSENT; resolution.symbols.len()],
            replacements: HashMap::default(),
            local: Vec::new(),
            first_section: 0,
        };
        for id in resolution.names_in_order(|_, _| true) {
            if let Some(entry) = maker.shared(id) {
                table.shared[id.index()] = table.push(entry);
            }
        }
        let of_files = resolution.map_objects(|file, _| maker.local(file));
        for (file, entries) in of_files.into_iter().enumerate() {
            let mut local = vec![ABSENT; resolution.objects[file].symbols.len()];
            for (symbol, entry) in entries {
                local[symbol.index()] = table.push(entry);
            }
            table.local.push(local);
        }
        for (id, symbol) in resolution.symbols() {
            if let (Definition::Stub(stub), Value::Function(function)) =
                (symbol.definition, sources.plan.symbols.get(id))
            {
                let index = table.push(SymbolEntry {
                    flags: SymbolFlags::BINDING_LOCAL,
                    name: None,
                    target: SymbolTarget::Function(function.0),
                });
                let stub = &resolution.stubs[stub as usize];
                let name = format!("{}{}", stub.prefix, stub.name);
                table.composed.insert(index, name);
                table.shared[id.index()] = index;
            }
        }
        table.add_replacements(&maker);
        table.add_made(&maker, &targets);
        table.first_section = table.entries.len() as u32;
        let sections = indices.customs.iter().map(|&section| SymbolEntry {
            flags: SymbolFlags::BINDING_LOCAL,
            name: None,
            target: SymbolTarget::Section(section),
        });
        table.entries.extend(sections);
        table
    }

    /// Adds the imports in the place of weak functions of the output. They are local, as no name may
    /// be there twice.
    fn add_replacements(&mut self, maker: &Maker<'_, '_, 'a>) {
        let sources = maker.sources;
        for (id, symbol) in sources.resolution.symbols() {
            let Value::Function(function) = sources.plan.symbols.get(id) else {
                continue;
            };
            let called = sources
                .plan
                .functions
                .called(SymbolRef::Global(id), function);
            if called != function {
                let index = self.push(SymbolEntry {
                    flags: SymbolFlags::BINDING_LOCAL
                        | SymbolFlags::UNDEFINED
                        | SymbolFlags::EXPLICIT_NAME,
                    name: Some(symbol.name),
                    target: SymbolTarget::Function(called.0),
                });
                self.replacements.insert(id, index);
            }
        }
    }

    /// Adds the functions that the linker writes, and the places that they refer to.
    fn add_made(&mut self, maker: &Maker<'_, '_, 'a>, targets: &[BodyTarget]) {
        let sources = maker.sources;
        let functions = sources.synthesis.functions.iter();
        for (&function, index) in functions.zip(sources.plan.functions.imported..) {
            let SynthFunction::Made(made) = function else {
                continue;
            };
            let symbol = sources.resolution.symbol_of(made);
            let entry = symbol.and_then(|id| self.index(SymbolRef::Global(id)));
            let entry = entry.unwrap_or_else(|| {
                self.push(SymbolEntry {
                    flags: SymbolFlags::BINDING_LOCAL,
                    name: Some(made.name()),
                    target: SymbolTarget::Function(index),
                })
            });
            self.made.insert(BodyTarget::Function(made), entry);
        }
        for (nth, &symbol) in sources.synthesis.wrappers.iter().enumerate() {
            let index = self.push(SymbolEntry {
                flags: SymbolFlags::BINDING_LOCAL,
                name: None,
                target: SymbolTarget::Function(sources.plan.functions.wrapper(nth as u32).0),
            });
            let name = format!("{}{COMMAND_EXPORT}", sources.resolution.symbol(symbol).name);
            self.composed.insert(index, name);
        }
        let first_helper = sources.plan.functions.first_helper().0;
        for (nth, name) in (0..).zip(&sources.plan.helper_names) {
            let index = self.push(SymbolEntry {
                flags: SymbolFlags::BINDING_LOCAL,
                name: None,
                target: SymbolTarget::Function(first_helper + nth),
            });
            self.composed.insert(index, name.clone());
            self.made.insert(BodyTarget::Helper(nth), index);
        }
        for &target in targets {
            if let Some(entry) = maker.place(target) {
                let index = self.push(entry);
                self.made.insert(target, index);
            }
        }
    }

    fn push(&mut self, entry: SymbolEntry<'a>) -> u32 {
        self.entries.push(entry);
        self.entries.len() as u32 - 1
    }

    /// The index of a symbol's entry; `None` for one that is not in the output.
    #[inline]
    pub(super) fn index(&self, symbol: SymbolRef) -> Option<u32> {
        let index = match symbol {
            SymbolRef::Global(id) => self.shared[id.index()],
            SymbolRef::Local(file, symbol) => self.local[file.index()][symbol.index()],
        };
        (index != ABSENT).then_some(index)
    }

    /// The index of the entry that a relocation of a type names to refer to a symbol: calls and
    /// addresses of a function that a loader may replace are those of its import.
    #[inline]
    pub(super) fn referred(&self, ty: RelocType, symbol: SymbolRef) -> Option<u32> {
        let replacement = match (ty.target(), symbol) {
            (RelocTarget::Function | RelocTarget::TableSlot, SymbolRef::Global(id)) => {
                self.replacements.get(&id).copied()
            }
            _ => None,
        };
        replacement.or_else(|| self.index(symbol))
    }

    /// The index of the entry of what a body refers to that the linker wrote, in a relocation of a
    /// type.
    pub(super) fn made(&self, ty: RelocType, target: BodyTarget) -> Option<u32> {
        match target {
            BodyTarget::Symbol(symbol) => self.referred(ty, symbol),
            BodyTarget::Function(_)
            | BodyTarget::Segment(_)
            | BodyTarget::ThreadStorage
            | BodyTarget::InitFlag
            | BodyTarget::Helper(_) => self.made.get(&target).copied(),
            // Symbols have taken the place of these.
            BodyTarget::ObjectSegment(..) => None,
        }
    }

    /// The index of the entry of a custom section, by its place in `Customs::sections`.
    pub(super) fn section(&self, nth: u32) -> u32 {
        self.first_section + nth
    }
}

/// Makes entries.
struct Maker<'s, 'l, 'a> {
    sources: &'s Sources<'l, 'a>,
    indices: &'s SectionIndices,
    /// Functions of which a wrapper is exported.
    wrapped: HashSet<SymbolId>,
    /// What the functions that the linker writes refer to.
    named: HashSet<BodyTarget>,
}

impl<'a> Maker<'_, '_, 'a> {
    /// The entry of a place in data that no symbol of the link stands for. It has no size: what is
    /// there belongs to other symbols.
    fn place(&self, target: BodyTarget) -> Option<SymbolEntry<'a>> {
        let plan = self.sources.plan;
        let (segment, flags) = match target {
            BodyTarget::Segment(segment) => (segment, SymbolFlags::BINDING_LOCAL),
            BodyTarget::ThreadStorage => (
                plan.memory.tls?.segment,
                SymbolFlags::BINDING_LOCAL | SymbolFlags::TLS,
            ),
            BodyTarget::InitFlag => {
                return Some(SymbolEntry {
                    flags: SymbolFlags::BINDING_LOCAL | SymbolFlags::ABSOLUTE,
                    name: Some(INIT_MEMORY_FLAG),
                    target: absolute(plan.memory.init_flag?, 0),
                });
            }
            BodyTarget::Symbol(_)
            | BodyTarget::Function(_)
            | BodyTarget::ObjectSegment(..)
            | BodyTarget::Helper(_) => return None,
        };
        let place = self.indices.segments[segment as usize]?;
        Some(SymbolEntry {
            flags,
            name: Some(plan.data.segments[segment as usize].name),
            target: SymbolTarget::Data(Some(DataRef {
                segment: place.index,
                offset: place.within,
                size: 0,
            })),
        })
    }

    /// The entry of a name; `None` for one that is not in the output, or is a stub's.
    fn shared(&self, id: SymbolId) -> Option<SymbolEntry<'a>> {
        let (resolution, plan) = (self.sources.resolution, self.sources.plan);
        let symbol = resolution.symbol(id);
        if !self.is_listed(id, symbol) {
            return None;
        }
        if symbol.is_common() && self.sources.options.is_relocatable() {
            let target = SymbolTarget::Common(self.common(symbol)?);
            return Some(SymbolEntry {
                flags: self.flags(id, target, true) | SymbolFlags::BINDING_COMMON,
                name: Some(symbol.name),
                target,
            });
        }
        let (target, defined) = match plan.symbols.get(id) {
            Value::Function(index) => (
                SymbolTarget::Function(index.0),
                index.0 >= plan.functions.imported,
            ),
            Value::Global(index) => (
                SymbolTarget::Global(index.0),
                index.0 >= plan.globals.imported,
            ),
            Value::Table(index) => (
                SymbolTarget::Table(index.0),
                index.0 >= plan.tables.imported,
            ),
            Value::Tag(index) => (SymbolTarget::Tag(index.0), index.0 >= plan.tags.imported),
            Value::Address(address) => match symbol.definition {
                Definition::Object { file, symbol } => {
                    return self.object(file, symbol).map(|target| SymbolEntry {
                        flags: self.flags(id, target, true),
                        name: Some(resolution.symbol(id).name),
                        target,
                    });
                }
                // It is undefined, and the null pointer that stands for it is not an
                // address of the output.
                Definition::Address(MadeAddress::Null) => (SymbolTarget::Data(None), false),
                _ => (absolute(address, 0), true),
            },
            Value::Undefined if symbol.kind == SymbolKind::Data => {
                (SymbolTarget::Data(None), false)
            }
            // Without an index there is nothing that an entry could say.
            Value::Undefined | Value::Dead | Value::Section => return None,
        };
        Some(SymbolEntry {
            flags: self.flags(id, target, defined),
            name: Some(symbol.name),
            target,
        })
    }

    /// What a common symbol asks for.
    fn common(&self, symbol: &Symbol<'_>) -> Option<CommonRef> {
        let Definition::Object { file, symbol } = symbol.definition else {
            return None;
        };
        let object = self.sources.resolution.object(file);
        let segment = &object.segments[object.common_segment(symbol)?.index()];
        Some(CommonRef {
            size: segment.size,
            align_log2: u8::try_from(segment.align_log2).ok()?,
        })
    }

    /// Whether the table lists a name: a file mentions it, and not only an archive
    /// that was not pulled or the linker itself.
    fn is_listed(&self, id: SymbolId, symbol: &Symbol<'_>) -> bool {
        let sources = self.sources;
        match symbol.definition {
            Definition::Stub(_) => false,
            // Functions of the linker have an index if the output has them.
            Definition::Object { .. } | Definition::Function(_) => true,
            Definition::Undefined | Definition::Shared(_) => {
                symbol.used_in_object || Some(id) == sources.resolution.made.indirect_function_table
            }
            // Addresses are there, whether they are needed or not, and of globals and tables
            // those that have an index.
            Definition::Address(_) | Definition::Global(_) | Definition::IndirectFunctionTable => {
                let named = BodyTarget::Symbol(SymbolRef::Global(id));
                symbol.used_in_object || self.named.contains(&named)
            }
        }
    }

    fn flags(&self, id: SymbolId, target: SymbolTarget, defined: bool) -> SymbolFlags {
        let options = self.sources.options;
        let symbol = self.sources.resolution.symbol(id);
        let table = symbol.definition == Definition::IndirectFunctionTable;
        // Its wrapper is what others see.
        let wrapped = self.wrapped.contains(&id);
        let import = !defined && !matches!(target, SymbolTarget::Data(_));
        let explicit = symbol.explicit_name_flag || import_name(symbol, options).1 != symbol.name;
        let is_absolute = match symbol.definition {
            Definition::Object {
                file,
                symbol: entry,
            } => matches!(
                self.sources.resolution.target(file, entry),
                ObjTarget::Absolute { .. }
            ),
            Definition::Address(_) => defined,
            _ => false,
        };
        collect_flags(&[
            (symbol.weak, SymbolFlags::BINDING_WEAK),
            (
                // A table that the module imports is seen outside.
                if table {
                    defined && !options.exports_table()
                } else {
                    // No file owns the bounds of a segment that is gone.
                    let gone = !defined && matches!(symbol.definition, Definition::Address(_));
                    symbol.hidden && !gone || wrapped
                },
                SymbolFlags::VISIBILITY_HIDDEN,
            ),
            (!defined, SymbolFlags::UNDEFINED),
            (symbol.exported_flag && !wrapped, SymbolFlags::EXPORTED),
            (import && explicit, SymbolFlags::EXPLICIT_NAME),
            // The linker's own table is there because the module has it, whatever referred to it.
            (
                symbol.no_strip && !(table && defined),
                SymbolFlags::NO_STRIP,
            ),
            (symbol.tls, SymbolFlags::TLS),
            (is_absolute, SymbolFlags::ABSOLUTE),
        ])
    }

    /// The symbols that are local to a file, custom sections aside, each with its entry.
    fn local(&self, file: FileId) -> Vec<(ObjSymbol, SymbolEntry<'a>)> {
        let resolution = self.sources.resolution;
        let shared = &resolution.files[file.index()].symbols;
        (resolution.object(file).symbols.iter().enumerate())
            .filter(|&(i, _)| shared[i].is_none())
            .filter_map(|(i, symbol)| {
                let id = ObjSymbol(i as u32);
                let entry = SymbolEntry {
                    flags: symbol.flags(),
                    name: Some(symbol.name),
                    target: self.object(file, id)?,
                };
                Some((id, entry))
            })
            .collect()
    }

    /// Where a symbol that an object defines is in the output; `None` if it is left out.
    fn object(&self, file: FileId, symbol: ObjSymbol) -> Option<SymbolTarget> {
        let (resolution, plan) = (self.sources.resolution, self.sources.plan);
        Some(match resolution.target(file, symbol) {
            ObjTarget::Function(function) => {
                SymbolTarget::Function(plan.functions.of(file, function)?.0)
            }
            ObjTarget::Data {
                segment,
                offset,
                size,
            } => {
                let (output, offset) = plan.data.locate(file, segment, offset)?;
                let place = self.indices.segments[output as usize]?;
                SymbolTarget::Data(Some(DataRef {
                    segment: place.index,
                    offset: place.within + offset,
                    size,
                }))
            }
            ObjTarget::Absolute { value, size } => absolute(value, size),
            ObjTarget::Global(global) => SymbolTarget::Global(plan.globals.object(file, global)?.0),
            ObjTarget::Table(table) => SymbolTarget::Table(plan.tables.object(file, table)?.0),
            ObjTarget::Tag(tag) => SymbolTarget::Tag(plan.tags.object(file, tag)?.0),
            ObjTarget::Section(_) | ObjTarget::Undefined { .. } => return None,
        })
    }
}

fn absolute(value: u64, size: u64) -> SymbolTarget {
    SymbolTarget::Data(Some(DataRef {
        segment: 0,
        offset: value,
        size,
    }))
}

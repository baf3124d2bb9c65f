//! The sections that are small: everything but code, data and custom sections. Each has
//! what both a finished module and an object need, and says where they differ.

use std::sync::Arc;

use wasm_format::{
    ConstExpr, ElementMode, EntityType, ExternalKind, HeapType, Limits, SectionId, TableType,
    put_data_count_section, put_start_section,
};

use super::layout::Layout;
use super::number::{self, FunctionTable, Numbers};
use super::write::ModuleWriter;
use super::{Form, Problem};
use crate::emit::section_buffer::SectionBuffer;
use crate::limits;
use crate::module::Module;
use crate::module::announce::FUNCTION_TABLE;
use crate::module::decl::{Decl, Head};
use crate::module::defs::{Builtin, ElementMode as ElementPlacement, Global, Init};
use crate::module::error::{DeclKind, DeclName};
use crate::module::handle::{Target, TargetKind};
use crate::module::init;

/// Module that a linker's own memory and table are imported from.
pub(in crate::module) const LINKER_MODULE: &str = "env";
/// What a linker calls the memory.
const LINKER_MEMORY: &str = "__linear_memory";
/// What a memory is exported as unless it is declared with other names.
const MEMORY_EXPORT: &str = "memory";

/// Whether the memory is exported without having been given an export.
pub(super) fn exports_memory(module: &Module, layout: &Layout) -> bool {
    let mut memories = module.decls.memories.iter();
    let is_private = memories
        .next()
        .is_none_or(|(_, decl)| !decl.head.imported && decl.head.exports().is_empty());
    is_private && layout.has_data && !module.exports.contains_key(MEMORY_EXPORT)
}

/// Appends the entries of the export section.
pub(in crate::module) fn put_exports(
    module: &Module,
    numbers: &Numbers<'_>,
    layout: &Layout,
    out: &mut SectionBuffer<'_>,
) {
    for (name, target) in module.exports_in_order() {
        let (kind, index) = match target.kind() {
            TargetKind::Function => (ExternalKind::Func, Some(numbers.of(target))),
            TargetKind::Table => (ExternalKind::Table, Some(numbers.of(target))),
            TargetKind::Memory => (ExternalKind::Memory, Some(numbers.of(target))),
            TargetKind::Tag => (ExternalKind::Tag, Some(numbers.of(target))),
            TargetKind::Data => {
                let index = numbers.data_global(target.index() as u32);
                (ExternalKind::Global, index)
            }
            _ => (ExternalKind::Global, Some(numbers.of(target))),
        };
        let Some(index) = index else { continue };
        out.export(name, kind, index);
    }
    if exports_memory(module, layout) {
        out.export(MEMORY_EXPORT, ExternalKind::Memory, 0);
    }
}

impl ModuleWriter<'_> {
    pub(super) fn types(&mut self) {
        let (module, numbers) = (self.module, self.numbers);
        self.vector_section(SectionId::Type, |w| {
            module.decls.types.encode(&numbers.types, &mut w.out);
        });
    }

    pub(super) fn imports(&mut self) {
        let (decls, numbers) = (&self.module.decls, self.numbers);
        self.vector_section(SectionId::Import, |w| {
            for &slot in &numbers.functions.imports {
                if let Some(decl) = decls.funcs.at(slot as usize) {
                    let ty = decl.body.ty.map_or(0, |ty| numbers.types[ty.index()]);
                    w.import(&decl.head, EntityType::Func(ty));
                }
            }
            for &slot in &numbers.tables.imports {
                if let Some(decl) = decls.tables.at(slot as usize)
                    && let Some(ty) = w.table_type(slot)
                {
                    w.import(&decl.head, EntityType::Table(ty));
                }
            }
            let undeclared = |table: &FunctionTable| table.declared.is_none();
            if w.form == Form::Object && numbers.function_table.as_ref().is_some_and(undeclared) {
                let ty = EntityType::Table(w.function_table_type());
                w.out.import(LINKER_MODULE, FUNCTION_TABLE, ty);
            }
            if w.form == Form::Object {
                // Nothing else in an object tells how wide an address is, so even an object
                // without data has a memory, as those of LLVM do.
                let ty = EntityType::Memory(w.memory_limits());
                w.out.import(LINKER_MODULE, LINKER_MEMORY, ty);
            } else {
                for &slot in &numbers.memories.imports {
                    if let Some(decl) = decls.memories.at(slot as usize) {
                        let ty = EntityType::Memory(w.memory_limits());
                        w.import(&decl.head, ty);
                    }
                }
            }
            for &slot in &numbers.globals.imports {
                if let Some(decl) = decls.globals.at(slot as usize)
                    && let Some(ty) = decl.body.ty
                {
                    w.import(&decl.head, EntityType::Global(ty));
                }
            }
            for &slot in &numbers.tags.imports {
                if let Some(decl) = decls.tags.at(slot as usize) {
                    let ty = EntityType::Tag(w.tag_type(slot));
                    w.import(&decl.head, ty);
                }
            }
        });
    }

    fn import(&mut self, head: &Head, ty: EntityType) {
        let (from, name) = head.import(&self.module.options.import_module);
        self.out.import(from, name, ty);
    }

    pub(super) fn functions(&mut self) {
        let numbers = self.numbers;
        let initializer = self.initializer_type();
        self.vector_section(SectionId::Function, |w| {
            let types = numbers.defined_funcs.iter().map(|function| function.ty);
            w.out.functions(types);
            if let Some(ty) = initializer {
                w.out.function(numbers.types[ty.index()]);
            }
        });
    }

    pub(super) fn tables(&mut self) {
        let numbers = self.numbers;
        self.vector_section(SectionId::Table, |w| {
            if let (Form::Module, Some(FunctionTable { declared: None, .. })) =
                (w.form, numbers.function_table)
            {
                let ty = w.function_table_type();
                w.out.table(ty);
            }
            for &slot in &numbers.tables.defined {
                let Some(ty) = w.table_type(slot) else {
                    continue;
                };
                let start = w.out.bytes.len();
                w.out.table(ty);
                let number = numbers.tables.number[slot as usize];
                w.placed(TargetKind::Table, slot, number, start);
            }
        });
    }

    /// The type of the table in slot `slot`, large enough for what fills it.
    fn table_type(&mut self, slot: u32) -> Option<TableType> {
        let decl = self.module.decls.tables.at(slot as usize)?;
        let mut ty = decl.body.ty?;
        let is_function_table = self
            .numbers
            .function_table
            .is_some_and(|table| table.declared == Some(slot));
        if decl.body.builtin == Some(Builtin::FunctionTable) {
            return Some(self.function_table_type());
        }
        if self.form == Form::Object {
            return Some(ty);
        }
        let declaration = || decl.head.named(TargetKind::Table);
        let mut needed = number::elements_end(self.module, slot);
        if is_function_table {
            needed = needed.max(self.numbers.addressed.len() as u64 + 1);
        }
        ty.limits.min = ty.limits.min.max(needed);
        if let Some(max) = ty.limits.max
            && max < ty.limits.min
        {
            self.problems.push(Problem::TableMax {
                declaration: declaration(),
                needed,
                max,
            });
        }
        self.check_table_size(&ty, declaration);
        Some(ty)
    }

    /// The type of the table of function addresses, unless the caller has declared it: just
    /// large enough, slot 0 being the null pointer.
    fn function_table_type(&mut self) -> TableType {
        let memory64 = self.module.options.memory64;
        let mut ty = self.numbers.unlinked_function_table(memory64);
        if self.form == Form::Module {
            let declared = self.numbers.function_table.and_then(|table| table.declared);
            let filled = declared.map_or(0, |slot| number::elements_end(self.module, slot));
            ty.limits.min = filled.max(ty.limits.min + 1);
            ty.limits.max = Some(ty.limits.min);
            self.check_table_size(&ty, || DeclName {
                kind: DeclKind::Table,
                name: FUNCTION_TABLE.into(),
            });
        }
        ty
    }

    /// Reports a table that engines do not take.
    fn check_table_size(&mut self, ty: &TableType, declaration: impl Fn() -> DeclName) {
        if let Some(limit) = limits::table_beyond(ty.limits.min) {
            self.problems.push(Problem::TableTooLarge {
                declaration: declaration(),
                limit,
            });
        }
    }

    pub(super) fn memories(&mut self) {
        let numbers = self.numbers;
        if self.form == Form::Object || !numbers.memories.imports.is_empty() {
            return;
        }
        self.vector_section(SectionId::Memory, |w| {
            if !w.needs_memory() {
                return;
            }
            let limits = w.memory_limits();
            let start = w.out.bytes.len();
            w.out.memory(limits);
            if let Some(&slot) = numbers.memories.defined.first() {
                w.placed(TargetKind::Memory, slot, 0, start);
            }
        });
    }

    /// Whether anything needs a memory.
    fn needs_memory(&self) -> bool {
        let decls = &self.module.decls;
        let stack = || {
            let mut globals = decls.globals.iter();
            globals.any(|(_, decl)| decl.body.builtin == Some(Builtin::StackPointer))
        };
        self.layout.has_data
            || decls.memories.iter().next().is_some()
            || decls.data.iter().next().is_some()
            || stack()
    }

    /// Limits of the memory, large enough for what is placed.
    fn memory_limits(&mut self) -> Limits {
        let declared = self.module.decls.memories.iter().next();
        let mut limits = declared.map_or(Limits::default(), |(_, decl)| decl.body.limits);
        limits.is_64 = self.module.options.memory64;
        if self.form == Form::Object {
            // How much is needed the linker finds out.
            limits.max = limits.max.filter(|_| limits.shared);
            return limits;
        }
        let needed = self.layout.pages(limits.page_size_log2);
        limits.min = limits.min.max(needed);
        let most = limits::max_pages(limits.is_64, limits.page_size_log2);
        if limits.min > most {
            // Only a page of one byte makes this less than what the layout was limited to.
            self.problems.push(Problem::MemoryFull {
                end: self.layout.end,
                limit: most,
            });
        }
        if let (Some(max), Some((_, decl))) = (limits.max, declared)
            && max < limits.min
        {
            self.problems.push(Problem::MemoryMax {
                declaration: decl.head.named(TargetKind::Memory),
                needed,
                max,
            });
        }
        limits
    }

    pub(super) fn tags(&mut self) {
        let numbers = self.numbers;
        self.vector_section(SectionId::Tag, |w| {
            for &slot in &numbers.tags.defined {
                let start = w.out.bytes.len();
                let ty = w.tag_type(slot);
                w.out.tag(ty);
                let number = numbers.tags.number[slot as usize];
                w.placed(TargetKind::Tag, slot, number, start);
            }
        });
    }

    /// The number of a tag's type.
    fn tag_type(&self, slot: u32) -> u32 {
        let decl = self.module.decls.tags.at(slot as usize);
        let ty = decl.and_then(|decl| decl.body.ty);
        ty.map_or(0, |ty| self.numbers.types[ty.index()])
    }

    pub(super) fn globals(&mut self) {
        let (decls, numbers) = (&self.module.decls, self.numbers);
        self.vector_section(SectionId::Global, |w| {
            for &slot in &numbers.globals.defined {
                let Some((decl, ty)) =
                    (decls.globals.at(slot as usize)).and_then(|decl| Some((decl, decl.body.ty?)))
                else {
                    continue;
                };
                let start = w.out.bytes.len();
                match (decl.body.builtin, &decl.body.init) {
                    (Some(Builtin::StackPointer), _) => {
                        let top = w.address(w.layout.stack_top.unwrap_or(0));
                        w.out.global(ty, top);
                    }
                    (Some(_), _) => {
                        let base = w.address(w.layout.tls_base);
                        w.out.global(ty, base);
                    }
                    (None, Some(init)) => {
                        w.out.entry(|out| {
                            ty.encode(out);
                            out.extend_from_slice(&init.bytes);
                        });
                        let from = w.out.bytes.len() - init.bytes.len();
                        let name = || decl.head.named(TargetKind::Global);
                        w.patch(&init.holes, from, 0, name);
                        w.check_init(init, from, slot, decl);
                    }
                    // Found when the module was checked.
                    (None, None) => continue,
                }
                let number = numbers.globals.number[slot as usize];
                w.placed(TargetKind::Global, slot, number, start);
            }
            for &slot in &numbers.exported_data {
                let address = w.address(w.layout.addresses[slot as usize]);
                w.out.global(number::data_global_type(w.module), address);
            }
        });
    }

    /// Checks what the initial value of the global in `slot`, which was appended from `from`
    /// on, refers to.
    fn check_init(&mut self, init: &Init, from: usize, slot: u32, global: &Decl<Global>) {
        let (decls, numbers) = (&self.module.decls, self.numbers);
        let Some(ty) = global.body.ty.filter(|_| !init.holes.is_empty()) else {
            return; // it was checked when it was committed
        };
        let type_of = |slot: usize| decls.globals.at(slot)?.body.ty;
        let by_target = |target: Target| (numbers.of(target), type_of(target.index()));
        let by_number = |number: u32| {
            let slot = numbers.globals.slot(number)?;
            Some(type_of(slot as usize)?.value)
        };
        let name = |target| decls.name(target);
        let checked = init
            .check_globals(numbers.globals.number[slot as usize], by_target, name)
            .and_then(|()| init::check_type(&self.out.bytes[from..], ty.value, by_number));
        if let Err(what) = checked {
            let declaration = global.head.named(TargetKind::Global);
            self.problems.push(Problem::BadInit { declaration, what });
        }
    }

    /// A constant expression whose value is an address.
    pub(in crate::module) fn address(&self, address: u64) -> ConstExpr<'static> {
        ConstExpr::address(address, self.module.options.memory64)
    }

    pub(super) fn exports(&mut self) {
        let (module, numbers, layout) = (self.module, self.numbers, self.layout);
        self.vector_section(SectionId::Export, |w| {
            put_exports(module, numbers, layout, &mut w.out);
        });
    }

    pub(super) fn start(&mut self) {
        let start = if self.module.init_functions.is_empty() {
            self.module.start.map(|start| self.numbers.of(start.into()))
        } else {
            Some(self.initializer_number())
        };
        if let Some(number) = start {
            put_start_section(self.out.bytes, number);
            self.section_count += 1;
        }
    }

    pub(super) fn elements(&mut self) {
        let (decls, numbers) = (&self.module.decls, self.numbers);
        self.vector_section(SectionId::Element, |w| {
            if let (Some(table), false) = (numbers.function_table, numbers.addressed.is_empty()) {
                let is_64 = match table.declared {
                    Some(slot) => w.is_table64(slot),
                    None => w.module.options.memory64,
                };
                if let Some(slot) = table.declared {
                    w.check_element_type(slot, DeclName::clone);
                }
                let mode = ElementMode::Active {
                    table: table.number,
                    offset: ConstExpr::address(1, is_64),
                };
                let number = |&slot: &u32| numbers.functions.number[slot as usize];
                w.out.elements(mode, numbers.addressed.iter().map(number));
            }
            for (_, element) in decls.elements.iter() {
                let mode = match element.mode {
                    ElementPlacement::Active { table, offset } => {
                        let slot = table.0.index() as u32;
                        w.check_element_type(slot, |_| DeclName {
                            kind: DeclKind::Element,
                            name: Arc::clone(&element.name),
                        });
                        ElementMode::Active {
                            table: numbers.of(table.into()),
                            offset: ConstExpr::address(offset, w.is_table64(slot)),
                        }
                    }
                    ElementPlacement::Passive => ElementMode::Passive,
                    ElementPlacement::Declared => ElementMode::Declared,
                };
                let number = |function: &_| numbers.of(Target::from(*function));
                w.out.elements(mode, element.functions.iter().map(number));
            }
        });
    }

    /// Reports a table that is filled with functions and cannot hold them. `filled_by` names
    /// what fills it, given how the table is named.
    fn check_element_type(&mut self, slot: u32, filled_by: impl Fn(&DeclName) -> DeclName) {
        let decl = self.module.decls.tables.at(slot as usize);
        let Some((decl, ty)) = decl.and_then(|decl| Some((decl, decl.body.ty?))) else {
            return;
        };
        if ty.element.heap != HeapType::Func {
            let table = decl.head.named(TargetKind::Table);
            self.problems.push(Problem::ElementType {
                declaration: filled_by(&table),
                table,
                element: ty.element,
            });
        }
    }

    fn is_table64(&self, slot: u32) -> bool {
        let decl = self.module.decls.tables.at(slot as usize);
        let ty = decl.and_then(|decl| decl.body.ty);
        ty.is_some_and(|ty| ty.limits.is_64)
    }

    pub(super) fn data_count(&mut self) {
        if self.layout.passive > 0 {
            let count = self.layout.segments.len() as u32;
            put_data_count_section(self.out.bytes, count);
            self.section_count += 1;
        }
    }
}

//! The entries of the linker's small sections: imports, tables, memory, globals, exports,
//! elements. Each function appends those of one section.

use wasm_format::leb128::put_u32;
use wasm_format::linking::SymbolKind;
use wasm_format::{
    ConstExpr, ConstOp, ElementMode, EntityType, ExternalKind, GlobalType, Import, Limits,
    Mutability, RefType, TableType, ValType,
};

use super::section_buffer::SectionBuffer;
use crate::diag::{Code, Diagnostic};
use crate::ids::{FileId, ObjSymbol};
use crate::input::object::{ElementPlace, NULLARY};
use crate::options::Options;
use crate::pass::mark::Liveness;
use crate::pass::synthesize::{
    ExportTarget, FunctionRef, SynthFunction, Synthesis, TableUse, import_name,
};
use crate::plan::Plan;
use crate::plan::synthetic::signature;
use crate::plan::type_section::synth_signature;
use crate::plan::values::Value;
use crate::resolve::resolution::{MadeGlobal, Resolution, SymbolRef};

/// Everything that emission reads.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'l, 'a> {
    pub(crate) plan: &'l Plan<'a>,
    pub(crate) resolution: &'l Resolution<'a>,
    pub(crate) liveness: &'l Liveness,
    pub(crate) synthesis: &'l Synthesis<'a>,
    pub(crate) options: &'l Options,
}

/// An entry that cannot be written. Nothing else may stand in its place: the module would be
/// valid and wrong.
type Written = Result<(), Diagnostic>;

/// The error about a function, table or tag without a type.
fn without_type(what: &str, name: &str) -> Diagnostic {
    let message = format!("cannot write {what} `{name}`: no input says what type it has");
    Diagnostic::error(Code::TypeMismatch, message).about(name)
}

impl Sources<'_, '_> {
    fn pointer(&self) -> ValType {
        if self.resolution.is_64 {
            ValType::I64
        } else {
            ValType::I32
        }
    }

    /// A constant of an address's type.
    fn address_op(&self, value: u64) -> ConstOp {
        ConstOp::address(value, self.resolution.is_64)
    }

    /// The index of the signature that `what`, called `name`, has.
    fn type_index(
        &self,
        signature: Option<&[u8]>,
        what: &str,
        name: &str,
    ) -> Result<u32, Diagnostic> {
        // Types were collected from the same places.
        let index = signature.and_then(|signature| self.plan.types.index(signature));
        index
            .map(|index| index.0)
            .ok_or_else(|| without_type(what, name))
    }

    /// The indirect function table's type.
    pub(crate) fn indirect_table(&self) -> TableType {
        let slots = &self.plan.slots;
        let size = slots.base + slots.functions.len() as u64;
        let defined = self.synthesis.table == TableUse::Defined;
        TableType {
            element: RefType::FUNCREF,
            limits: Limits {
                min: size,
                // An imported table may be larger.
                max: (defined && !self.options.table.growable).then_some(size),
                is_64: self.resolution.is_64,
                ..Limits::default()
            },
        }
    }

    pub(super) fn types(&self, section: &mut SectionBuffer<'_>) {
        for ty in &self.plan.types.list {
            section.encoded(1, ty);
        }
    }

    pub(super) fn imports(&self, section: &mut SectionBuffer<'_>) -> Written {
        if self.plan.compact_imports {
            let mut imports = Vec::new();
            self.each_import(|import| imports.push(import))?;
            for run in imports.chunk_by(|a, b| a.module == b.module) {
                section.import_run(run);
            }
            return Ok(());
        }
        self.each_import(|import| section.import(import.module, import.field, import.ty))
    }

    /// Whether [`Self::imports`] writes a group.
    pub(super) fn has_import_groups(&self) -> bool {
        let mut modules = Vec::new();
        self.plan.compact_imports
            && self
                .each_import(|import| modules.push(import.module))
                .is_ok()
            && modules.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// Hands over the imports in their order.
    pub(crate) fn each_import<'s>(&'s self, mut each: impl FnMut(Import<'s>)) -> Written {
        const WHAT: &str = "the import";
        if let Some((module, field)) = self.options.memory_import() {
            let ty = EntityType::Memory(self.plan.memory.limits);
            each(Import { module, field, ty });
        }
        for &id in &self.synthesis.imports {
            let symbol = self.resolution.symbol(id);
            let ty = match symbol.kind {
                SymbolKind::Function | SymbolKind::Tag => {
                    let index = self.type_index(symbol.signature, WHAT, symbol.name)?;
                    if symbol.kind == SymbolKind::Tag {
                        EntityType::Tag(index)
                    } else {
                        EntityType::Func(index)
                    }
                }
                SymbolKind::Global => {
                    let ty = symbol.global_type();
                    EntityType::Global(ty.ok_or_else(|| without_type(WHAT, symbol.name))?)
                }
                SymbolKind::Table if Some(id) == self.resolution.made.indirect_function_table => {
                    EntityType::Table(self.indirect_table())
                }
                SymbolKind::Table => {
                    let ty = symbol.table_type();
                    EntityType::Table(ty.ok_or_else(|| without_type(WHAT, symbol.name))?)
                }
                // Synthesis lists no other kind.
                _ => continue,
            };
            let (module, field) = import_name(symbol, self.options);
            each(Import { module, field, ty });
        }
        for &symbol in &self.synthesis.got_imports {
            let module = match self.resolution.kind(symbol) {
                SymbolKind::Function => "GOT.func",
                _ => "GOT.mem",
            };
            let ty = GlobalType {
                value: self.pointer(),
                mutability: Mutability::Var,
            };
            each(Import {
                module,
                field: self.resolution.name(symbol),
                ty: EntityType::Global(ty),
            });
        }
        Ok(())
    }

    pub(super) fn functions(&self, section: &mut SectionBuffer<'_>) -> Written {
        const WHAT: &str = "the function";
        for &function in &self.synthesis.functions {
            let signature = synth_signature(self.resolution, self.synthesis, function);
            let name = match function {
                SynthFunction::Made(made) => made.name(),
                SynthFunction::Stub(stub) => self.synthesis.stubs[stub as usize].name,
            };
            section.function(self.type_index(Some(signature), WHAT, name)?);
        }
        let of_files = self.resolution.map_objects(|file, object| {
            let types = &self.plan.types.files[file.index()];
            let mut out = Vec::with_capacity(object.functions.len());
            let mut count = 0;
            for function in self.liveness.functions(file) {
                // Types were collected from these very functions.
                let ty = types[object.functions[function].ty.index()];
                let ty = ty.ok_or_else(|| without_type(WHAT, object.function_name(function)))?;
                put_u32(&mut out, ty.0);
                count += 1;
            }
            Ok((count, out))
        });
        for of_file in of_files {
            let (count, types) = of_file?;
            section.encoded(count, &types);
        }
        for &id in &self.synthesis.wrappers {
            let signature = signature(self.resolution, SymbolRef::Global(id));
            let name = self.resolution.symbol(id).name;
            section.function(self.type_index(signature, WHAT, name)?);
        }
        for name in &self.plan.helper_names {
            section.function(self.type_index(Some(NULLARY), WHAT, name)?);
        }
        Ok(())
    }

    /// Appends the tables; `indirect` appends the type of the indirect function table.
    pub(super) fn tables(
        &self,
        section: &mut SectionBuffer<'_>,
        mut indirect: impl FnMut(&mut Vec<u8>, TableType),
    ) {
        let defined = self.synthesis.table == TableUse::Defined;
        let first = self.resolution.indirect_table_is_first();
        if defined && first {
            section.entry(|out| indirect(out, self.indirect_table()));
        }
        for (file, object) in self.resolution.objects() {
            for (table, live) in object
                .tables
                .iter()
                .zip(&self.liveness.files[file.index()].tables)
            {
                if *live {
                    section.table(table.ty);
                }
            }
        }
        if defined && !first {
            section.entry(|out| indirect(out, self.indirect_table()));
        }
    }

    pub(super) fn memories(&self, section: &mut SectionBuffer<'_>) {
        if self.options.memory_import().is_none() {
            section.memory(self.plan.memory.limits);
        }
    }

    pub(super) fn tags(&self, section: &mut SectionBuffer<'_>) -> Written {
        for (file, object) in self.resolution.objects() {
            for (tag, live) in object
                .tags
                .iter()
                .zip(&self.liveness.files[file.index()].tags)
            {
                if *live {
                    let ty = self.plan.types.files[file.index()][tag.ty.index()];
                    let ty = ty.ok_or_else(|| without_type("the tag", tag.name))?;
                    section.tag(ty.0);
                }
            }
        }
        Ok(())
    }

    pub(super) fn globals(&self, section: &mut SectionBuffer<'_>) {
        for &made in &self.synthesis.globals {
            let (mutability, value) = self.made_global(made);
            let mut init = vec![self.address_op(value)];
            let is_alone = made == MadeGlobal::TlsBase && !self.options.has_threads();
            if is_alone && self.plan.memory.tls.is_some() {
                // Without threads the template is the storage.
                init.clear();
                self.data_offset(value, &mut init);
            }
            self.put_global(section, mutability, &init);
        }
        for (file, object) in self.resolution.objects() {
            let live = &self.liveness.files[file.index()].globals;
            for (global, live) in object.globals.iter().zip(live) {
                if *live {
                    section.entry(|out| {
                        global.ty.encode(out);
                        out.extend_from_slice(global.init);
                    });
                }
            }
        }
        for &symbol in &self.synthesis.got_internal {
            self.put_got(section, symbol);
        }
        for export in &self.synthesis.exports {
            if let Some(address) = self.exported_address(export.what) {
                self.put_global(section, Mutability::Const, &[self.address_op(address)]);
            }
        }
    }

    fn put_global(
        &self,
        section: &mut SectionBuffer<'_>,
        mutability: Mutability,
        init: &[ConstOp],
    ) {
        let value = self.pointer();
        section.global(GlobalType { value, mutability }, ConstExpr::new(init));
    }

    /// Address of the template of thread-local storage; without threads, of the storage.
    fn tls_address(&self) -> u64 {
        let memory = &self.plan.memory;
        // In an executable, a thread pointer is not null even if nothing is thread-local.
        memory.tls.map_or(memory.global_base, |tls| tls.address)
    }

    fn made_global(&self, made: MadeGlobal) -> (Mutability, u64) {
        let memory = &self.plan.memory;
        match made {
            MadeGlobal::StackPointer if self.options.memory.cooperative => {
                (Mutability::Const, memory.stack_high)
            }
            MadeGlobal::StackPointer => (Mutability::Var, memory.stack_high),
            // Each thread sets its own; alone there is one place, known beforehand, and of threads
            // that take turns the first one has that.
            MadeGlobal::TlsBase if self.options.memory.cooperative && !self.options.is_pic() => {
                (Mutability::Var, memory.tls.map_or(0, |tls| tls.address))
            }
            MadeGlobal::TlsBase if self.options.has_threads() => (Mutability::Var, 0),
            MadeGlobal::TlsBase => (Mutability::Const, self.tls_address()),
            MadeGlobal::TlsSize => (Mutability::Const, memory.tls.map_or(0, |tls| tls.size)),
            MadeGlobal::TlsAlign => (
                Mutability::Const,
                memory.tls.map_or(0, |tls| 1 << tls.align_log2),
            ),
            MadeGlobal::MemoryBase => (Mutability::Const, 0),
            MadeGlobal::TableBase => (Mutability::Const, self.plan.slots.base),
        }
    }

    /// A GOT entry of known value. What is relative to a base that a loader decides is
    /// either computed where the module is instantiated, or set by code.
    fn put_got(&self, section: &mut SectionBuffer<'_>, symbol: SymbolRef) {
        let made = &self.resolution.made;
        let places = self.plan.places(self.resolution, self.liveness);
        let tls = self.resolution.is_thread_local(symbol);
        let threads = self.options.has_threads();
        let (value, base) = match places.symbol(symbol) {
            Value::Address(offset) if tls && threads => (offset, None),
            Value::Address(offset) if tls => (self.tls_address() + offset, made.memory_base),
            Value::Address(address) if self.resolution.is_absolute(symbol) => (address, None),
            Value::Address(address) => (address, made.memory_base),
            Value::Function(function) => (
                (self.plan.slots.of(symbol, function)).map_or(0, |slot| u64::from(slot.0)),
                made.table_base,
            ),
            _ => (0, None),
        };
        let by_thread = tls && threads;
        match places.base_global(base) {
            Some((_, base)) if self.plan.extended_const => {
                let mut init = Vec::new();
                self.offset_from(base.0, value, &mut init);
                self.put_global(section, Mutability::Const, &init);
            }
            base => {
                let by_code = by_thread || base.is_some();
                let mutability = if by_code {
                    Mutability::Var
                } else {
                    Mutability::Const
                };
                self.put_global(section, mutability, &[self.address_op(value)]);
            }
        }
    }

    /// What lies `offset` beyond what a global holds; any but 0 takes extended-const.
    fn offset_from(&self, base: u32, offset: u64, out: &mut Vec<ConstOp>) {
        out.push(ConstOp::GlobalGet(base));
        if offset != 0 {
            out.push(self.address_op(offset));
            out.push(if self.resolution.is_64 {
                ConstOp::I64Add
            } else {
                ConstOp::I32Add
            });
        }
    }

    /// Where data at `address` goes.
    pub(crate) fn data_offset(&self, address: u64, out: &mut Vec<ConstOp>) {
        let places = self.plan.places(self.resolution, self.liveness);
        match places.memory_base() {
            None => out.push(self.address_op(address)),
            Some((_, base)) => self.offset_from(base.0, address, out),
        }
    }

    /// Whether a symbol is thread-local data, and there is one thread: its address is known.
    fn is_plain_thread_local(&self, symbol: SymbolRef) -> bool {
        !self.options.has_threads() && self.resolution.is_thread_local(symbol)
    }

    /// The address that an export of data holds; of thread-local data, where each thread has
    /// its own, the offset in that.
    pub(crate) fn exported_address(&self, what: ExportTarget) -> Option<u64> {
        match what {
            ExportTarget::Symbol(id) => match self.plan.symbols.get(id) {
                Value::Address(offset) if self.is_plain_thread_local(SymbolRef::Global(id)) => {
                    Some(self.tls_address() + offset)
                }
                Value::Address(address) => Some(address),
                _ => None,
            },
            ExportTarget::Address(made) => self.plan.memory.made(made, self.plan.slots.base),
            ExportTarget::Wrapper(_) | ExportTarget::Made(_) | ExportTarget::Stub(_) => None,
        }
    }

    pub(super) fn exports(&self, section: &mut SectionBuffer<'_>) {
        if let Some(name) = self.options.memory_export() {
            section.export(name, ExternalKind::Memory, 0);
        }
        let mut address_global = self.plan.globals.count;
        for export in &self.synthesis.exports {
            match export.what {
                ExportTarget::Wrapper(nth) => {
                    let index = self.plan.functions.wrapper(nth);
                    section.export(export.name, ExternalKind::Func, index.0);
                }
                ExportTarget::Address(_) => {
                    section.export(export.name, ExternalKind::Global, address_global);
                    address_global += 1;
                }
                ExportTarget::Made(made) => {
                    if let Some(index) = self.plan.functions.made(made) {
                        section.export(export.name, ExternalKind::Func, index.0);
                    }
                }
                ExportTarget::Stub(stub) => {
                    if let Some(index) = self.plan.functions.get(FunctionRef::Stub(stub)) {
                        section.export(export.name, ExternalKind::Func, index.0);
                    }
                }
                ExportTarget::Symbol(id) => {
                    let (kind, index) = match self.plan.symbols.get(id) {
                        Value::Function(index) => (ExternalKind::Func, index.0),
                        Value::Global(index) => (ExternalKind::Global, index.0),
                        Value::Table(index) => (ExternalKind::Table, index.0),
                        Value::Tag(index) => (ExternalKind::Tag, index.0),
                        Value::Address(_) => {
                            address_global += 1;
                            (ExternalKind::Global, address_global - 1)
                        }
                        // Synthesis exports what is live and defined.
                        Value::Dead | Value::Undefined | Value::Section => continue,
                    };
                    section.export(export.name, kind, index);
                }
            }
        }
    }

    pub(super) fn elements(&self, section: &mut SectionBuffer<'_>) -> Written {
        let slots = &self.plan.slots;
        if !slots.functions.is_empty() {
            let Some(table) = self.plan.tables.indirect else {
                let message = "cannot write table slots: the output has no function table";
                return Err(Diagnostic::error(Code::Other, message));
            };
            let base = self.plan.places(self.resolution, self.liveness);
            let offset = match base.base_global(self.resolution.made.table_base) {
                Some((_, base)) => [ConstOp::GlobalGet(base.0)],
                None => [self.address_op(slots.base)],
            };
            let mode = ElementMode::Active {
                table: table.0,
                offset: ConstExpr::new(&offset),
            };
            section.elements(mode, slots.functions.iter().map(|index| index.0));
        }
        self.own_elements(section)
    }

    /// Element segments that objects have for tables of their own, then one that declares what
    /// theirs declare.
    fn own_elements(&self, section: &mut SectionBuffer<'_>) -> Written {
        let mut declared = Vec::new();
        for (file, object) in self.resolution.objects() {
            for elements in &object.elements {
                let function = |&symbol: &ObjSymbol| self.element(file, symbol);
                let functions = elements.functions.iter().map(function);
                match elements.place {
                    ElementPlace::Declared => declared.extend(functions.flatten()),
                    ElementPlace::Table { table, offset } => {
                        let Some(table) = self.plan.tables.object(file, table) else {
                            continue;
                        };
                        let functions: Vec<u32> = functions.collect::<Result<_, _>>()?;
                        let mode = ElementMode::Active {
                            table: table.0,
                            offset,
                        };
                        section.elements(mode, functions);
                    }
                }
            }
        }
        declared.sort_unstable();
        declared.dedup();
        if !declared.is_empty() {
            section.elements(ElementMode::Declared, declared);
        }
        Ok(())
    }

    /// The index of a function that an object lists as an element.
    fn element(&self, file: FileId, symbol: ObjSymbol) -> Result<u32, Diagnostic> {
        let relocator = self.plan.relocator(self.resolution, self.liveness);
        let Value::Function(function) = relocator.symbol(file, symbol) else {
            let object = self.resolution.object(file);
            let name = object.symbols[symbol.index()].name;
            let message = format!("undefined symbol: {name}");
            return Err(Diagnostic::error(Code::Undefined, message)
                .in_file(&*object.name)
                .about(name)
                .note("referenced by an element segment"));
        };
        let symbol = self.resolution.symbol_ref(file, symbol);
        Ok(self.plan.functions.called(symbol, function).0)
    }
}

//! What the relocations of live chunks ask for.

use std::borrow::Cow;

use wasm_format::linking::{SegmentFlags, SymbolFlags, SymbolKind};
use wasm_format::reloc::{RelocBase, RelocTarget, RelocType, ValueForm};
use wasm_format::{Mutability, Opcode};

use super::{FunctionRef, hints, needs_got, target};
use crate::diag::{Code, Diagnostic};
use crate::hash::{HashMap, HashSet};
use crate::ids::{FileId, ObjFunc, ObjSegment, ObjSymbol, ObjType, SymbolId};
use crate::input::object::{Chunk, ObjReloc, Segment};
use crate::options::{Options, Unresolved};
use crate::pass::mark::Liveness;
use crate::reloc::takes_slot;
use crate::resolve::resolution::{Definition, MadeAddress, MadeGlobal, Resolution, SymbolRef};

/// What was found, in the order of files, functions before data.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Symbols for which slots are asked for, and their functions.
    pub(super) slots: Vec<(SymbolRef, FunctionRef)>,
    pub(super) got_imports: Vec<SymbolRef>,
    pub(super) got_internal: Vec<SymbolRef>,
    pub(super) undefined: Vec<UndefinedUse>,
    /// Whether any relocation is for a slot of the indirect function table.
    pub(super) takes_slots: bool,
    /// For each file, the types that relocations name, as they come.
    pub(super) types: Vec<Vec<ObjType>>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// A reference to an undefined symbol.
#[derive(Debug, Clone, Copy)]
pub(super) struct UndefinedUse {
    pub(super) file: FileId,
    pub(super) symbol: SymbolId,
    pub(super) chunk: ChunkRef,
    /// Whether a table slot is asked for.
    pub(super) slot: bool,
    /// Whether its file may do without the definition.
    pub(super) weak: bool,
}

/// Which chunk of its file.
#[derive(Debug, Clone, Copy)]
pub(super) enum ChunkRef {
    Function(ObjFunc),
    Segment(ObjSegment),
    /// The start section.
    Start,
}

/// Walks the relocations of all live chunks. `made` are the symbols of what the linker makes.
pub(super) fn scan(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    made: &[SymbolId],
) -> Scan {
    let gone = gone_bounds(resolution, live, made);
    let files = resolution.map_objects(|file, _| scan_file(resolution, live, options, &gone, file));
    let mut all = Scan::default();
    let mut slots = HashSet::default();
    let mut got = HashSet::default();
    for file in files {
        let new = (file.slots.into_iter()).filter(|&(_, function)| slots.insert(function));
        all.slots.extend(new);
        all.got_imports.extend(
            file.got_imports
                .into_iter()
                .filter(|&entry| got.insert(entry)),
        );
        all.got_internal.extend(
            file.got_internal
                .into_iter()
                .filter(|&entry| got.insert(entry)),
        );
        all.undefined.extend(file.undefined);
        all.takes_slots |= file.takes_slots;
        all.types.extend(file.types);
        all.diagnostics.extend(file.diagnostics);
    }
    all
}

/// The symbols `__start_X` and `__stop_X` of segments of which nothing is left.
fn gone_bounds(
    resolution: &Resolution<'_>,
    live: &Liveness,
    made: &[SymbolId],
) -> HashSet<SymbolId> {
    let mut bounds: HashMap<&str, Vec<SymbolId>> = HashMap::default();
    for &id in made {
        let symbol = resolution.symbol(id);
        let prefix = match symbol.definition {
            Definition::Address(MadeAddress::SegmentStart) => "__start_",
            Definition::Address(MadeAddress::SegmentStop) => "__stop_",
            _ => continue,
        };
        let segment = symbol.name.strip_prefix(prefix).unwrap_or_default();
        bounds.entry(segment).or_default().push(id);
    }
    if !bounds.is_empty() {
        for (file, object) in resolution.objects() {
            for segment in live.segments_of(file, object) {
                bounds.remove(segment.name);
            }
        }
    }
    bounds.into_values().flatten().collect()
}

fn scan_file(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    gone: &HashSet<SymbolId>,
    file: FileId,
) -> Scan {
    let object = resolution.object(file);
    let mut found = FileScan {
        resolution,
        options,
        gone,
        file,
        scan: Scan::default(),
        slots: HashSet::default(),
        got: HashSet::default(),
        types: Vec::new(),
        types_seen: vec![false; object.types.len()],
        reported: HashSet::default(),
    };
    let is_thread_local = |segment: &Segment<'_>| segment.flags.contains(SegmentFlags::TLS);
    let all = options.is_pic()
        || !gone.is_empty()
        || refers_elsewhere(resolution, options, file)
        || object.segments.iter().any(is_thread_local);
    let wanted = |chunk: &Chunk<'_>| all || !chunk.relocs.are_plain();
    for id in object.functions.ids() {
        if !live.function(file, id) {
            continue;
        }
        let chunk = object.functions.chunk(id);
        if wanted(&chunk) {
            found.chunk(chunk, ChunkRef::Function(id));
        }
    }
    for (i, segment) in object.segments.iter().enumerate() {
        let id = ObjSegment(i as u32);
        if wanted(&segment.chunk) && live.segment(file, id) {
            found.chunk(segment.chunk, ChunkRef::Segment(id));
        }
    }
    if let Some(start) = object.start.filter(|_| live.files[file.index()].any) {
        found.start(start);
    }
    found.scan.types.push(found.types);
    found.scan
}

/// Whether a file refers to what no object of the link defines, to a constant of the
/// linker's as to a global, such as `__memory_base`, or to thread-local data as to other
/// data: that concerns relocations of every kind.
fn refers_elsewhere(resolution: &Resolution<'_>, options: &Options, file: FileId) -> bool {
    let symbols = &resolution.files[file.index()].symbols;
    let object = resolution.object(file);
    symbols.iter().zip(&*object.symbols).any(|(id, symbol)| {
        let Some(known) = id.map(|id| resolution.symbol(id)) else {
            return false;
        };
        match known.definition {
            Definition::Undefined | Definition::Shared(_) => true,
            Definition::Address(_) => symbol.kind() == SymbolKind::Global,
            Definition::Global(made) => match made {
                MadeGlobal::MemoryBase | MadeGlobal::TableBase => true,
                MadeGlobal::TlsBase => !options.has_threads(),
                MadeGlobal::StackPointer | MadeGlobal::TlsSize | MadeGlobal::TlsAlign => false,
            },
            Definition::Object { .. } => known.tls != symbol.flags().contains(SymbolFlags::TLS),
            Definition::Stub(_) | Definition::Function(_) | Definition::IndirectFunctionTable => {
                false
            }
        }
    })
}

struct FileScan<'r, 'a> {
    resolution: &'r Resolution<'a>,
    options: &'r Options,
    gone: &'r HashSet<SymbolId>,
    file: FileId,
    scan: Scan,
    slots: HashSet<FunctionRef>,
    got: HashSet<SymbolRef>,
    types: Vec<ObjType>,
    types_seen: Vec<bool>,
    reported: HashSet<(RelocType, SymbolRef)>,
}

impl<'a> FileScan<'_, 'a> {
    fn chunk(&mut self, chunk: Chunk<'_>, place: ChunkRef) {
        for reloc in chunk.relocs.iter() {
            if reloc.ty.target() != RelocTarget::Type {
                self.reloc(&reloc, place);
                if reloc.ty == RelocType::GlobalIndexLeb {
                    self.check_set(chunk, &reloc);
                }
            } else if !std::mem::replace(&mut self.types_seen[reloc.target as usize], true) {
                self.types.push(ObjType(reloc.target));
            }
        }
    }

    fn reloc(&mut self, reloc: &ObjReloc, place: ChunkRef) {
        let symbol = target(self.resolution, self.file, reloc);
        let definition = match symbol {
            SymbolRef::Global(id) if self.gone.contains(&id) => Definition::Undefined,
            _ => self.resolution.definition(symbol),
        };
        if takes_slot(reloc.ty) {
            self.scan.takes_slots = true;
            if !needs_got(self.resolution, self.options, symbol) {
                self.slot(symbol);
            }
        }
        if reloc.ty.target() == RelocTarget::Global
            && self.resolution.kind(symbol) != SymbolKind::Global
        {
            self.got(symbol);
        }
        self.check_thread_local(reloc, symbol, definition);
        // What is not here has no place relative to what is.
        if reloc.ty.base() == RelocBase::ImageBase
            && definition == Definition::Undefined
            && !self.options.is_relocatable()
        {
            self.error(
                reloc,
                symbol,
                "is not supported against an undefined symbol",
                "",
            );
        }
        let elsewhere = match definition {
            Definition::Shared(_) => true,
            Definition::Undefined => self.options.unresolved == Unresolved::ImportDynamic,
            _ => false,
        };
        if self.options.is_pic() || elsewhere {
            self.check_pic(reloc, symbol);
        }
        if definition == Definition::Undefined {
            self.undefined(ObjSymbol(reloc.target), place, takes_slot(reloc.ty));
        }
    }

    /// The start function is called like one that code calls.
    fn start(&mut self, start: ObjSymbol) {
        let symbol = self.resolution.symbol_ref(self.file, start);
        if self.resolution.definition(symbol) == Definition::Undefined {
            self.undefined(start, ChunkRef::Start, false);
        }
    }

    /// Notes the use of a symbol that nothing defines, if it has to be defined.
    fn undefined(&mut self, used: ObjSymbol, chunk: ChunkRef, slot: bool) {
        if let SymbolRef::Global(id) = self.resolution.symbol_ref(self.file, used)
            && !self.options.is_relocatable()
            && !self.resolution.symbol(id).weak
            && !self.is_left_to_loader(id)
        {
            self.scan.undefined.push(UndefinedUse {
                file: self.file,
                symbol: id,
                chunk,
                slot,
                weak: self.resolution.object(self.file).symbols[used.index()].is_weak(),
            });
        }
    }

    /// Whether a loader defines a symbol: what position-independent code finds itself by.
    fn is_left_to_loader(&self, id: SymbolId) -> bool {
        let made = self.resolution.made;
        [made.stack_pointer, made.memory_base, made.table_base].contains(&Some(id))
    }

    fn slot(&mut self, symbol: SymbolRef) {
        match self.resolution.function(symbol) {
            // Stubs have no slot: their address is null.
            None | Some(FunctionRef::Stub(_)) => {}
            Some(function) => {
                if self.slots.insert(function) {
                    self.scan.slots.push((symbol, function));
                }
            }
        }
    }

    fn got(&mut self, symbol: SymbolRef) {
        if !self.got.insert(symbol) {
            return;
        }
        if needs_got(self.resolution, self.options, symbol) {
            self.scan.got_imports.push(symbol);
        } else {
            if self.resolution.kind(symbol) == SymbolKind::Function {
                self.slot(symbol);
            }
            self.scan.got_internal.push(symbol);
        }
    }

    /// Thread-local data has to be referred to as such, and no other data. Without threads
    /// that holds, too: the value of a thread-local symbol is its offset from `__tls_base`.
    fn check_thread_local(&mut self, reloc: &ObjReloc, symbol: SymbolRef, definition: Definition) {
        let as_thread_local = match reloc.ty.target() {
            RelocTarget::Memory if reloc.ty.base() == RelocBase::TlsBase => true,
            RelocTarget::Memory => {
                // A file knows what it defines: older compilers add the value of a thread-local
                // symbol to `__tls_base` with a relocation of plain data.
                let own = Definition::Object {
                    file: self.file,
                    symbol: ObjSymbol(reloc.target),
                };
                if definition == own {
                    return;
                }
                let entry = &self.resolution.object(self.file).symbols[reloc.target as usize];
                entry.flags().contains(SymbolFlags::TLS)
            }
            // The GOT has the addresses of both.
            RelocTarget::Global => {
                let entry = &self.resolution.object(self.file).symbols[reloc.target as usize];
                if entry.kind() != SymbolKind::Data || !entry.is_undefined() {
                    return;
                }
                entry.flags().contains(SymbolFlags::TLS)
            }
            RelocTarget::Function
            | RelocTarget::TableSlot
            | RelocTarget::FunctionOffset
            | RelocTarget::SectionOffset
            | RelocTarget::Type
            | RelocTarget::Tag
            | RelocTarget::Table => return,
        };
        if reloc.ty.base() == RelocBase::TlsBase && definition == Definition::Undefined {
            // What defines it, the link of the object file finds.
            if !self.options.is_relocatable() {
                let what = "cannot be used against an undefined symbol";
                self.error(reloc, symbol, what, "");
            }
            return;
        }
        if as_thread_local == self.resolution.is_thread_local(symbol) {
            return;
        }
        let is_new = if !as_thread_local {
            self.error(reloc, symbol, "cannot be used against TLS symbol", "")
        } else if let Some(segment) = self.resolution.segment(symbol) {
            let section = segment.output_name(self.options);
            let end = format!(" in non-TLS section: {section}");
            self.error(reloc, symbol, "cannot be used against", &end)
        } else {
            self.error(reloc, symbol, "cannot be used against non-TLS symbol", "")
        };
        if is_new
            && let Definition::Object { file, .. } = definition
            && let [user, definer] = [self.file, file].map(|file| self.resolution.object(file))
            && let Some(hint) = hints::threads(user, definer, as_thread_local)
            && let Some(reported) = self.scan.diagnostics.last_mut()
        {
            reported.notes.push(hint);
        }
    }

    /// Code cannot set what the output has as a constant, although it may declare that as a
    /// variable.
    fn check_set(&mut self, chunk: Chunk<'_>, reloc: &ObjReloc) {
        let opcode = (reloc.offset as usize).checked_sub(1);
        let opcode = opcode.and_then(|at| chunk.bytes.get(at));
        let sets = opcode.is_some_and(|&byte| u32::from(byte) == Opcode::GlobalSet as u32);
        if !sets || self.options.is_relocatable() {
            return;
        }
        let symbol = target(self.resolution, self.file, reloc);
        let is_constant = match symbol {
            SymbolRef::Global(id) => {
                let known = self.resolution.symbol(id);
                match known.definition {
                    // A file that defines it was asked about its type.
                    Definition::Object { .. } => known.kind != SymbolKind::Global,
                    _ => known
                        .global_type()
                        .is_none_or(|ty| ty.mutability == Mutability::Const),
                }
            }
            SymbolRef::Local(..) => self.resolution.kind(symbol) != SymbolKind::Global,
        };
        if is_constant {
            self.error(reloc, symbol, "cannot be used to set the constant", "");
        }
    }

    /// In position-independent output, addresses in code must be relative, and data is
    /// relocated when it is loaded. The same holds for what another
    /// module defines.
    fn check_pic(&mut self, reloc: &ObjReloc, symbol: SymbolRef) {
        use RelocBase as B;
        use RelocTarget as T;
        let in_data = matches!(reloc.ty.form(), ValueForm::I32 | ValueForm::I64);
        match (reloc.ty.target(), reloc.ty.base()) {
            (T::Memory | T::TableSlot, B::Absolute) if in_data => {
                if needs_got(self.resolution, self.options, symbol) {
                    self.got(symbol);
                }
            }
            (T::Memory | T::TableSlot, B::Absolute) => {
                let what = "cannot be used against symbol";
                self.error(reloc, symbol, what, "; recompile with -fPIC");
            }
            (T::Memory, B::ImageBase) => {
                if self.resolution.is_absolute(symbol) {
                    self.error(reloc, symbol, "cannot be used against absolute symbol", "");
                }
            }
            // What a file declares as a function may be an address, which has a place relative
            // to other data alone.
            (T::TableSlot, B::ImageBase) => {
                if matches!(self.resolution.definition(symbol), Definition::Address(_)) {
                    self.mismatch(reloc, symbol);
                }
            }
            (T::Memory | T::TableSlot, B::TlsBase | B::Place)
            | (
                T::Function
                | T::FunctionOffset
                | T::SectionOffset
                | T::Type
                | T::Global
                | T::Tag
                | T::Table,
                _,
            ) => {}
        }
    }

    /// Reports a relocation, once for each symbol; returns whether this is the first time.
    fn error(&mut self, reloc: &ObjReloc, symbol: SymbolRef, what: &str, end: &str) -> bool {
        if !self.reported.insert((reloc.ty, symbol)) {
            return false;
        }
        let name = self.resolution.name(symbol);
        let shown = self.shown(name);
        let message = format!("relocation {} {what} `{shown}`{end}", reloc.ty.name());
        let diagnostic = Diagnostic::error(Code::BadInput, message)
            .in_file(&*self.resolution.object(self.file).name)
            .about(name);
        self.scan.diagnostics.push(diagnostic);
        true
    }

    /// Reports an address that is used as only a function can be.
    fn mismatch(&mut self, reloc: &ObjReloc, symbol: SymbolRef) {
        if !self.reported.insert((reloc.ty, symbol)) {
            return;
        }
        let name = self.resolution.name(symbol);
        let file = &self.resolution.object(self.file).name;
        let message = format!("symbol type mismatch: {}", self.shown(name));
        let diagnostic = Diagnostic::error(Code::TypeMismatch, message)
            .about(name)
            .note(format!("defined as WASM_SYMBOL_TYPE_FUNCTION in {file}"))
            .note("defined as WASM_SYMBOL_TYPE_DATA in <internal>");
        self.scan.diagnostics.push(diagnostic);
    }

    fn shown(&self, name: &'a str) -> Cow<'a, str> {
        if self.options.demangle {
            crate::demangle::demangle(name)
        } else {
            name.into()
        }
    }
}

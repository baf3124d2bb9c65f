//! A module as a linker sees it: symbols, chunks, relocations. The object writer encodes
//! this view; an in-process link makes its input of it without a byte being encoded.

use wasm_format::linking::{
    ComdatKind, DataRef, InitFunc, SegmentFlags, SegmentInfo, SymbolEntry, SymbolFlags,
    SymbolTarget,
};
use wasm_format::reloc::{RelocTarget, RelocType};

use crate::emit::linking_tables::{ComdatMembers, LinkingTables, collect_flags};
use crate::module::Module;
use crate::module::announce::FUNCTION_TABLE;
use crate::module::arena::Hole;
use crate::module::data::Datum;
use crate::module::decl::{Binding, Decl, Head, Visibility};
use crate::module::defs::Builtin;
use crate::module::flush::{Form, Layout, NONE, Numbers, PlacedItem};
use crate::module::handle::{Target, TargetKind};
use crate::reloc::Reloc;

/// What the linker calls the offset table. It is local, so modules do not meet there.
const OFFSET_TABLE: &str = "__offset_table";
/// Its segment.
const OFFSET_TABLE_SEGMENT: &str = ".data.__offset_table";
/// Priority of the start function among the init functions: the last.
const START_PRIORITY: u32 = u32::MAX;

/// A symbol of the module.
#[derive(Debug, Clone, Copy)]
pub(in crate::module) struct SymbolView<'a> {
    /// Its name. Of an undefined one whose import was given a module or name of its own,
    /// that is said by [`SymbolFlags::EXPLICIT_NAME`].
    pub(in crate::module) name: &'a str,
    pub(in crate::module) flags: SymbolFlags,
    /// In the index spaces of [`View::numbers`]; sections by their number among the
    /// caller's custom sections, segments by [`View::segments`].
    pub(in crate::module) target: SymbolTarget,
}

/// A data segment: one datum, or the offset table.
#[derive(Debug, Clone)]
pub(in crate::module) struct SegmentView<'a> {
    pub(in crate::module) name: String,
    pub(in crate::module) align_log2: u32,
    pub(in crate::module) flags: SegmentFlags,
    pub(in crate::module) size: u64,
    /// The contents; `None` if they are all zero.
    pub(in crate::module) bytes: Option<&'a [u8]>,
    pub(in crate::module) comdat: Option<u32>,
    /// The holes of a datum.
    pub(in crate::module) holes: &'a [Hole],
    /// The relocations of the offset table.
    pub(in crate::module) slots: Vec<Reloc<u32>>,
}

/// See the documentation of this file.
pub(in crate::module) struct View<'a> {
    pub(in crate::module) module: &'a Module,
    pub(in crate::module) numbers: Numbers<'a>,
    /// Addresses as if this were all there is: what unlinked places hold.
    pub(in crate::module) layout: Layout,
    pub(in crate::module) symbols: Vec<SymbolView<'a>>,
    pub(in crate::module) segments: Vec<SegmentView<'a>>,
    /// In the order they run.
    pub(in crate::module) init_functions: Vec<InitFunc>,
    /// By kind and slot: the symbol.
    symbol_of: [Vec<u32>; 6],
    offset_table: u32,
}

impl<'a> View<'a> {
    /// Makes the view of a module in which nothing is missing.
    pub(in crate::module) fn new(module: &'a Module, numbers: Numbers<'a>, layout: Layout) -> Self {
        let mut view = View {
            module,
            numbers,
            layout,
            symbols: Vec::new(),
            segments: Vec::new(),
            init_functions: Vec::new(),
            symbol_of: Default::default(),
            offset_table: NONE,
        };
        view.function_symbols();
        view.data_symbols();
        view.other_symbols();
        view.aliases();
        view.make_segments();
        let init = module.init_functions.iter().copied();
        let start = module.start.map(|start| (START_PRIORITY, start));
        for (priority, function) in init.chain(start) {
            let symbol = view.symbol(function.into());
            view.init_functions.push(InitFunc { priority, symbol });
        }
        view
    }

    /// The symbol of what `target`, which is not a type, names.
    pub(in crate::module) fn symbol(&self, target: Target) -> u32 {
        if target.kind() == TargetKind::DataSlot {
            return self.offset_table;
        }
        let symbols = place(target.kind()).map(|kind| &self.symbol_of[kind]);
        let symbol = symbols.and_then(|symbols| symbols.get(target.index()));
        symbol.copied().unwrap_or(NONE)
    }

    /// A hole as a linker's relocation: its target is a symbol, or a type's number.
    #[inline]
    pub(in crate::module) fn reloc(&self, hole: &Hole) -> Reloc<u32> {
        let Hole {
            offset, ty, target, ..
        } = *hole;
        let mut addend = hole.addend;
        let target = match target.kind() {
            TargetKind::Type => self.numbers.types[target.index()],
            TargetKind::DataSlot => {
                addend += self.slot_offset(target);
                self.offset_table
            }
            _ => self.symbol(target),
        };
        if ty.target() == RelocTarget::FunctionOffset {
            // Callers count from the first instruction; a linker counts from the locals.
            let function = self.module.decls.funcs.at(hole.target.index());
            addend += function.map_or(0, |function| i64::from(function.body.locals_len));
        }
        Reloc {
            offset,
            ty,
            target,
            addend: if ty.has_addend() { addend } else { 0 },
        }
    }

    fn slot_offset(&self, datum: Target) -> i64 {
        let datum = self.module.decls.data.at(datum.index());
        let slot = datum.and_then(|datum| datum.body.offset_slot).unwrap_or(0);
        i64::from(slot) * self.module.options.pointer_size() as i64
    }

    fn push(&mut self, kind: TargetKind, slot: usize, symbol: SymbolView<'a>) {
        if let Some(kind) = place(kind) {
            let symbols = &mut self.symbol_of[kind];
            if symbols.len() <= slot {
                symbols.resize(slot + 1, NONE);
            }
            symbols[slot] = self.symbols.len() as u32;
        }
        self.symbols.push(symbol);
    }

    fn function_symbols(&mut self) {
        let decls = &self.module.decls;
        let imported = self.numbers.functions.imports.iter().copied();
        let defined = self
            .numbers
            .defined_funcs
            .iter()
            .map(|function| function.slot);
        let slots: Vec<u32> = imported.chain(defined).collect();
        for slot in slots {
            let Some(decl) = decls.funcs.at(slot as usize) else {
                continue;
            };
            let number = self.numbers.functions.number[slot as usize];
            let symbol = symbol_named(&decl.head, SymbolTarget::Function(number), false);
            self.push(TargetKind::Function, slot as usize, symbol);
        }
    }

    fn data_symbols(&mut self) {
        let decls = &self.module.decls;
        for (index, &(_, item)) in self.layout.items.clone().iter().enumerate() {
            match item {
                PlacedItem::OffsetTable => {
                    self.offset_table = self.symbols.len() as u32;
                    let slots = decls.offset_slots.owners().len() as u64;
                    self.symbols.push(SymbolView {
                        name: OFFSET_TABLE,
                        flags: SymbolFlags::BINDING_LOCAL,
                        target: SymbolTarget::Data(Some(DataRef {
                            segment: index as u32,
                            offset: 0,
                            size: slots * self.module.options.pointer_size(),
                        })),
                    });
                }
                PlacedItem::Datum(slot) => {
                    let Some(decl) = decls.data.at(slot as usize) else {
                        continue;
                    };
                    let target = SymbolTarget::Data(Some(DataRef {
                        segment: index as u32,
                        offset: 0,
                        size: decl.body.size(&self.module.arena),
                    }));
                    let mut symbol = symbol_named(&decl.head, target, false);
                    if decl.body.is_tls() {
                        symbol.flags = symbol.flags.with(SymbolFlags::TLS);
                    }
                    self.push(TargetKind::Data, slot as usize, symbol);
                }
            }
        }
        for (slot, decl) in decls.data.iter().filter(|(_, decl)| decl.head.imported) {
            let symbol = symbol_named(&decl.head, SymbolTarget::Data(None), false);
            self.push(TargetKind::Data, slot, symbol);
        }
    }

    fn other_symbols(&mut self) {
        let decls = &self.module.decls;
        for (slot, decl) in decls.globals.iter() {
            let target = SymbolTarget::Global(self.numbers.globals.number[slot]);
            let symbol = symbol_named(&decl.head, target, decl.body.builtin.is_some());
            self.push(TargetKind::Global, slot, symbol);
        }
        for (slot, decl) in decls.tags.iter() {
            let target = SymbolTarget::Tag(self.numbers.tags.number[slot]);
            let symbol = symbol_named(&decl.head, target, false);
            self.push(TargetKind::Tag, slot, symbol);
        }
        for (slot, decl) in decls.tables.iter() {
            let target = SymbolTarget::Table(self.numbers.tables.number[slot]);
            let made_by_linker = decl.body.builtin == Some(Builtin::FunctionTable);
            let mut symbol = symbol_named(&decl.head, target, made_by_linker);
            // lld crashes if an address is taken and nothing keeps the table; compilers keep
            // it in this way, too.
            if made_by_linker && !self.numbers.addressed.is_empty() {
                symbol.flags = symbol.flags.with(SymbolFlags::NO_STRIP);
            }
            self.push(TargetKind::Table, slot, symbol);
        }
        if let Some(table) = self.numbers.function_table
            && table.declared.is_none()
        {
            let flags = SymbolFlags::UNDEFINED.with(SymbolFlags::NO_STRIP);
            self.symbols.push(SymbolView {
                name: FUNCTION_TABLE,
                flags,
                target: SymbolTarget::Table(table.number),
            });
        }
        for (number, (slot, decl)) in decls.customs.iter().enumerate() {
            let symbol = SymbolView {
                name: &decl.head.name,
                flags: SymbolFlags::BINDING_LOCAL,
                target: SymbolTarget::Section(number as u32),
            };
            self.push(TargetKind::Custom, slot, symbol);
        }
    }

    /// What is exported under another name than its own has a second symbol of that name.
    fn aliases(&mut self) {
        for (name, target) in self.module.exports_in_order() {
            let Some(head) = self.module.decls.head(target) else {
                continue;
            };
            let symbol = self.symbol(target);
            if *name == head.name || symbol == NONE {
                continue;
            }
            let original = self.symbols[symbol as usize];
            let flags = original
                .flags
                .without(SymbolFlags::BINDING_LOCAL | SymbolFlags::VISIBILITY_HIDDEN);
            self.symbols.push(SymbolView {
                name,
                flags: flags.with(SymbolFlags::EXPORTED),
                target: original.target,
            });
        }
    }

    fn make_segments(&mut self) {
        let module = self.module;
        for &(_, item) in &self.layout.items {
            let segment = match item {
                PlacedItem::OffsetTable => self.offset_table_segment(),
                PlacedItem::Datum(slot) => match module.decls.data.at(slot as usize) {
                    Some(decl) => datum_segment(module, decl),
                    None => continue,
                },
            };
            self.segments.push(segment);
        }
    }

    fn offset_table_segment(&self) -> SegmentView<'a> {
        let module = self.module;
        let pointer = module.options.pointer_size();
        let owners = module.decls.offset_slots.owners();
        let ty = if module.options.memory64 {
            RelocType::MemoryAddrI64
        } else {
            RelocType::MemoryAddrI32
        };
        let slots = owners.iter().enumerate().filter_map(|(slot, owner)| {
            let index = (*owner)? as usize;
            let decl = module.decls.data.at(index)?;
            let placed = decl.is_defined() && decl.body.size(&module.arena) > 0;
            let target = *self.symbol_of[place(TargetKind::Data)?].get(index)?;
            placed.then_some(Reloc {
                offset: (slot as u64 * pointer) as u32,
                ty,
                target,
                addend: 0,
            })
        });
        SegmentView {
            name: OFFSET_TABLE_SEGMENT.to_owned(),
            align_log2: pointer.trailing_zeros(),
            flags: SegmentFlags::NONE,
            size: owners.len() as u64 * pointer,
            bytes: None,
            comdat: None,
            holes: &[],
            slots: slots.collect(),
        }
    }

    /// What the `linking` section says. A custom section's index is its number among the
    /// custom sections plus `first_section`.
    pub(in crate::module) fn linking_tables<'s>(&'s self, first_section: u32) -> LinkingTables<'s> {
        let segment = |segment: &'s SegmentView<'a>| SegmentInfo {
            name: &segment.name,
            align_log2: segment.align_log2,
            flags: segment.flags,
        };
        let symbol = |symbol: &SymbolView<'a>| SymbolEntry {
            flags: symbol.flags,
            name: Some(symbol.name),
            target: match symbol.target {
                SymbolTarget::Section(number) => SymbolTarget::Section(first_section + number),
                target => target,
            },
        };
        LinkingTables {
            segments: self.segments.iter().map(segment).collect(),
            init_funcs: self.init_functions.clone(),
            comdats: self.comdats(first_section),
            symbols: self.symbols.iter().map(symbol).collect(),
        }
    }

    fn comdats(&self, first_section: u32) -> ComdatMembers<'a> {
        let names = self.module.comdats.iter().map(|name| &**name);
        let mut comdats = ComdatMembers::of_names(names);
        let decls = &self.module.decls;
        let comdat = |head: &Head| head.comdat().map(|comdat| comdat.0);
        for function in &self.numbers.defined_funcs {
            let slot = function.slot as usize;
            let of = decls.funcs.at(slot).and_then(|decl| comdat(&decl.head));
            let number = self.numbers.functions.number[slot];
            comdats.add(of, ComdatKind::Function, Some(number));
        }
        for (index, segment) in (0..).zip(&self.segments) {
            comdats.add(segment.comdat, ComdatKind::Data, Some(index));
        }
        for (index, (_, decl)) in (first_section..).zip(decls.customs.iter()) {
            comdats.add(comdat(&decl.head), ComdatKind::Section, Some(index));
        }
        comdats.drop_empty();
        comdats
    }
}

fn datum_segment<'a>(module: &'a Module, decl: &'a Decl<Datum>) -> SegmentView<'a> {
    let datum = &decl.body;
    let bytes = datum.contents(&module.arena);
    let default_name = || {
        let prefix = match (datum.is_tls(), bytes.is_some()) {
            (false, true) => ".data.",
            (false, false) => ".bss.",
            (true, true) => ".tdata.",
            (true, false) => ".tbss.",
        };
        format!("{prefix}{}", decl.head.name)
    };
    let name = datum
        .segment
        .as_ref()
        .map_or_else(default_name, ToString::to_string);
    let flags = match bytes {
        Some(_) => datum.flags,
        // Zeros are no strings to be merged.
        None => datum.flags.without(SegmentFlags::STRINGS),
    };
    SegmentView {
        name,
        align_log2: datum.align_log2.into(),
        flags,
        size: datum.size(&module.arena),
        bytes,
        comdat: decl.head.comdat().map(|comdat| comdat.0),
        holes: module.arena.holes(datum.span),
        slots: Vec::new(),
    }
}

fn place(kind: TargetKind) -> Option<usize> {
    Some(match kind {
        TargetKind::Function => 0,
        TargetKind::Data => 1,
        TargetKind::Global => 2,
        TargetKind::Table => 3,
        TargetKind::Tag => 4,
        TargetKind::Custom => 5,
        TargetKind::DataSlot | TargetKind::Memory | TargetKind::Type | TargetKind::BodyType => {
            return None;
        }
    })
}

impl Module {
    /// The module as a linker sees it, or all reasons why it cannot be linked.
    pub(in crate::module) fn view(&self) -> Result<View<'_>, Vec<crate::module::Problem>> {
        let numbers = Numbers::new(self, Form::Object);
        let problems = crate::module::flush::problems(self, &numbers, Form::Object);
        if !problems.is_empty() {
            return Err(problems);
        }
        let layout = Layout::new(self, Form::Object).map_err(|problem| vec![problem])?;
        Ok(View::new(self, numbers, layout))
    }
}

fn symbol_named(head: &Head, target: SymbolTarget, by_linker: bool) -> SymbolView<'_> {
    let undefined = head.imported || by_linker;
    let is_data = matches!(target, SymbolTarget::Data(_));
    // No other object could define an undefined symbol that is local.
    let local = head.binding == Binding::Local && !undefined;
    let hidden = head.visibility == Visibility::Hidden;
    let explicit = undefined && !is_data && head.is_import_named();
    let exported = head.exports().contains(&head.name);
    let flags = collect_flags(&[
        (head.binding == Binding::Weak, SymbolFlags::BINDING_WEAK),
        (local, SymbolFlags::BINDING_LOCAL),
        (hidden, SymbolFlags::VISIBILITY_HIDDEN),
        (undefined, SymbolFlags::UNDEFINED),
        (exported, SymbolFlags::EXPORTED),
        (explicit, SymbolFlags::EXPLICIT_NAME),
        (head.no_strip, SymbolFlags::NO_STRIP),
    ]);
    SymbolView {
        name: &head.name,
        flags,
        target,
    }
}

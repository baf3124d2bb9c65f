//! Writing sections one after another: the headers, and the sections that have the bytes
//! (code, data, custom sections).

use wasm_format::leb128::{self, put_u32};
use wasm_format::{
    DataMode, MODULE_HEADER, Opcode, SectionId, put_custom_section_header, put_function_body,
    put_vector_section_header,
};

use super::layout::{Layout, PlacedItem, PlacedSegment};
use super::number::Numbers;
use super::patch::{CallNumbers, Patcher};
use super::{FlushMap, Form, Problem};
use crate::emit::section_buffer::{SectionBuffer, custom_name_len};
use crate::limits::{EngineLimit, MODULE_BYTES};
use crate::module::Module;
use crate::module::arena::Hole;
use crate::module::error::DeclName;
use crate::module::handle::{DataId, FuncId, Target, TargetKind, TypeId};

/// What is being written, to the end of `out`.
pub(in crate::module) struct ModuleWriter<'a> {
    pub(in crate::module) module: &'a Module,
    pub(in crate::module) numbers: &'a Numbers<'a>,
    pub(in crate::module) layout: &'a Layout,
    pub(in crate::module) form: Form,
    pub(in crate::module) out: SectionBuffer<'a>,
    pub(in crate::module) patcher: Patcher<'a>,
    pub(in crate::module) map: FlushMap,
    pub(in crate::module) problems: Vec<Problem>,
    /// Where the output begins in `out`.
    base: usize,
    /// Entries of the section being written, to be put on the map once it is known where
    /// the section begins: what, its index, where from `out`'s start, its size.
    entries: Vec<(Target, u32, usize, usize)>,
    /// Where the contents of the code section begin in `out`, which relocations of code
    /// count from.
    pub(in crate::module) code_contents: usize,
    /// The same of the data section.
    pub(in crate::module) data_contents: usize,
    /// Where the contents of each segment begin in `out`.
    pub(in crate::module) segment_starts: Vec<usize>,
    /// The index of the code section among all sections, if it was written.
    pub(in crate::module) code_section: u32,
    /// The same of the data section.
    pub(in crate::module) data_section: u32,
    /// The index of the first of the caller's custom sections.
    pub(in crate::module) first_custom: u32,
    /// How many sections were written.
    pub(super) section_count: u32,
}

impl<'a> ModuleWriter<'a> {
    pub(in crate::module) fn new(
        module: &'a Module,
        numbers: &'a Numbers<'a>,
        layout: &'a Layout,
        form: Form,
        out: &'a mut Vec<u8>,
    ) -> Self {
        let base = out.len();
        out.extend_from_slice(&MODULE_HEADER);
        Self {
            module,
            numbers,
            layout,
            form,
            out: SectionBuffer::new(out),
            patcher: Patcher {
                module,
                numbers,
                layout,
                form,
                code_offsets: Vec::new(),
            },
            map: FlushMap::default(),
            problems: Vec::new(),
            base,
            entries: Vec::new(),
            code_contents: 0,
            data_contents: 0,
            segment_starts: Vec::new(),
            code_section: 0,
            data_section: 0,
            first_custom: 0,
            section_count: 0,
        }
    }

    /// Writes the sections of the specification, in the order that they must have, and then the
    /// caller's custom sections.
    pub(in crate::module) fn sections(&mut self) {
        self.types();
        self.imports();
        self.functions();
        self.tables();
        self.memories();
        self.tags();
        self.globals();
        if self.form == Form::Module {
            // An object says with flags of symbols what is exported, with a list of init
            // functions what starts, and with relocations which functions have table slots.
            self.exports();
            self.start();
            self.elements();
        }
        self.data_count();
        self.code();
        self.data();
        self.customs();
    }

    /// What was written, and what is wrong with it.
    pub(in crate::module) fn finish(self) -> (FlushMap, Vec<Problem>) {
        (self.map, self.problems)
    }

    /// Writes a vector section of the entries that `fill` appends. If there are none, there is
    /// no section.
    pub(in crate::module) fn vector_section(
        &mut self,
        id: SectionId,
        fill: impl FnOnce(&mut Self),
    ) {
        self.out.begin();
        fill(self);
        let size = self.out.section_len();
        if let Some(header) = self.out.finish(id) {
            self.check_size(id.name(), size as u64);
            self.section_count += 1;
            for (target, index, at, len) in self.entries.drain(..) {
                self.map
                    .set(target, Some(index), at + header - self.base, len);
            }
        }
    }

    /// Writes a custom section of what `fill` appends, or none if that is nothing.
    pub(in crate::module) fn custom_section(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.out.begin();
        fill(self);
        let size = custom_name_len(name) + self.out.section_len();
        if self.out.finish_custom(name).is_some() {
            self.check_size(SectionId::Custom.name(), size as u64);
            self.section_count += 1;
        }
    }

    /// Puts what was appended since `start`, the entry of the declaration in `slot`, on the
    /// map.
    pub(in crate::module) fn placed(
        &mut self,
        kind: TargetKind,
        slot: u32,
        index: u32,
        start: usize,
    ) {
        let generation = self.module.decls.generation(kind, slot as usize);
        let target = Target::new(kind, slot, generation);
        self.entries
            .push((target, index, start, self.out.bytes.len() - start));
    }

    /// Patches what was appended since `from`.
    pub(in crate::module) fn patch(
        &mut self,
        holes: &[Hole],
        from: usize,
        address: u64,
        name: impl Fn() -> DeclName,
    ) {
        let contents = &mut self.out.bytes[from..];
        self.patcher
            .patch(holes, contents, address, name, &mut self.problems);
    }

    /// Where in `out` the bodies of the defined functions begin.
    pub(in crate::module) fn body_starts(&self) -> Vec<usize> {
        let starts = self.map.bodies().iter().map(|(start, _)| self.base + start);
        starts.collect()
    }

    /// Makes room for everything that is large, so that it is not moved while it grows.
    pub(super) fn reserve(&mut self) {
        let segments = self.layout.segments.iter();
        let data: u64 = segments.map(|segment| segment.len.saturating_add(32)).sum();
        let names = if self.module.options.names {
            // An index before each name.
            self.numbers.name_bytes + self.numbers.functions.number.len() * 3
        } else {
            0
        };
        let types = self.numbers.defined_funcs.len() * 2;
        let size = self.numbers.code_size.saturating_add(data);
        // What is too large for a section is reported when it is written.
        if u32::try_from(size).is_ok() {
            self.out.bytes.reserve(size as usize + names + types + 4096);
        }
    }

    /// Reports a section that the format has no room for.
    fn check_size(&mut self, section: &'static str, size: u64) {
        if size > u64::from(u32::MAX) - 16 {
            self.problems
                .push(Problem::SectionTooLarge { section, size });
        }
    }

    /// Reports a section that is to be written and for which there is no room.
    fn check_room(&mut self, section: &'static str, size: u64) {
        self.check_size(section, size);
        self.check_module_size(size);
    }

    /// Reports a module that is too large for engines with `more` bytes.
    pub(in crate::module) fn check_module_size(&mut self, more: u64) {
        let size = ((self.out.bytes.len() - self.base) as u64).saturating_add(more);
        let is_known = |problem: &Problem| matches!(problem, Problem::EngineLimit(_));
        if self.form == Form::Module
            && let Some(limit) = EngineLimit::check("bytes", size, MODULE_BYTES)
            && !self.problems.iter().any(is_known)
        {
            self.problems.push(Problem::EngineLimit(limit));
        }
    }

    /// The bodies of all functions.
    fn code(&mut self) {
        let (module, numbers) = (self.module, self.numbers);
        self.map_imports();
        let initializer = self.initializer();
        let size = numbers.code_size + initializer.len() as u64;
        let count = numbers.defined_funcs.len() as u32 + u32::from(!initializer.is_empty());
        if count == 0 {
            return;
        }
        self.check_room(SectionId::Code.name(), size);
        if !self.problems.is_empty() {
            return; // an incomplete module is not used
        }
        self.out.bytes.reserve(size as usize + 16);
        put_vector_section_header(self.out.bytes, SectionId::Code, count, size as usize);
        self.code_section = self.section_count;
        self.section_count += 1;
        // The count is part of the contents.
        let contents = self.out.bytes.len() - leb128::len_u32(count);
        self.code_contents = contents;
        let wants_offsets = module.decls.customs.iter().next().is_some();
        if wants_offsets {
            self.patcher.code_offsets = vec![0; module.decls.funcs.len()];
        }
        let call_numbers = CallNumbers::new(&numbers.functions.number);
        let mut bodies = Vec::with_capacity(numbers.defined_funcs.len());
        for function in &numbers.defined_funcs {
            let (holes, calls, bytes) = module.arena.parts(function.span);
            let out = &mut *self.out.bytes;
            put_u32(out, function.len);
            let start = out.len();
            out.extend_from_slice(bytes);
            call_numbers.patch(calls, &mut out[start..]);
            bodies.push((start - self.base, function.len));
            if !holes.is_empty() {
                let id = FuncId::new(function.slot, function.generation);
                self.patch(holes, start, 0, || module.decls.name(id.into()));
            }
            if wants_offsets {
                let offset = start - contents + function.locals_len as usize;
                self.patcher.code_offsets[function.slot as usize] = offset as u32;
            }
        }
        self.map.set_bodies(bodies);
        self.out.bytes.extend_from_slice(&initializer);
    }

    fn map_imports(&mut self) {
        let (decls, numbers) = (&self.module.decls, self.numbers);
        self.map.reserve(TargetKind::Data, decls.data.len());
        let spaces = [
            (
                TargetKind::Global,
                &numbers.globals.number,
                &numbers.globals.imports,
            ),
            (
                TargetKind::Table,
                &numbers.tables.number,
                &numbers.tables.imports,
            ),
            (
                TargetKind::Memory,
                &numbers.memories.number,
                &numbers.memories.imports,
            ),
            (TargetKind::Tag, &numbers.tags.number, &numbers.tags.imports),
        ];
        for (kind, number, imports) in spaces {
            for &slot in imports {
                let generation = decls.generation(kind, slot as usize);
                let target = Target::new(kind, slot, generation);
                self.map.set(target, Some(number[slot as usize]), 0, 0);
            }
        }
    }

    /// The type of the function that calls the init functions, if there is one: theirs.
    pub(in crate::module) fn initializer_type(&self) -> Option<TypeId> {
        let &(_, first) = self.module.init_functions.first()?;
        if self.form == Form::Object {
            return None;
        }
        self.module.decls.funcs.at(first.0.index())?.body.ty
    }

    /// The index of that function: the last one.
    pub(in crate::module) fn initializer_number(&self) -> u32 {
        (self.numbers.functions.imports.len() + self.numbers.defined_funcs.len()) as u32
    }

    /// The entry of that function in the code section; empty if there is none. It calls the
    /// init functions and then the start function.
    fn initializer(&self) -> Vec<u8> {
        let mut entry = Vec::new();
        if self.initializer_type().is_none() {
            return entry;
        }
        let init = self.module.init_functions.iter();
        let mut code = Vec::new();
        for function in init.map(|&(_, function)| function).chain(self.module.start) {
            Opcode::Call.encode(&mut code);
            put_u32(&mut code, self.numbers.of(function.into()));
        }
        Opcode::End.encode(&mut code);
        put_function_body(&mut entry, &[], &code);
        entry
    }

    /// The contents of memory.
    fn data(&mut self) {
        let layout = self.layout;
        let header = |w: &mut Self, segment: &PlacedSegment| {
            let mode = match segment.address {
                Some(address) => DataMode::Active {
                    memory: 0,
                    offset: w.address(address),
                },
                None => DataMode::Passive,
            };
            mode.encode_header(w.out.bytes, segment.len as usize);
        };
        // The headers are written once to see how long they are; there are few.
        let start = self.out.bytes.len();
        layout
            .segments
            .iter()
            .for_each(|segment| header(self, segment));
        let headers = (self.out.bytes.len() - start) as u64;
        self.out.bytes.truncate(start);
        let size = headers
            + layout
                .segments
                .iter()
                .map(|segment| segment.len)
                .sum::<u64>();
        self.check_room(SectionId::Data.name(), size);
        self.map_unwritten_data();
        let count = layout.segments.len() as u32;
        if count == 0 || !self.problems.is_empty() {
            return;
        }
        self.out.bytes.reserve(size as usize + 16);
        put_vector_section_header(self.out.bytes, SectionId::Data, count, size as usize);
        self.data_section = self.section_count;
        self.section_count += 1;
        self.data_contents = self.out.bytes.len() - leb128::len_u32(count);
        for (index, segment) in layout.segments.iter().enumerate() {
            header(self, segment);
            let start = self.out.bytes.len();
            self.segment_starts.push(start);
            let from = layout
                .items
                .get(segment.items.start)
                .map_or(0, |item| item.0);
            for &(address, item) in &layout.items[segment.items.clone()] {
                // Zeros between two data, for alignment.
                self.out.bytes.resize(start + (address - from) as usize, 0);
                match item {
                    PlacedItem::OffsetTable => self.offset_table(),
                    PlacedItem::Datum(slot) => self.datum(slot, index as u32, address),
                }
            }
            // Room for more.
            self.out.bytes.resize(start + segment.len as usize, 0);
        }
    }

    fn offset_table(&mut self) {
        let size = self.module.options.pointer_size() as usize;
        for owner in self.module.decls.offset_slots.owners() {
            let datum = owner.and_then(|slot| {
                let decl = self.module.decls.data.at(slot as usize)?;
                let placed = decl.is_defined() && decl.body.size(&self.module.arena) > 0;
                placed.then_some(slot)
            });
            let address = datum.map_or(0, |slot| self.layout.addresses[slot as usize]);
            self.out
                .bytes
                .extend_from_slice(&address.to_le_bytes()[..size]);
        }
    }

    fn datum(&mut self, slot: u32, segment: u32, address: u64) {
        let module = self.module;
        let Some(decl) = module.decls.data.at(slot as usize) else {
            return;
        };
        let start = self.out.bytes.len();
        if let Some(bytes) = decl.body.contents(&module.arena) {
            self.out.bytes.extend_from_slice(bytes);
        } else {
            let size = decl.body.size(&module.arena) as usize;
            self.out.bytes.resize(start + size, 0);
        }
        let name = || decl.head.named(TargetKind::Data);
        self.patch(module.arena.holes(decl.body.span), start, address, name);
        let id = DataId::new(slot, module.decls.data.generation(slot as usize));
        let len = self.out.bytes.len() - start;
        self.map
            .set(id.into(), Some(segment), start - self.base, len);
    }

    /// Puts on the map what takes no bytes; the rest follows when it is written.
    fn map_unwritten_data(&mut self) {
        let decls = &self.module.decls;
        for (slot, _) in decls.data.iter() {
            let id = DataId::new(slot as u32, decls.data.generation(slot));
            self.map.set(id.into(), None, 0, 0);
        }
        self.map.set_addresses(self.layout.addresses.clone());
    }

    /// The caller's custom sections.
    fn customs(&mut self) {
        let module = self.module;
        self.first_custom = self.section_count;
        for (number, (slot, decl)) in module.decls.customs.iter().enumerate() {
            let bytes = module.arena.bytes(decl.body.span);
            let overhead = decl.head.name.len() + leb128::FIXED32;
            self.check_room(SectionId::Custom.name(), (bytes.len() + overhead) as u64);
            put_custom_section_header(self.out.bytes, &decl.head.name, bytes.len());
            self.section_count += 1;
            let start = self.out.bytes.len();
            self.out.bytes.extend_from_slice(bytes);
            let name = || decl.head.named(TargetKind::Custom);
            self.patch(module.arena.holes(decl.body.span), start, 0, name);
            let generation = module.decls.customs.generation(slot);
            let target = Target::new(TargetKind::Custom, slot as u32, generation);
            self.map
                .set(target, Some(number as u32), start - self.base, bytes.len());
        }
    }
}

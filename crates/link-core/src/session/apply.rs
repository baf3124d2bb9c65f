//! Patching an output: the changed files get indices, addresses and places, and are written there.
//! Functions and data that other files refer to keep their index or address.

use std::collections::VecDeque;

use wasm_format::leb128::len_u32;
use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::RelocTarget;

use super::FullReason;
use super::decide::Decision;
use super::pinned_plan::{FileWriter, PartPlaces, PinnedPlan};
use super::state::{
    KnownFile, KnownFunction, KnownMention, KnownPiece, KnownSymbol, MovedBody, State,
    comdat_hashes, function_hash, hash, own_comdat_hashes, shape,
};
use crate::emit;
use crate::hash::HashMap;
use crate::ids::{FileId, FuncIndex, ObjCustom, ObjFunc, ObjSegment, ObjType, SymbolId, TypeIndex};
use crate::input::object::{Object, is_debug_section};
use crate::options::Options;
use crate::plan::customs::is_wanted;
use crate::plan::debug_gaps::{ABBREVIATIONS_AT, Gap};
use crate::plan::segments::is_mergeable;
use crate::plan::{SymbolValues, code};
use crate::resolve::resolution::Definition;
use crate::room::{
    Image, NO_BODY, NoRoom, body_capacity, filled_body, forwarding_body, forwarding_body_len,
    put_wide,
};

impl From<NoRoom> for FullReason {
    fn from(NoRoom(section): NoRoom) -> Self {
        Self::NoRoom(section)
    }
}

/// Patches the image.
///
/// # Errors
/// Why it takes a full link. The state is then of no use any more; the image's changes can be
/// undone.
pub(super) fn apply(
    state: &mut State,
    image: &mut Image,
    decision: &Decision<'_>,
    options: &Options,
) -> Result<(), FullReason> {
    let mut patch = Patch {
        functions: Vec::new(),
        new_functions: Vec::new(),
        left_over: Vec::new(),
        segments: Vec::new(),
        left_over_data: Vec::new(),
        customs: Vec::new(),
        types: Vec::new(),
        state,
        image,
        decision,
        options,
    };
    for nth in 0..decision.files.len() {
        patch.number_types(nth)?;
        patch.number_functions(nth);
    }
    patch.place_bodies()?;
    for nth in 0..decision.files.len() {
        patch.place_data(nth)?;
        patch.place_customs(nth)?;
    }
    patch.write()?;
    patch.remember();
    Ok(())
}

struct Patch<'p, 'a> {
    state: &'p mut State,
    image: &'p mut Image,
    decision: &'p Decision<'a>,
    options: &'p Options,
    /// For each changed file, the output's index of each of its types.
    types: Vec<Vec<Option<TypeIndex>>>,
    /// For each changed file, the index of each of its functions.
    functions: Vec<Vec<Option<FuncIndex>>>,
    /// Functions that have no index yet.
    new_functions: Vec<(u32, ObjFunc)>,
    /// For each changed file, its functions that are gone.
    left_over: Vec<Vec<KnownFunction>>,
    /// For each changed file, where its segments are.
    segments: Vec<Vec<Option<KnownPiece>>>,
    /// For each changed file, the places of segments that are gone.
    left_over_data: Vec<Vec<KnownPiece>>,
    /// For each changed file, where its custom sections are.
    customs: Vec<Vec<Option<KnownPiece>>>,
}

/// Known parts of a file by name, in order.
struct ByName<T>(HashMap<u64, VecDeque<T>>);

impl<T: Copy> ByName<T> {
    fn new(parts: impl Iterator<Item = (u64, T)>) -> Self {
        let mut by_name: HashMap<u64, VecDeque<T>> = HashMap::default();
        for (name, part) in parts {
            by_name.entry(name).or_default().push_back(part);
        }
        Self(by_name)
    }

    fn take(&mut self, name: u64) -> Option<T> {
        self.0.get_mut(&name)?.pop_front()
    }
}

impl<'a> Patch<'_, 'a> {
    fn object(&self, nth: usize) -> &Object<'a> {
        self.decision.resolution.object(FileId(nth as u32))
    }

    fn known(&self, nth: usize) -> &KnownFile {
        &self.state.files[self.decision.files[nth].index()]
    }

    /// Gives numbers to the types that the output lacks.
    fn number_types(&mut self, nth: usize) -> Result<(), FullReason> {
        let decision = self.decision;
        let file = FileId(nth as u32);
        let object = decision.resolution.object(file);
        let mut wanted = vec![false; object.types.len()];
        for function in decision.liveness.functions(file) {
            wanted[object.functions[function].ty.index()] = true;
            for reloc in object.functions.chunk(function).relocs.iter() {
                if reloc.ty.target() == RelocTarget::Type {
                    wanted[ObjType(reloc.target).index()] = true;
                }
            }
        }
        let mut types = vec![None; object.types.len()];
        for (i, _) in wanted.iter().enumerate().filter(|(_, wanted)| **wanted) {
            types[i] = Some(TypeIndex(self.type_index(object.types[i])?));
        }
        self.types.push(types);
        Ok(())
    }

    fn type_index(&mut self, ty: &[u8]) -> Result<u32, FullReason> {
        if let Some(&index) = self.state.types.get(ty) {
            return Ok(index);
        }
        let index = self.state.types.len() as u32;
        if len_u32(index) > self.state.room.type_width {
            return Err(FullReason::NoRoom("TYPE"));
        }
        self.state.room.types.push(self.image, 1, ty)?;
        self.state.types.insert(ty.into(), index);
        Ok(index)
    }

    /// Finds the functions of a file that have an index already.
    fn number_functions(&mut self, nth: usize) {
        let decision = self.decision;
        let file = FileId(nth as u32);
        let object = decision.resolution.object(file);
        let known = self.known(nth).functions.iter();
        let mut known = ByName::new(known.map(|function| (function.name, *function)));
        let mut indices = vec![None; object.functions.len()];
        for function in decision.liveness.functions(file) {
            let found = known.take(function_hash(object, function));
            indices[function.index()] = found.map(|found| found.index);
            if found.is_none() {
                self.new_functions.push((nth as u32, function));
            }
        }
        self.functions.push(indices);
        let mut left_over: Vec<_> = known.0.into_values().flatten().collect();
        left_over.sort_unstable_by_key(|function| function.index);
        self.left_over.push(left_over);
    }

    /// Finds room for every body.
    fn place_bodies(&mut self) -> Result<(), FullReason> {
        for (nth, function) in std::mem::take(&mut self.new_functions) {
            let nth = nth as usize;
            let object = self.object(nth);
            let len = object.functions.body_len(function);
            let ty = object.functions[function].ty;
            let index = self.add_function(nth, function, len, ty)?;
            self.functions[nth][function.index()] = Some(index);
        }
        let decision = self.decision;
        for nth in 0..self.functions.len() {
            let file = FileId(nth as u32);
            let object = decision.resolution.object(file);
            for function in decision.liveness.functions(file) {
                let Some(index) = self.functions[nth][function.index()] else {
                    continue;
                };
                let ty = self.types[nth][object.functions[function].ty.index()];
                if let Some(ty) = ty {
                    self.set_type(index, ty.0);
                }
                self.place_body(nth, function, index)?;
            }
            for function in self.left_over[nth].clone() {
                self.remove_body(function.index);
            }
        }
        Ok(())
    }

    /// Finds room for a body that has an index.
    fn place_body(
        &mut self,
        nth: usize,
        function: ObjFunc,
        index: FuncIndex,
    ) -> Result<(), FullReason> {
        let object = self.object(nth);
        let len = object.functions.body_len(function);
        let ty = object.functions[function].ty;
        let code = &mut self.state.code;
        let (start, size) = code.layout.body(index).ok_or(FullReason::Resolution)?;
        let moved = code.moved.get(&index).copied();
        let (own, own_size) = moved.map_or((start, size), |moved| (moved.own, moved.own_size));
        if len <= own_size {
            if let Some(moved) = moved {
                code.moved.remove(&index);
                code.layout.set_body(index, own, own_size);
                self.trap(moved.to);
            }
            return Ok(());
        }
        if let Some(moved) = moved
            && len <= size
        {
            let signature = self.object(nth).types[ty.index()];
            let ty = self.types[nth][ty.index()].ok_or(FullReason::Resolution)?;
            self.set_type(moved.to, ty.0);
            return self.forward(signature, moved);
        }
        if let Some(moved) = moved {
            self.trap(moved.to);
        }
        let signature = self.object(nth).types[ty.index()];
        let to = self.add_function(nth, function, len, ty)?;
        let moved = MovedBody { own, own_size, to };
        self.forward(signature, moved)?;
        let code = &mut self.state.code;
        let (start, size) = code.layout.body(to).ok_or(FullReason::Resolution)?;
        code.layout.set_body(index, start, size);
        code.moved.insert(index, moved);
        Ok(())
    }

    /// Makes the own body of a function call the function that has its code.
    fn forward(&mut self, signature: &[u8], moved: MovedBody) -> Result<(), FullReason> {
        let forward = forwarding_body(code::parameters(signature), moved.to.0);
        if forward.len() as u32 > moved.own_size {
            return Err(FullReason::NoRoom("CODE"));
        }
        let at = self.state.code.room.contents + moved.own as usize;
        self.image.write(at, &filled_body(&forward, moved.own_size));
        Ok(())
    }

    /// Adds a function of this type to the output, with room for a body of `len` bytes.
    fn add_function(
        &mut self,
        nth: usize,
        function: ObjFunc,
        len: u32,
        ty: ObjType,
    ) -> Result<FuncIndex, FullReason> {
        let object = self.object(nth);
        let signature = object.types[ty.index()];
        let name = emit::function_name(object, function, self.options);
        let ty = self.types[nth][ty.index()].ok_or(FullReason::Resolution)?;
        let state = &mut *self.state;
        let code = &mut state.code;
        let functions = code.layout.functions();
        let least = forwarding_body_len(code::parameters(signature), functions);
        let capacity = body_capacity(len, least);
        let start = (code.room).push(self.image, capacity, code.layout.count() + 1)?;
        let offset = |at: usize| (at - code.room.contents) as u32;
        let padding = offset(code.room.padding_body().start);
        let index = code.layout.insert_body(offset(start), capacity, padding);
        let width = state.room.type_width;
        state.room.functions.repeat_last(self.image, width)?;
        if let Some(names) = &mut state.room.names {
            names.push(self.image, index.0, &name.unwrap_or_default())?;
        }
        self.set_type(index, ty.0);
        Ok(index)
    }

    /// Says which type a function has.
    fn set_type(&mut self, index: FuncIndex, ty: u32) {
        let Some(nth) = self.state.code.layout.nth(index) else {
            return;
        };
        let room = &self.state.room;
        let mut entry = Vec::new();
        put_wide(&mut entry, ty, room.type_width);
        let at = room.functions.entries() + nth as usize * room.type_width;
        self.image.write(at, &entry);
    }

    /// Overwrites the bodies of a function that is gone.
    fn remove_body(&mut self, index: FuncIndex) {
        if let Some(moved) = self.state.code.moved.remove(&index) {
            let MovedBody { own, own_size, to } = moved;
            self.state.code.layout.set_body(index, own, own_size);
            self.trap(to);
        }
        self.trap(index);
    }

    /// Makes a function trap.
    fn trap(&mut self, index: FuncIndex) {
        let code = &self.state.code;
        if let Some((start, size)) = code.layout.body(index) {
            let at = code.room.contents + start as usize;
            self.image.write(at, &filled_body(&NO_BODY, size));
        }
    }

    /// Finds room for the data of a file.
    fn place_data(&mut self, nth: usize) -> Result<(), FullReason> {
        let decision = self.decision;
        let file = FileId(nth as u32);
        let object = decision.resolution.object(file);
        let known = self.known(nth).segments.iter();
        let mut known = ByName::new(known.map(|piece| (piece.name, *piece)));
        let mut places = vec![None; object.segments.len()];
        for (i, segment) in object.segments.iter().enumerate() {
            if !decision.liveness.segment(file, ObjSegment(i as u32)) {
                continue;
            }
            let name = hash(segment.name.as_bytes());
            let align = 1_u64 << segment.align_log2;
            let merges = is_mergeable(segment, self.options);
            let found = known.take(name).filter(|piece| {
                let output = &self.state.segments[piece.output as usize];
                let address = self.state.memory.segments[piece.output as usize] + piece.offset;
                let is_zero = segment.chunk.bytes.iter().all(|&byte| byte == 0);
                let fits = segment.size <= piece.capacity
                    && (!output.has_bounds || segment.size == piece.capacity);
                fits && address.is_multiple_of(align)
                    && (output.at.is_some() || is_zero && segment.chunk.relocs.is_empty())
                    && output.tls == segment.flags.contains(SegmentFlags::TLS)
            });
            let output_name = segment.output_name(self.options);
            let is_bound = !output_name.starts_with('.');
            let is_tls = segment.flags.contains(SegmentFlags::TLS);
            let piece = match found {
                Some(piece) => piece,
                None if is_bound || is_tls => return Err(FullReason::Data),
                None => self.new_data(name, segment.size, align, merges)?,
            };
            places[i] = Some(piece);
        }
        let mut left_over = Vec::new();
        // The bounds of a segment would include what is gone.
        for piece in known.0.into_values().flatten() {
            if self.state.segments[piece.output as usize].has_bounds {
                return Err(FullReason::Data);
            }
            left_over.push(piece);
        }
        self.segments.push(places);
        self.left_over_data.push(left_over);
        Ok(())
    }

    fn new_data(
        &mut self,
        name: u64,
        size: u64,
        align: u64,
        merges: bool,
    ) -> Result<KnownPiece, FullReason> {
        let spare = &mut self.state.spare;
        let base = self.state.memory.segments[spare.segment as usize];
        // The next change is likely to add strings.
        let capacity = if merges { size + size / 8 + 8 } else { size };
        let offset = (base + spare.next).checked_next_multiple_of(align);
        let offset = offset.map(|address| address - base);
        let end = offset.and_then(|offset| offset.checked_add(capacity));
        let (Some(offset), Some(end)) = (offset, end) else {
            return Err(FullReason::NoRoom("DATA"));
        };
        if end > spare.size {
            return Err(FullReason::NoRoom("DATA"));
        }
        spare.next = end;
        Ok(KnownPiece {
            name,
            output: spare.segment,
            offset,
            capacity,
        })
    }

    /// Finds room for the custom sections of a file.
    fn place_customs(&mut self, nth: usize) -> Result<(), FullReason> {
        let decision = self.decision;
        let file = FileId(nth as u32);
        let object = decision.resolution.object(file);
        let live = decision.liveness.files[nth].any;
        let known = self.known(nth).customs.iter();
        let mut known = ByName::new(known.map(|piece| (piece.name, *piece)));
        let mut places = vec![None; object.customs.len()];
        for (i, custom) in object.customs.iter().enumerate() {
            let describes_nothing = !live && is_debug_section(custom.name);
            let is_discarded = decision
                .resolution
                .custom_discarded(file, ObjCustom(i as u32));
            if describes_nothing
                || is_discarded
                || custom.chunk.bytes.is_empty()
                || !is_wanted(custom.name, self.options)
            {
                continue;
            }
            let name = hash(custom.name.as_bytes());
            let size = custom.chunk.bytes.len() as u64;
            let before = known.take(name);
            let fits = before.filter(|piece| self.takes(piece, size));
            let piece = if let Some(piece) = fits {
                piece
            } else {
                if let Some(before) = before {
                    self.vacate(&before)?;
                }
                self.new_custom(name, custom.name, size)?
            };
            places[i] = Some(piece);
        }
        for piece in known.0.into_values().flatten() {
            self.vacate(&piece)?;
        }
        self.customs.push(places);
        Ok(())
    }

    /// Whether a custom section of `size` bytes fits where another one was.
    fn takes(&self, piece: &KnownPiece, size: u64) -> bool {
        let rest = piece.capacity.checked_sub(size);
        let gap = self.state.customs[piece.output as usize].gap;
        rest == Some(0) || rest.is_some_and(|rest| gap.is_some_and(|gap| gap.takes(rest as usize)))
    }

    /// Overwrites a custom section that is gone or has moved.
    fn vacate(&mut self, piece: &KnownPiece) -> Result<(), FullReason> {
        // Merged strings stay for those who share them.
        if piece.capacity == 0 {
            return Ok(());
        }
        let custom = &self.state.customs[piece.output as usize];
        let size = piece.capacity as usize;
        let gap = custom.gap.filter(|gap| gap.takes(size));
        let gap = gap.ok_or(FullReason::CustomSection)?;
        let at = custom.at + piece.offset as usize;
        self.fill_gap(gap, at, size);
        Ok(())
    }

    fn fill_gap(&mut self, gap: Gap, at: usize, size: usize) {
        let mut filled = vec![0; size];
        gap.fill(&mut filled, ABBREVIATIONS_AT);
        self.image.write(at, &filled);
    }

    /// Finds room for a custom section of `size` bytes behind all others of its name.
    fn new_custom(&mut self, hash: u64, name: &str, size: u64) -> Result<KnownPiece, FullReason> {
        let mut sections = self.state.customs.iter_mut().enumerate();
        let found = sections.find(|(_, custom)| *custom.name == *name);
        let (output, custom) = found.ok_or(FullReason::CustomSection)?;
        let gap = custom.gap.ok_or(FullReason::CustomSection)?;
        let room = custom.size - custom.next;
        let capacity = size + gap.beside(size);
        let rest = room.checked_sub(capacity);
        let rest = rest.filter(|&rest| gap.takes(rest as usize));
        let rest = rest.ok_or(FullReason::NoRoom("debug info"))?;
        let offset = custom.next;
        custom.next += capacity;
        let at = custom.at + custom.next as usize;
        self.fill_gap(gap, at, rest as usize);
        Ok(KnownPiece {
            name: hash,
            output: output as u32,
            offset,
            capacity,
        })
    }

    /// Writes everything that the changed files have.
    fn write(&mut self) -> Result<(), FullReason> {
        let plan = PinnedPlan::new(
            self.state,
            self.decision,
            self.options,
            PartPlaces {
                functions: std::mem::take(&mut self.functions),
                types: std::mem::take(&mut self.types),
                segments: &self.segments,
                customs: &self.customs,
            },
        );
        plan.check(self.state, self.decision)?;
        let mut slots = std::mem::take(&mut self.state.slots);
        let added = plan.add_slots(self.state, self.decision, &mut slots);
        let relocator = plan.relocator(self.state, self.decision, &slots);
        for (nth, (file, object)) in self.decision.resolution.objects().enumerate() {
            let mut writer = FileWriter {
                state: self.state,
                image: self.image,
                relocator: &relocator,
                file,
                object,
                out: Vec::new(),
            };
            writer.functions(self.decision)?;
            writer.data(&self.segments[nth])?;
            writer.customs(&self.customs[nth])?;
        }
        let (functions, symbols) = plan.into_parts();
        self.functions = functions;
        self.state.slots = slots;
        self.fill_table(&added)?;
        self.set_values(&symbols);
        self.close();
        Ok(())
    }

    /// Puts functions into the next slots of the function table.
    fn fill_table(&mut self, added: &[u32]) -> Result<(), FullReason> {
        if added.is_empty() {
            return Ok(());
        }
        let slots = &self.state.slots;
        let end = slots.base + slots.functions.len() as u64;
        let first = u32::try_from(end - added.len() as u64);
        let first = first.map_err(|_| FullReason::Table)?;
        let index = self.state.table.ok_or(FullReason::Table)?;
        let (table, elements) = (self.state.room.table.as_mut()).ok_or(FullReason::Table)?;
        table.fill(self.image, elements, index.0, first, added)?;
        Ok(())
    }

    /// Updates the sizes and counts in the headers of sections.
    fn close(&mut self) {
        let room = &mut self.state.room;
        room.types.close(self.image);
        room.functions.close(self.image);
        if let Some((_, elements)) = &mut room.table {
            elements.close(self.image);
        }
    }

    /// Updates the values of symbols.
    fn set_values(&mut self, values: &SymbolValues) {
        let decision = self.decision;
        for &id in &decision.gone {
            self.state.symbols[id.index()].is_gone = true;
        }
        let resolution = &decision.resolution;
        for (i, name) in decision.names.iter().enumerate() {
            let symbol = &resolution.symbols[i];
            let Definition::Object {
                file,
                symbol: entry,
            } = symbol.definition
            else {
                continue;
            };
            let before = name.known.map(|id| self.state.symbols[id.index()]);
            let object = resolution.object(file);
            let entry = &object.symbols[entry.index()];
            let now = KnownSymbol {
                value: values.get(SymbolId::new(i as u32)),
                kind: symbol.kind,
                file: Some(decision.files[file.index()]),
                mentions: before.map_or(0, |before| before.mentions),
                signature: symbol.signature.map_or(0, hash),
                import: 0,
                may_be_missing: false,
                flags: entry.flags(),
                in_comdat: object.comdat_of(entry).is_some(),
                is_root: before.is_some_and(|before| before.is_root),
                is_odd: false,
                is_gone: false,
            };
            if let Some(id) = name.known {
                self.state.symbols[id.index()] = now;
            } else {
                let id = SymbolId::new(self.state.symbols.len() as u32);
                self.state.symbols.push(now);
                self.state.names.add(symbol.name, id);
            }
        }
    }

    /// Updates what is known of the changed files.
    fn remember(&mut self) {
        let decision = self.decision;
        for (nth, &id) in decision.files.iter().enumerate() {
            let file = FileId(nth as u32);
            let object = decision.resolution.object(file);
            for mention in &self.state.files[id.index()].symbols {
                self.state.symbols[mention.symbol.index()].mentions -= 1;
            }
            let mut functions = std::mem::take(&mut self.left_over[nth]);
            functions.extend(decision.liveness.functions(file).filter_map(|function| {
                Some(KnownFunction {
                    name: function_hash(object, function),
                    index: self.functions[nth][function.index()]?,
                })
            }));
            let symbols: Vec<KnownMention> = object
                .symbols
                .iter()
                .filter(|entry| entry.is_shared())
                .filter_map(|entry| {
                    let symbol = self.state.names.find(entry.name)?;
                    Some(KnownMention::of(symbol, entry))
                })
                .collect();
            for mention in &symbols {
                self.state.symbols[mention.symbol.index()].mentions += 1;
            }
            self.state.comdats.extend(own_comdat_hashes(object));
            let discarded = &decision.resolution.files[nth].comdat_discarded;
            let known = &mut self.state.files[id.index()];
            known.shape = shape(object);
            known.functions = functions;
            known.symbols = symbols;
            let segments = self.segments[nth].iter().flatten();
            known.segments = segments.chain(&self.left_over_data[nth]).copied().collect();
            known.customs = self.customs[nth].iter().flatten().copied().collect();
            known.comdats = comdat_hashes(object, discarded);
        }
    }
}

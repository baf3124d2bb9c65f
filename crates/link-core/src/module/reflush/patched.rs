//! Bringing an image in line with what changed in its module. Indices and addresses that
//! anything else refers to stay what they are.

use wasm_format::leb128::{FIXED32, len_u32, put_u32, write_u32_fixed};
use wasm_format::names::{NameSubsectionId, put_name_map_header};
use wasm_format::reloc::RelocTarget;

use super::Rewritten;
use super::journal::Journal;
use super::padded::{DatumPlace, Padded, PaddedBody, least_capacity, parameters};
use crate::emit::section_buffer::SectionBuffer;
use crate::hash::HashMap;
use crate::limits::{Counts, MODULE_BYTES, table_beyond};
use crate::module::Module;
use crate::module::arena::Hole;
use crate::module::data::Bytes;
use crate::module::decl::{Decl, DeclState};
use crate::module::flush::{FlushMap, Form, NONE, Patcher, elements_end, put_exports, start_types};
use crate::module::handle::{DataId, FuncId, TargetKind, TypeId};
use crate::reloc::takes_slot;
use crate::room::{
    Image, LEAST_PADDING, NO_BODY, body_capacity, filled_body, forwarding_body, put_wide,
};

/// How many bodies that nothing has any more are looked at for one of the right size.
const TRIED: usize = 64;

/// Whether a change left the module incomplete, as far as the declarations that changed say.
pub(super) fn is_complete(module: &Module, journal: &Journal) -> bool {
    let decls = &module.decls;
    let function = |&slot: &u32| {
        let decl = decls.funcs.at(slot as usize);
        decl.is_none_or(|decl| decl.head.state == DeclState::Ready)
    };
    let datum = |&slot: &u32| {
        let decl = decls.data.at(slot as usize);
        decl.is_none_or(|decl| decl.head.state == DeclState::Ready)
    };
    !decls.funcs.is_haunted()
        && !decls.data.is_haunted()
        && journal.functions.iter().all(function)
        && journal.data.iter().all(datum)
}

/// Patches an image. If it cannot, the image is as it was, and what is known of it is of no
/// use any more.
pub(super) fn patch(
    module: &Module,
    journal: &Journal,
    image: &mut Image,
    padded: &mut Padded,
    map: &mut FlushMap,
) -> Result<(), Rewritten> {
    let mut patching = Patching {
        module,
        functions: distinct(&journal.functions),
        data: distinct(&journal.data),
        local_names: journal.local_names,
        offsets: false,
        written: Vec::new(),
        image,
        padded,
        map,
    };
    let done = patching.run(journal.exports);
    if done.is_err() {
        image.undo();
    }
    done
}

fn distinct(slots: &[u32]) -> Vec<u32> {
    let mut slots = slots.to_vec();
    slots.sort_unstable();
    slots.dedup();
    slots
}

struct Patching<'a> {
    module: &'a Module,
    /// Slots of what changed.
    functions: Vec<u32>,
    data: Vec<u32>,
    local_names: bool,
    /// Whether an entry of the offset table changes.
    offsets: bool,
    /// Slots of the data whose contents are to be written.
    written: Vec<u32>,
    image: &'a mut Image,
    padded: &'a mut Padded,
    map: &'a mut FlushMap,
}

impl Patching<'_> {
    fn run(&mut self, exports: bool) -> Result<(), Rewritten> {
        let mut problems = Vec::new();
        start_types(self.module, &mut problems);
        if !problems.is_empty() {
            return Err(Rewritten::Unfinished);
        }
        self.remove_functions()?;
        self.remove_data()?;
        self.number_functions()?;
        self.number_references()?;
        self.place_data()?;
        for slot in std::mem::take(&mut self.functions) {
            self.write_function(slot)?;
        }
        for slot in std::mem::take(&mut self.written) {
            self.write_datum(slot)?;
        }
        self.write_offset_table();
        self.write_customs()?;
        if exports {
            self.write_exports()?;
        }
        if self.local_names {
            self.write_other_names()?;
        }
        self.check_counts()?;
        self.close();
        Ok(())
    }

    fn imports(&self) -> u32 {
        self.padded.numbers.functions.imports.len() as u32
    }

    /// Takes away the functions that were freed, those included whose slots others have now.
    fn remove_functions(&mut self) -> Result<(), Rewritten> {
        for slot in self.functions.clone() {
            let place = slot as usize;
            let known = &self.padded.numbers.functions;
            let Some(&number) = known.number.get(place).filter(|&&number| number != NONE) else {
                continue;
            };
            let generation = known.generation[place];
            if self.module.decls.funcs.contains(place, generation) {
                continue;
            }
            let Some(index) = number.checked_sub(self.imports()) else {
                return Err(Rewritten::Changed("an imported function"));
            };
            if let Some(body) = self.padded.moved.remove(&slot) {
                self.free_body(body, true);
            }
            // A slot of the function table is never given to another function.
            let in_table = self.padded.numbers.table_slots[place] != 0;
            self.free_body(index, !in_table);
            self.padded.numbers.table_slots[place] = 0;
            self.padded.numbers.functions.set(place, generation, NONE);
            self.map.set_function(place, generation, NONE);
        }
        Ok(())
    }

    /// Makes a body one that traps; another function may have it if it is `reusable`.
    fn free_body(&mut self, index: u32, reusable: bool) {
        let PaddedBody { start, capacity } = self.padded.bodies[index as usize];
        if capacity as usize >= NO_BODY.len() {
            self.image.write(start, &filled_body(&NO_BODY, capacity));
        }
        if reusable && capacity as usize >= NO_BODY.len() {
            self.padded.free_bodies.push(index);
        }
    }

    /// Gives new functions their indices.
    fn number_functions(&mut self) -> Result<(), Rewritten> {
        let module = self.module;
        for slot in self.functions.clone() {
            let place = slot as usize;
            let Some(decl) = module.decls.funcs.at(place) else {
                continue;
            };
            let table_slots = &mut self.padded.numbers.table_slots;
            if table_slots.len() <= place {
                table_slots.resize(place + 1, 0);
            }
            let known = self.padded.numbers.functions.number.get(place);
            if known.is_none_or(|&number| number == NONE) {
                let len = module.arena.byte_count(decl.body.span);
                let body = self.new_body(len, decl.body.ty, &decl.head.name)?;
                let number = body + self.imports();
                let generation = module.decls.funcs.generation(place);
                self.padded.numbers.functions.set(place, generation, number);
                self.map.set_function(place, generation, number);
                self.local_names |= !module.arena.bytes(decl.body.local_names).is_empty();
            }
        }
        Ok(())
    }

    /// A body for `len` bytes, of a function of that name: one that nothing has any more, or a
    /// new one at the end of the code section.
    fn new_body(&mut self, len: u32, ty: Option<TypeId>, name: &str) -> Result<u32, Rewritten> {
        let imports = self.imports();
        let free = self.padded.free_bodies.iter().enumerate().rev().take(TRIED);
        let fitting = free.filter_map(|(at, &index)| {
            let PaddedBody { capacity, .. } = self.padded.bodies[index as usize];
            let fits = (len..=len.saturating_mul(4).saturating_add(64)).contains(&capacity);
            let name = self.name_entry(index + imports, name).filter(|_| fits)?;
            Some((at, index, name))
        });
        let found = fitting.min_by_key(|(_, index, name)| {
            let PaddedBody { capacity, .. } = self.padded.bodies[*index as usize];
            capacity as usize + name.len()
        });
        if let Some((at, index, name)) = found {
            self.padded.free_bodies.swap_remove(at);
            if let Some(names) = &self.padded.names {
                let start = names.entries[(index + imports) as usize];
                self.image.write(start, &name);
            }
            return Ok(index);
        }

        let padded = &mut *self.padded;
        let index = padded.bodies.len() as u32;
        let capacity = body_capacity(len, least_capacity(self.module, ty, index + imports + 1));
        let start = padded.code.push(self.image, capacity, index + 2)?;
        padded.bodies.push(PaddedBody { start, capacity });
        // It takes the index of the padding function, which gets the next one.
        let width = padded.type_width;
        padded.functions.repeat_last(self.image, width)?;
        if let Some(names) = &mut padded.names {
            names.functions.push(self.image, index + imports, name)?;
            names.entries.push(names.functions.end());
        }
        Ok(index)
    }

    /// The name of function `index` as it fits where another name is; nothing if there are no
    /// names.
    fn name_entry(&self, index: u32, name: &str) -> Option<Vec<u8>> {
        let Some(names) = &self.padded.names else {
            return Some(Vec::new());
        };
        let place = index as usize;
        let room = names.entries[place + 1] - names.entries[place];
        let numbers = room.checked_sub(name.len())?;
        // Both numbers can be longer than they have to be.
        let len = name.len() as u32;
        let of_index = len_u32(index).max(numbers.saturating_sub(FIXED32));
        let of_len = numbers.checked_sub(of_index)?;
        if of_index > FIXED32 || of_len > FIXED32 || of_len < len_u32(len) {
            return None;
        }
        let mut entry = Vec::with_capacity(room);
        put_wide(&mut entry, index, of_index);
        put_wide(&mut entry, len, of_len);
        entry.extend_from_slice(name.as_bytes());
        Some(entry)
    }

    /// Gives numbers to the types and slots of the function table that are new.
    fn number_references(&mut self) -> Result<(), Rewritten> {
        let module = self.module;
        let mut addressed = Vec::new();
        for &slot in &self.functions.clone() {
            let Some(decl) = module.decls.funcs.at(slot as usize) else {
                continue;
            };
            let Some(ty) = decl.body.ty else {
                return Err(Rewritten::Unfinished);
            };
            self.number_type(ty)?;
            let holes = module.arena.holes(decl.body.span);
            for hole in holes {
                if hole.ty.target() == RelocTarget::Type {
                    self.number_type(TypeId(hole.target))?;
                }
            }
            self.number_slots(holes, &mut addressed);
        }
        for &slot in &self.data.clone() {
            if let Some(decl) = module.decls.data.at(slot as usize) {
                let holes = module.arena.holes(decl.body.span);
                self.number_slots(holes, &mut addressed);
            }
        }
        self.fill_table(&addressed)
    }

    fn number_type(&mut self, ty: TypeId) -> Result<(), Rewritten> {
        let padded = &mut *self.padded;
        let numbers = &mut padded.numbers.types;
        let place = ty.index();
        if numbers.len() <= place {
            numbers.resize(place + 1, NONE);
        }
        if numbers[place] != NONE {
            return Ok(());
        }
        let Some(known) = self.module.decls.types.get(ty) else {
            return Err(Rewritten::Changed("a raw type"));
        };
        if len_u32(padded.type_count) > padded.type_width {
            return Err(Rewritten::NoRoom("TYPE"));
        }
        let mut entry = Vec::new();
        known.encode(&mut entry);
        padded.types.push(self.image, 1, &entry)?;
        numbers[place] = padded.type_count;
        padded.type_count += 1;
        Ok(())
    }

    /// Gives slots of the function table to the functions whose addresses `holes` take, and
    /// adds those that are new to `addressed`.
    fn number_slots(&mut self, holes: &[Hole], addressed: &mut Vec<u32>) {
        let numbers = &mut self.padded.numbers;
        for hole in holes.iter().filter(|hole| takes_slot(hole.ty)) {
            let place = hole.target.index();
            if numbers.table_slots.len() <= place {
                numbers.table_slots.resize(place + 1, 0);
            }
            if numbers.table_slots[place] == 0 {
                numbers.addressed.push(place as u32);
                numbers.table_slots[place] = numbers.addressed.len() as u32;
                addressed.push(place as u32);
            }
        }
    }

    /// Puts functions that have the next slots into the function table.
    fn fill_table(&mut self, addressed: &[u32]) -> Result<(), Rewritten> {
        if addressed.is_empty() {
            return Ok(());
        }
        let padded = &mut *self.padded;
        let numbers = &padded.numbers;
        let (Some(function_table), Some(table), Some(elements)) = (
            numbers.function_table,
            &mut padded.table,
            &mut padded.elements,
        ) else {
            return Err(Rewritten::Changed("the function table"));
        };
        let needed = numbers.addressed.len() as u64 + 1;
        if let Some(slot) = function_table.declared {
            let decl = self.module.decls.tables.at(slot as usize);
            let is_own = decl.is_some_and(|decl| decl.body.builtin.is_none());
            let fills = elements_end(self.module, slot) > 0;
            // What the caller fills it with may come after ours.
            if fills || is_own && table.limits.max.is_some_and(|max| max < needed) {
                return Err(Rewritten::Changed("the function table"));
            }
            let function = wasm_format::HeapType::Func;
            let holds_functions = |ty: wasm_format::TableType| ty.element.heap == function;
            if !decl
                .and_then(|decl| decl.body.ty)
                .is_some_and(holds_functions)
            {
                return Err(Rewritten::Unfinished);
            }
        }
        if table_beyond(needed).is_some() {
            return Err(Rewritten::Unfinished);
        }
        let first = needed as u32 - addressed.len() as u32;
        let number = |&slot: &u32| numbers.functions.number[slot as usize];
        let functions: Vec<u32> = addressed.iter().map(number).collect();
        table.fill(
            self.image,
            elements,
            function_table.number,
            first,
            &functions,
        )?;
        Ok(())
    }

    /// Takes away the data that was freed.
    fn remove_data(&mut self) -> Result<(), Rewritten> {
        for slot in self.data.clone() {
            let known = self.padded.data.get(slot as usize);
            let Some(place) = known.and_then(Option::as_ref) else {
                continue;
            };
            let generation = place.generation;
            if self.module.decls.data.contains(slot as usize, generation) {
                continue;
            }
            if place.passive || place.tls {
                return Err(Rewritten::Changed("passive or thread-local data"));
            }
            self.free_datum(slot);
            self.map.remove_datum(slot as usize);
            self.offsets = true;
        }
        Ok(())
    }

    /// Takes a datum away from its place.
    fn free_datum(&mut self, slot: u32) {
        let address = self.padded.layout.addresses[slot as usize];
        if let Some(place) = self.padded.data[slot as usize].take()
            && let Some(start) = place.start
        {
            self.image.write(start, &vec![0; place.room as usize]);
            self.padded.free_data.push((address, start, place.room));
        }
    }

    /// Gives data that is new, or has outgrown its place, an address.
    fn place_data(&mut self) -> Result<(), Rewritten> {
        let module = self.module;
        let mut moved = Vec::new();
        for slot in self.data.clone() {
            let Some(decl) = module.decls.data.at(slot as usize) else {
                continue;
            };
            let datum = &decl.body;
            if datum.passive {
                return Err(Rewritten::Changed("passive data"));
            }
            self.offsets |= datum.offset_slot.is_some();
            let padded = &mut *self.padded;
            if padded.data.len() <= slot as usize {
                padded.data.resize(slot as usize + 1, None);
            }
            if padded.layout.addresses.len() <= slot as usize {
                padded.layout.addresses.resize(slot as usize + 1, 0);
            }
            let size = datum.size(&module.arena);
            let align = 1_u64 << datum.align_log2;
            let address = padded.layout.addresses[slot as usize];
            if let Some(place) = &padded.data[slot as usize] {
                if place.passive || place.tls != datum.is_tls() || place.segment != datum.segment {
                    return Err(Rewritten::Changed("where a datum belongs"));
                }
                let is_zero = size == 0 || matches!(datum.bytes, Bytes::Zero(_));
                if size <= place.room
                    && address.is_multiple_of(align)
                    && (is_zero || place.start.is_some())
                {
                    self.written.push(slot);
                    continue;
                }
                moved.push(slot);
            }
            if datum.is_tls() || !decl.head.exports().is_empty() {
                return Err(Rewritten::Changed("thread-local or exported data"));
            }
            let generation = module.decls.data.generation(slot as usize);
            self.free_datum(slot);
            let (address, start, room) = self.new_place(size, align)?;
            let padded = &mut *self.padded;
            padded.layout.addresses[slot as usize] = address;
            padded.data[slot as usize] = Some(DatumPlace {
                generation,
                start: Some(start),
                room,
                passive: false,
                tls: false,
                segment: datum.segment.clone(),
                index: Some(padded.spare_index),
            });
            self.map.set_address(slot as usize, address);
            self.written.push(slot);
        }
        if moved.is_empty() {
            return Ok(());
        }
        // Everything that has the old address is written anew, or the datum has to stay.
        let mut uses: HashMap<u32, u32> = moved.iter().map(|&slot| (slot, 0)).collect();
        let functions = self.functions.iter().filter_map(|&slot| {
            let decl = module.decls.funcs.at(slot as usize)?;
            Some(module.arena.holes(decl.body.span))
        });
        let data = self.data.iter().filter_map(|&slot| {
            let decl = module.decls.data.at(slot as usize)?;
            Some(module.arena.holes(decl.body.span))
        });
        for hole in functions.chain(data).flatten() {
            if hole.target.kind() == TargetKind::Data
                && let Some(uses) = uses.get_mut(&(hole.target.index() as u32))
            {
                *uses += 1;
            }
        }
        for slot in moved {
            let all = module.decls.data.references(slot as usize);
            let datum = module.decls.data.at(slot as usize);
            let of_slot = datum.map_or(0, |datum| datum.body.slot_uses);
            if all - of_slot != uses[&slot] {
                return Err(Rewritten::Moved);
            }
        }
        Ok(())
    }

    /// Address, start and size of a place for new data.
    fn new_place(&mut self, size: u64, align: u64) -> Result<(u64, usize, u64), Rewritten> {
        let padded = &mut *self.padded;
        let fits = |&(address, _, room): &(u64, usize, u64)| {
            address.is_multiple_of(align) && room >= size && room <= size * 4 + 64
        };
        let free = &mut padded.free_data;
        if let Some(at) = free.iter().rposition(fits) {
            return Ok(free.swap_remove(at));
        }
        let spare = &padded.layout.spare;
        let address = padded.spare_next.checked_next_multiple_of(align);
        let end = address.and_then(|address| address.checked_add(size));
        let (Some(address), Some(end)) = (address, end) else {
            return Err(Rewritten::NoRoom("DATA"));
        };
        if end > spare.end || spare.is_empty() {
            return Err(Rewritten::NoRoom("DATA"));
        }
        padded.spare_next = end;
        let start = padded.spare + (address - spare.start) as usize;
        Ok((address, start, size))
    }

    /// Writes the holes into `contents`, which will be at `address` if they are data.
    fn fill_holes(
        &mut self,
        holes: &[Hole],
        contents: &mut [u8],
        address: u64,
    ) -> Result<(), Rewritten> {
        let module = self.module;
        let without_address = |hole: &Hole| {
            let datum = module.decls.data.at(hole.target.index());
            hole.target.kind() == TargetKind::Data && !datum.is_some_and(Decl::is_defined)
        };
        if holes.iter().any(without_address) {
            return Err(Rewritten::Unfinished);
        }
        let patcher = Patcher {
            module,
            numbers: &self.padded.numbers,
            layout: &self.padded.layout,
            form: Form::Module,
            code_offsets: std::mem::take(&mut self.padded.code_offsets),
        };
        let mut problems = Vec::new();
        // A full flush will name what has the hole.
        let name = || module.decls.name(holes[0].target);
        patcher.patch(holes, contents, address, name, &mut problems);
        self.padded.code_offsets = patcher.code_offsets;
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Rewritten::Unfinished)
        }
    }

    fn set_type(&mut self, body: u32, ty: u32) {
        let width = self.padded.type_width;
        let at = self.padded.functions.entries() + body as usize * width;
        let mut entry = Vec::new();
        put_wide(&mut entry, ty, width);
        self.image.write(at, &entry);
    }

    fn write_function(&mut self, slot: u32) -> Result<(), Rewritten> {
        let module = self.module;
        let place = slot as usize;
        let Some(decl) = module.decls.funcs.at(place) else {
            return Ok(());
        };
        let number = self.padded.numbers.functions.number[place];
        let index = number - self.imports();
        let ty = decl
            .body
            .ty
            .map_or(NONE, |ty| self.padded.numbers.types[ty.index()]);
        let (holes, calls, bytes) = module.arena.parts(decl.body.span);
        let mut contents = bytes.to_vec();
        for call in calls {
            let callee = self.padded.numbers.functions.number[call.function as usize];
            write_u32_fixed(&mut contents[call.offset as usize..], callee);
        }
        self.fill_holes(holes, &mut contents, 0)?;

        let len = contents.len() as u32;
        self.set_type(index, ty);
        let own = self.padded.bodies[index as usize];
        let named = !module.arena.bytes(decl.body.local_names).is_empty();
        let old = self.padded.moved.get(&slot).copied();
        let body = if len <= own.capacity {
            if let Some(old) = old {
                self.free_body(old, true);
                self.padded.moved.remove(&slot);
                self.local_names |= named;
            }
            index
        } else {
            let fits = |&old: &u32| len <= self.padded.bodies[old as usize].capacity;
            let body = if let Some(old) = old.filter(fits) {
                old
            } else {
                if let Some(old) = old {
                    self.free_body(old, true);
                }
                self.local_names |= named;
                self.new_body(len, decl.body.ty, &decl.head.name)?
            };
            self.set_type(body, ty);
            let parameters = parameters(module, decl.body.ty);
            let parameters = parameters.ok_or(Rewritten::Changed("a function of a raw type"))?;
            let stub = forwarding_body(parameters, body + self.imports());
            if stub.len() as u32 > own.capacity {
                return Err(Rewritten::NoRoom("CODE"));
            }
            self.image
                .write(own.start, &filled_body(&stub, own.capacity));
            self.padded.moved.insert(slot, body);
            body
        };
        let PaddedBody { start, capacity } = self.padded.bodies[body as usize];
        self.image.write(start, &filled_body(&contents, capacity));
        self.map.set_body(index as usize, start, capacity);
        if !self.padded.customs.is_empty() {
            let offsets = &mut self.padded.code_offsets;
            if offsets.len() <= place {
                offsets.resize(place + 1, 0);
            }
            offsets[place] = (start - self.padded.code.contents) as u32 + decl.body.locals_len;
        }
        Ok(())
    }

    fn write_datum(&mut self, slot: u32) -> Result<(), Rewritten> {
        let module = self.module;
        let Some(decl) = module.decls.data.at(slot as usize) else {
            return Ok(());
        };
        let Some(place) = self.padded.data[slot as usize].clone() else {
            return Ok(());
        };
        let id = DataId::new(slot, place.generation);
        let Some(start) = place.start else {
            self.map.set(id.into(), None, 0, 0);
            return Ok(());
        };
        let address = self.padded.layout.addresses[slot as usize];
        let mut contents = decl.body.contents(&module.arena).unwrap_or(&[]).to_vec();
        self.fill_holes(module.arena.holes(decl.body.span), &mut contents, address)?;
        contents.resize(place.room as usize, 0);
        self.image.write(start, &contents);
        let size = decl.body.size(&module.arena) as usize;
        if size == 0 {
            self.map.set(id.into(), None, 0, 0);
        } else {
            self.map.set(id.into(), place.index, start, size);
        }
        Ok(())
    }

    /// Writes the addresses that are looked up at run time.
    fn write_offset_table(&mut self) {
        let Some(start) = self.padded.offset_table.filter(|_| self.offsets) else {
            return;
        };
        let module = self.module;
        let size = module.options.pointer_size() as usize;
        for (nth, owner) in module.decls.offset_slots.owners().iter().enumerate() {
            let placed = owner.filter(|&slot| {
                let decl = module.decls.data.at(slot as usize);
                decl.is_some_and(|it| it.is_defined() && it.body.size(&module.arena) > 0)
            });
            let address = placed.map_or(0, |slot| self.padded.layout.addresses[slot as usize]);
            let entry = &address.to_le_bytes()[..size];
            self.image.write(start + nth * size, entry);
        }
    }

    /// Writes custom sections that say where functions are.
    fn write_customs(&mut self) -> Result<(), Rewritten> {
        let module = self.module;
        for (slot, decl) in module.decls.customs.iter() {
            let holes = module.arena.holes(decl.body.span);
            if holes.is_empty() {
                continue;
            }
            for hole in holes {
                if hole.ty.target() == RelocTarget::Type {
                    self.number_type(TypeId(hole.target))?;
                }
            }
            let mut contents = module.arena.bytes(decl.body.span).to_vec();
            self.fill_holes(holes, &mut contents, 0)?;
            self.image.write(self.padded.customs[slot], &contents);
        }
        Ok(())
    }

    fn write_exports(&mut self) -> Result<(), Rewritten> {
        let mut bytes = Vec::new();
        let mut section = SectionBuffer::new(&mut bytes);
        put_exports(
            self.module,
            &self.padded.numbers,
            &self.padded.layout,
            &mut section,
        );
        let count = section.entry_count();
        Ok(self.padded.exports.replace(self.image, count, &bytes)?)
    }

    /// Writes the names of locals, and what comes after them.
    fn write_other_names(&mut self) -> Result<(), Rewritten> {
        let module = self.module;
        let imports = self.imports();
        let padded = &mut *self.padded;
        let Some(names) = &mut padded.names else {
            return Ok(());
        };
        let mut groups: Vec<(u32, &[u8])> = Vec::new();
        for (slot, generation, decl) in module.decls.funcs.iter_generations() {
            let locals = module.arena.bytes(decl.body.local_names);
            if locals.is_empty() || decl.head.imported {
                continue;
            }
            // They are those of the code, wherever it is.
            let index = match padded.moved.get(&slot) {
                Some(body) => body + imports,
                None => padded.numbers.functions.number[slot as usize],
            };
            debug_assert!(self.map.get(FuncId::new(slot, generation)).is_some());
            groups.push((index, locals));
        }
        groups.sort_unstable_by_key(|(index, _)| *index);
        let mut rest = Vec::new();
        if !groups.is_empty() {
            let size = groups
                .iter()
                .map(|(index, locals)| len_u32(*index) + locals.len());
            let count = groups.len() as u32;
            put_name_map_header(&mut rest, NameSubsectionId::Local, count, size.sum());
            for (index, locals) in groups {
                put_u32(&mut rest, index);
                rest.extend_from_slice(locals);
            }
        }
        rest.extend_from_slice(&names.others);
        let start = names.functions.limit();
        let end = start + rest.len();
        if end + LEAST_PADDING > names.limit {
            return Err(Rewritten::NoRoom("name"));
        }
        let old = std::mem::replace(&mut names.end, end);
        self.image.write(start, &rest);
        let size = end - names.start - 1 - FIXED32;
        self.image.write_u32(names.start + 1, size as u32);
        self.image.pad(end..names.limit, old);
        Ok(())
    }

    /// Fails if there is more of something than engines take.
    fn check_counts(&self) -> Result<(), Rewritten> {
        let counts = Counts {
            types: self.padded.type_count.into(),
            functions: self.padded.functions.count().into(),
            exports: self.module.exports.len() as u64 + 1,
            ..Counts::default()
        };
        let size = self.image.bytes.len() as u64;
        if counts.beyond().next().is_some() || size > MODULE_BYTES {
            return Err(Rewritten::Unfinished);
        }
        Ok(())
    }

    /// Brings everything in line that says how much there is.
    fn close(&mut self) {
        let padded = &mut *self.padded;
        padded.types.close(self.image);
        padded.functions.close(self.image);
        padded.exports.close(self.image);
        if let Some(elements) = &mut padded.elements {
            elements.close(self.image);
        }
    }
}

//! Functions that finish position-independent data once a loader has said where it lies:
//! they store addresses into data, and into the globals of the GOT.

use wasm_format::Opcode;
use wasm_format::reloc::{RelocBase, RelocTarget};

use super::made_body::{Body, BodyTarget, ConstReloc};
use super::segments::DataSource;
use super::synthetic::push_address;
use super::values::{PlanView, Value};
use crate::ids::{FileId, GlobalIndex, ObjSegment, ObjSymbol};
use crate::input::object::ObjReloc;
use crate::pass::synthesize::Synthesis;
use crate::resolve::resolution::SymbolRef;

/// `__wasm_apply_data_relocs`, or for thread-local data (`tls`) `__wasm_apply_tls_relocs`.
pub(crate) fn data_relocs(places: &PlanView<'_, '_>, tls: bool) -> Body {
    let mut body = Body::new(places);
    body.begin_steps();
    for (i, output) in places.data.segments.iter().enumerate() {
        // Without threads, thread-local data is data like any other.
        if (places.threads && output.tls) != tls {
            continue;
        }
        for piece in &output.pieces {
            let DataSource::Segment(file, segment) = piece.source else {
                continue;
            };
            let start = if tls {
                piece.offset
            } else {
                places.memory.segments[i] + piece.offset
            };
            segment_relocs(places, &mut body, file, segment, start, tls);
        }
    }
    body.finish()
}

fn segment_relocs(
    places: &PlanView<'_, '_>,
    body: &mut Body,
    file: FileId,
    segment: ObjSegment,
    start: u64,
    tls: bool,
) {
    let resolution = places.resolution;
    let relocs = resolution.object(file).segments[segment.index()]
        .chunk
        .relocs;
    for reloc in relocs.iter() {
        // A type's index, and a distance within the data, are the same wherever it lies.
        if reloc.ty.target() == RelocTarget::Type || reloc.ty.base() != RelocBase::Absolute {
            continue;
        }
        let symbol = resolution.symbol_ref(file, ObjSymbol(reloc.target));
        let Some(source) = source(places, &reloc, symbol) else {
            continue;
        };
        let place = (
            BodyTarget::ObjectSegment(file, segment),
            i64::from(reloc.offset),
        );
        let address = start + u64::from(reloc.offset);
        if tls {
            push_tls_address(places, body, place, address);
        } else {
            push_address(places, body, place, address);
        }
        let wide = reloc.ty.form().is_64();
        let target = BodyTarget::Symbol(symbol);
        match source {
            StoredValue::Got(global) => {
                body.global(Opcode::GlobalGet, (symbol, global));
                if reloc.addend != 0 {
                    body.constant(wide, reloc.addend as u64).sum(wide);
                }
            }
            StoredValue::Address(base, address) => {
                let target = (target, reloc.addend);
                body.global(Opcode::GlobalGet, base);
                body.place(ConstReloc::FROM_MEMORY_BASE, wide, target, address);
                body.sum(wide);
            }
            StoredValue::Slot(base, slot) => {
                body.global(Opcode::GlobalGet, base);
                body.place(ConstReloc::FROM_TABLE_BASE, wide, (target, 0), slot);
                body.sum(wide);
            }
            StoredValue::ThreadLocal(value) => {
                let target = (target, reloc.addend);
                places.push_tls_base(body);
                body.place(ConstReloc::FROM_TLS_BASE, wide, target, value);
                body.sum(wide);
            }
        }
        let store = if wide {
            Opcode::I64Store
        } else {
            Opcode::I32Store
        };
        // Structures may be packed: 4 is what every address can be relied on to have.
        body.access(store, 2, 0).end_step();
    }
}

/// What is stored at a place.
enum StoredValue {
    /// What a GOT entry holds, and the addend.
    Got(GlobalIndex),
    /// A base and the address beyond it.
    Address((SymbolRef, GlobalIndex), u64),
    /// A base and the table slot beyond it.
    Slot((SymbolRef, GlobalIndex), u64),
    /// What lies so far beyond the start of the thread's storage.
    ThreadLocal(u64),
}

fn source(places: &PlanView<'_, '_>, reloc: &ObjReloc, symbol: SymbolRef) -> Option<StoredValue> {
    // What the linker knows itself needs no detour.
    let loaded = |global: &GlobalIndex| global.0 < places.globals.imported;
    if let Some(global) = places.globals.got(symbol).filter(loaded) {
        return Some(StoredValue::Got(global));
    }
    let made = &places.resolution.made;
    match (reloc.ty.target(), places.symbol(symbol)) {
        // An address that the linker knows may be declared as a function's.
        (RelocTarget::Memory | RelocTarget::TableSlot, Value::Address(address))
            if !places.resolution.is_absolute(symbol) =>
        {
            let value = address.wrapping_add(reloc.addend as u64);
            if places.threads && places.resolution.is_thread_local(symbol) {
                return Some(StoredValue::ThreadLocal(value));
            }
            let base = places.base_global(made.memory_base)?;
            Some(StoredValue::Address(base, value))
        }
        (RelocTarget::TableSlot, Value::Function(function)) => {
            let base = places.base_global(made.table_base)?;
            let slot = places.slots.of(symbol, function)?;
            Some(StoredValue::Slot(base, u64::from(slot.0)))
        }
        _ => None,
    }
}

fn push_tls_address(
    places: &PlanView<'_, '_>,
    body: &mut Body,
    place: (BodyTarget, i64),
    offset: u64,
) {
    body.place(ConstReloc::FROM_TLS_BASE, body.is_64, place, offset);
    places.push_tls_base(body);
    body.add();
}

/// `__wasm_apply_global_relocs`, or for thread-local data (`tls`)
/// `__wasm_apply_global_tls_relocs`: gives the GOT entries of known distance to a base
/// their values.
pub(crate) fn global_relocs(
    places: &PlanView<'_, '_>,
    synthesis: &Synthesis<'_>,
    tls: bool,
) -> Body {
    let mut body = Body::new(places);
    if !tls && places.extended_const {
        // They are constants, which add to the base themselves.
        return body.finish();
    }
    body.begin_steps();
    for &symbol in &synthesis.got_internal {
        let thread_local = places.resolution.is_thread_local(symbol);
        if (places.threads && thread_local) != tls {
            continue;
        }
        let Some(global) = places.globals.got(symbol) else {
            continue;
        };
        let is_64 = body.is_64;
        let target = BodyTarget::Symbol(symbol);
        match places.symbol(symbol) {
            Value::Address(offset) if tls => {
                places.push_tls_base(&mut body);
                body.place(ConstReloc::FROM_TLS_BASE, is_64, (target, 0), offset);
            }
            Value::Address(_) if places.resolution.is_absolute(symbol) => continue,
            Value::Address(address) => {
                let Some(base) = places.memory_base() else {
                    continue;
                };
                // Without threads, the template is the storage.
                let template = places.memory.tls.filter(|_| thread_local);
                let (target, address) = match template {
                    Some(template) => (
                        (BodyTarget::Segment(template.segment), address as i64),
                        template.address + address,
                    ),
                    None => ((target, 0), address),
                };
                body.global(Opcode::GlobalGet, base);
                body.place(ConstReloc::FROM_MEMORY_BASE, is_64, target, address);
            }
            Value::Function(function) => {
                let base = places.base_global(places.resolution.made.table_base);
                let slot = places.slots.of(symbol, function);
                let (Some(base), Some(slot)) = (base, slot) else {
                    continue;
                };
                let slot = u64::from(slot.0);
                body.global(Opcode::GlobalGet, base);
                body.place(ConstReloc::FROM_TABLE_BASE, is_64, (target, 0), slot);
            }
            _ => continue,
        }
        body.add();
        body.global(Opcode::GlobalSet, (symbol, global)).end_step();
    }
    body.finish()
}

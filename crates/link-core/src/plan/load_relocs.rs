//! Functions that finish position-independent data once a loader has said where it lies:
//! they store addresses into data, and into the globals of the GOT.

use wasm_format::Opcode;
use wasm_format::reloc::{RelocBase, RelocTarget};

use super::segments::DataSource;
use super::synthetic::{Body, push_address};
use super::values::{PlanView, Value};
use crate::ids::{FileId, GlobalIndex, ObjSegment, ObjSymbol};
use crate::input::object::ObjReloc;
use crate::pass::synthesize::Synthesis;
use crate::resolve::resolution::SymbolRef;

/// `__wasm_apply_data_relocs`, or for thread-local data (`tls`) `__wasm_apply_tls_relocs`.
pub(crate) fn data_relocs(places: &PlanView<'_, '_>, tls: bool) -> Body {
    let mut body = Body::new(places.resolution.is_64);
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
        let place = start + u64::from(reloc.offset);
        if tls {
            push_tls_address(places, body, place);
        } else {
            push_address(places, body, place);
        }
        let wide = reloc.ty.form().is_64();
        match source {
            StoredValue::Got(global) => {
                body.op_u32(Opcode::GlobalGet, global.0);
                if reloc.addend != 0 {
                    body.constant(wide, reloc.addend as u64).sum(wide);
                }
            }
            StoredValue::Base(base, value) => {
                body.op_u32(Opcode::GlobalGet, base.0);
                body.constant(wide, value).sum(wide);
            }
            StoredValue::ThreadLocal(value) => {
                places.push_tls_base(body);
                body.constant(wide, value).sum(wide);
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
    /// A base and what lies beyond it.
    Base(GlobalIndex, u64),
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
            Some(StoredValue::Base(base, value))
        }
        (RelocTarget::TableSlot, Value::Function(function)) => {
            let base = places.base_global(made.table_base)?;
            let slot = places.slots.of(symbol, function)?;
            Some(StoredValue::Base(base, u64::from(slot.0)))
        }
        _ => None,
    }
}

fn push_tls_address(places: &PlanView<'_, '_>, body: &mut Body, offset: u64) {
    body.address(offset);
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
    let mut body = Body::new(places.resolution.is_64);
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
        let template = (places.memory.tls).map_or(0, |template| template.address);
        let Some(global) = places.globals.got(symbol) else {
            continue;
        };
        match places.symbol(symbol) {
            Value::Address(offset) if tls => {
                places.push_tls_base(&mut body);
                body.address(offset).add();
            }
            Value::Address(_) if places.resolution.is_absolute(symbol) => continue,
            Value::Address(address) => {
                let Some(base) = places.memory_base() else {
                    continue;
                };
                let address = if thread_local {
                    template + address
                } else {
                    address
                };
                body.op_u32(Opcode::GlobalGet, base.0);
                body.address(address).add();
            }
            Value::Function(function) => {
                let base = places.base_global(places.resolution.made.table_base);
                let slot = places.slots.of(symbol, function);
                let (Some(base), Some(slot)) = (base, slot) else {
                    continue;
                };
                body.op_u32(Opcode::GlobalGet, base.0);
                body.address(u64::from(slot.0)).add();
            }
            _ => continue,
        }
        body.op_u32(Opcode::GlobalSet, global.0).end_step();
    }
    body.finish()
}

//! A module that was written with padding, and where everything is in it.

use std::sync::Arc;

use wasm_format::leb128::{FIXED32, len_u32, put_name, put_u32, put_u32_fixed, write_u32_fixed};
use wasm_format::names::{NAME_SECTION, NameSubsectionId, Naming};
use wasm_format::{Reader, SectionId, TableType};

use crate::hash::HashMap;
use crate::limits::{Counts, MODULE_BYTES};
use crate::module::Module;
use crate::module::defs::Builtin;
use crate::module::flush::{
    FlushMap, Layout, NumberedFlush, Numbers, PlacedItem, PlacedSegment, has_room, room_of,
};
use crate::module::handle::{CustomId, DataId, Target, TargetKind, TypeId};
use crate::room::{
    Growing, GrowingCode, GrowingNames, GrowingTable, Image, body_capacity, forwarding_body_len,
    padding_body, put_filled_body, put_padding, put_wide, room_behind,
};

/// A body in the code section.
#[derive(Debug, Clone, Copy)]
pub(super) struct PaddedBody {
    /// Where it begins, behind its size.
    pub(super) start: usize,
    pub(super) capacity: u32,
}

/// Where a datum is.
#[derive(Debug, Clone)]
pub(super) struct DatumPlace {
    pub(super) generation: u32,
    /// Where its bytes are, if they are written.
    pub(super) start: Option<usize>,
    /// Bytes that it can have.
    pub(super) room: u64,
    pub(super) passive: bool,
    pub(super) tls: bool,
    /// What its segment was to be called.
    pub(super) segment: Option<Arc<str>>,
    /// The index of the segment.
    pub(super) index: Option<u32>,
}

/// The name section.
pub(super) struct NamesPlace {
    /// Where the section begins.
    pub(super) start: usize,
    /// The names of functions.
    pub(super) functions: GrowingNames,
    /// By index of the function: where its name's entry begins. The last one is that of the
    /// padding function.
    pub(super) entries: Vec<usize>,
    /// Where the other names end, which follow those of functions.
    pub(super) end: usize,
    /// The subsections behind those of local names.
    pub(super) others: Vec<u8>,
    /// Where the padding behind the section ends.
    pub(super) limit: usize,
}

/// What is known of an image that can be patched.
pub(super) struct Padded {
    /// Numbers as they are in the image. Those that nothing has any more are left over.
    pub(super) numbers: Numbers<'static>,
    pub(super) layout: Layout,
    pub(super) code_offsets: Vec<u32>,
    pub(super) types: Growing,
    pub(super) type_count: u32,
    /// Bytes of a type's number in the function section.
    pub(super) type_width: usize,
    pub(super) functions: Growing,
    pub(super) exports: Growing,
    pub(super) elements: Option<Growing>,
    pub(super) table: Option<GrowingTable>,
    pub(super) code: GrowingCode,
    /// The bodies in their order, without the padding function.
    pub(super) bodies: Vec<PaddedBody>,
    /// Bodies that no function has.
    pub(super) free_bodies: Vec<u32>,
    /// By slot: which body has the code of a function that outgrew its own.
    pub(super) moved: HashMap<u32, u32>,
    pub(super) data: Vec<Option<DatumPlace>>,
    /// Where the spare segment begins, its index, and the first address in it that is free.
    pub(super) spare: usize,
    pub(super) spare_index: u32,
    pub(super) spare_next: u64,
    /// Places of data that is gone: address, start and room.
    pub(super) free_data: Vec<(u64, usize, u64)>,
    pub(super) offset_table: Option<usize>,
    /// By slot: where the contents of the custom section begin.
    pub(super) customs: Vec<usize>,
    pub(super) names: Option<NamesPlace>,
}

/// A part of the plain module, and where it is in the image.
struct MovedPart {
    from: usize,
    to: usize,
    /// If its size is another one now.
    len: Option<u32>,
}

/// How many parameters functions of a type have; `None` if only its maker can say.
pub(super) fn parameters(module: &Module, ty: Option<TypeId>) -> Option<u32> {
    Some(module.decls.types.get(ty?)?.params.len() as u32)
}

/// Bytes that have to be there for a function to be able to move.
pub(super) fn least_capacity(module: &Module, ty: Option<TypeId>, functions: u32) -> u32 {
    parameters(module, ty).map_or(0, |parameters| forwarding_body_len(parameters, functions))
}

/// Makes an image with padding of a module. `None` if it has no functions, or would be too large.
#[expect(
    clippy::too_many_lines,
    reason = "one pass over the sections, each in a few lines"
)]
pub(super) fn pad(
    module: &Module,
    plain: &[u8],
    written: NumberedFlush<'_>,
) -> Option<(Image, Padded, FlushMap)> {
    let NumberedFlush {
        map,
        segment_starts,
        numbers,
        layout,
        ..
    } = written;
    let imports = numbers.functions.imports.len() as u32;
    let type_count = numbers.type_count() as u32;
    let type_width = len_u32(type_count + 64);
    let defined = &numbers.defined_funcs;
    let first_type = defined.first()?.ty;

    let mut out = Vec::with_capacity(plain.len() + plain.len() / 8 + 4096);
    let mut moves: Vec<MovedPart> = Vec::new();
    let (mut types, mut functions, mut exports, mut elements) = (None, None, None, None);
    let mut table = None;
    let mut code = None;
    let mut bodies = Vec::with_capacity(defined.len() + 1);
    let mut customs_left = module.decls.customs.iter().count();
    let mut names = None;

    let mut reader = Reader::new(plain);
    reader.module_header().ok()?;
    out.extend_from_slice(&plain[..reader.offset()]);
    while !reader.is_empty() {
        let start = reader.offset();
        let (id, mut body) = reader.section().ok()?;
        let end = reader.offset();
        let rank = id.rank();
        if exports.is_none() && rank > SectionId::Export.rank() {
            exports = Some(Growing::put(&mut out, SectionId::Export, 0, &[], 128));
        }
        let has_table = numbers.function_table.is_some();
        if has_table && elements.is_none() && rank > SectionId::Element.rank() {
            elements = Some(Growing::put(&mut out, SectionId::Element, 0, &[], 128));
        }
        match id {
            SectionId::Type | SectionId::Export | SectionId::Element => {
                let count = body.u32().ok()?;
                let entries = body.rest();
                let room = room_behind(entries.len(), 16, 128);
                let section = Some(Growing::put(&mut out, id, count, entries, room));
                match id {
                    SectionId::Type => types = section,
                    SectionId::Export => exports = section,
                    _ => elements = section,
                }
            }
            SectionId::Function => {
                let count = body.u32().ok()?;
                let mut entries = Vec::with_capacity((count as usize + 1) * type_width);
                for _ in 0..count {
                    put_wide(&mut entries, body.u32().ok()?, type_width);
                }
                // The padding function's.
                put_wide(&mut entries, first_type, type_width);
                let room = room_behind(entries.len(), 32, 64 * type_width);
                functions = Some(Growing::put(&mut out, id, count + 1, &entries, room));
            }
            SectionId::Table => {
                let count = body.u32().ok()?;
                let mut entries = Vec::new();
                let imported = numbers.tables.imports.len() as u32;
                let function_table = numbers.function_table.map(|table| table.number);
                let mut places = Vec::new();
                for number in imported..imported + count {
                    let from = body.offset();
                    let ty = TableType::decode(&mut body).ok()?;
                    let at = entries.len();
                    if function_table == Some(number) {
                        let slot = numbers.function_table.and_then(|table| table.declared);
                        let place = put_table(module, slot, &ty, &mut entries)?;
                        table = Some(place);
                    } else {
                        ty.encode(&mut entries);
                    }
                    places.push((from, at, entries.len() - at));
                }
                out.push(id as u8);
                put_u32(&mut out, (len_u32(count) + entries.len()) as u32);
                put_u32(&mut out, count);
                let base = out.len();
                moves.extend(places.into_iter().map(|(from, at, len)| MovedPart {
                    from,
                    to: base + at,
                    len: Some(len as u32),
                }));
                table = table.map(|table: GrowingTable| table.moved(base));
                out.extend_from_slice(&entries);
            }
            SectionId::Code => {
                let count = body.u32().ok()?;
                let contents = put_code(module, &numbers, count, body, &mut out, &mut bodies)?;
                let body_bytes = out.len() - contents;
                let room = room_behind(body_bytes, 32, 1024);
                let padding_function = out.len();
                let padding = padding_body(room);
                put_u32_fixed(&mut out, padding.len() as u32);
                out.extend_from_slice(&padding);
                code = Some(GrowingCode::new(contents, padding_function..out.len()));
                let size = out.len() - contents;
                write_u32_fixed(&mut out[contents - FIXED32..], size as u32);
            }
            SectionId::Custom if customs_left == 0 => {
                let name = body.name().ok()?;
                if name == NAME_SECTION {
                    names = Some(body); // it comes last
                } else {
                    out.extend_from_slice(&plain[start..end]);
                }
            }
            _ => {
                customs_left -= usize::from(id == SectionId::Custom);
                moves.push(MovedPart {
                    from: start,
                    to: out.len(),
                    len: None,
                });
                out.extend_from_slice(&plain[start..end]);
            }
        }
    }
    let code = code?;
    let names = match names {
        Some(body) => Some(put_names(body, imports + bodies.len() as u32, &mut out)?),
        None => None,
    };

    let place = |from: usize| {
        let part = &moves[moves
            .partition_point(|part| part.from <= from)
            .saturating_sub(1)..];
        part.first()
            .map_or((from, None), |part| (from - part.from + part.to, part.len))
    };
    let mut map = map.with_functions(numbers.functions.clone());
    map.relocate(place);
    map.set_bodies(
        bodies
            .iter()
            .map(|body: &PaddedBody| (body.start, body.capacity))
            .collect(),
    );
    let mut code_offsets = Vec::new();
    if module.decls.customs.iter().next().is_some() {
        code_offsets.resize(module.decls.funcs.len(), 0);
        for (function, body) in defined.iter().zip(&bodies) {
            code_offsets[function.slot as usize] =
                (body.start - code.contents) as u32 + function.locals_len;
        }
    }
    let customs = module.decls.customs.iter().map(|(slot, _)| slot).last();
    let mut custom_starts = vec![0; customs.map_or(0, |slot| slot + 1)];
    for (slot, _) in module.decls.customs.iter() {
        let generation = module.decls.customs.generation(slot);
        let target = Target::new(TargetKind::Custom, slot as u32, generation);
        custom_starts[slot] = map.get(CustomId(target))?.range.start;
    }
    let segment = |index: usize| segment_starts.get(index).map(|&start| place(start).0);
    let is_offset_table = |segment: &PlacedSegment| {
        let first = layout.items.get(segment.items.start);
        matches!(first, Some((_, PlacedItem::OffsetTable))) && !segment.items.is_empty()
    };
    let offset_table = layout.segments.iter().position(is_offset_table);
    let offset_table = offset_table.and_then(segment);
    let spare_index = layout.segments.len().saturating_sub(1);
    let spare = if layout.spare.is_empty() {
        0
    } else {
        segment(spare_index)?
    };
    let data = data_places(module, &map);

    let counts = Counts {
        types: type_count.into(),
        functions: bodies.len() as u64 + 1,
        ..Counts::default()
    };
    if counts.beyond().next().is_some() || out.len() as u64 > MODULE_BYTES {
        return None;
    }
    let spare_next = layout.spare.start;
    let padded = Padded {
        numbers: numbers.without_functions(),
        layout,
        code_offsets,
        types: types?,
        type_count,
        type_width,
        functions: functions?,
        exports: exports?,
        elements,
        table,
        code,
        bodies,
        free_bodies: Vec::new(),
        moved: HashMap::default(),
        data,
        spare,
        spare_index: spare_index as u32,
        spare_next,
        free_data: Vec::new(),
        offset_table,
        customs: custom_starts,
        names,
    };
    Some((Image::new(out), padded, map))
}

/// Appends the bodies with room to grow, and returns where the section's contents begin. How
/// large the section is remains to be said.
fn put_code(
    module: &Module,
    numbers: &Numbers<'_>,
    count: u32,
    mut plain: Reader<'_>,
    out: &mut Vec<u8>,
    bodies: &mut Vec<PaddedBody>,
) -> Option<usize> {
    out.push(SectionId::Code as u8);
    put_u32_fixed(out, 0);
    let contents = out.len();
    put_u32_fixed(out, count + 1);
    let total = numbers.functions.imports.len() as u32 + count + 1;
    for nth in 0..count as usize {
        let body = plain.byte_vec().ok()?;
        let len = body.len() as u32;
        let capacity = match numbers.defined_funcs.get(nth) {
            Some(function) => {
                let decl = module.decls.funcs.at(function.slot as usize);
                let ty = decl.and_then(|decl| decl.body.ty);
                body_capacity(len, least_capacity(module, ty, total))
            }
            // What calls the init functions stays as it is.
            None => len,
        };
        put_u32(out, capacity);
        bodies.push(PaddedBody {
            start: out.len(),
            capacity,
        });
        put_filled_body(out, body, capacity);
    }
    Some(contents)
}

/// Appends the type of the function table, which `slot` declares; places count from the start of
/// `out`.
fn put_table(
    module: &Module,
    slot: Option<u32>,
    ty: &TableType,
    out: &mut Vec<u8>,
) -> Option<GrowingTable> {
    let decl = slot.and_then(|slot| module.decls.tables.at(slot as usize));
    let is_fitted = decl.is_none_or(|decl| decl.body.builtin == Some(Builtin::FunctionTable));
    GrowingTable::put(out, ty, is_fitted)
}

/// Appends the name section, with room for more names. `padding` is the index of the padding
/// function.
fn put_names(mut plain: Reader<'_>, padding: u32, out: &mut Vec<u8>) -> Option<NamesPlace> {
    let start = out.len();
    out.push(SectionId::Custom as u8);
    put_u32_fixed(out, 0);
    put_name(out, NAME_SECTION);
    let mut functions = None;
    let mut entries = Vec::with_capacity(padding as usize + 1);
    let mut others = Vec::new();
    while !plain.is_empty() {
        let from = plain.rest();
        let id = NameSubsectionId::from_u8(plain.u8().ok()?)?;
        let mut body = {
            let len = plain.u32().ok()?;
            plain.sub(len as usize).ok()?
        };
        let whole = &from[..from.len() - plain.remaining()];
        match id {
            NameSubsectionId::Function => {
                let count = body.u32().ok()?;
                let mut names = Vec::new();
                for _ in 0..count {
                    entries.push(names.len());
                    Naming::decode(&mut body).ok()?.encode(&mut names);
                }
                let mut parts = Vec::new();
                let growing = GrowingNames::put(&mut parts, count, vec![names], padding);
                let first = out.len() + parts[0].len();
                for entry in &mut entries {
                    *entry += first;
                }
                let growing = growing.moved(out.len());
                entries.push(growing.end());
                functions = Some(growing);
                out.extend(parts.concat());
            }
            NameSubsectionId::Module | NameSubsectionId::Local => out.extend_from_slice(whole),
            _ => others.extend_from_slice(whole),
        }
    }
    let functions: GrowingNames = functions?;
    if entries.len() != padding as usize + 1 {
        return None;
    }
    out.extend_from_slice(&others);
    let end = out.len();
    let size = end - start - 1 - FIXED32;
    write_u32_fixed(&mut out[start + 1..], size as u32);
    put_padding(out, room_behind(end - functions.limit(), 16, 128));
    Some(NamesPlace {
        start,
        functions,
        entries,
        end,
        others,
        limit: out.len(),
    })
}

fn data_places(module: &Module, map: &FlushMap) -> Vec<Option<DatumPlace>> {
    let mut places = vec![None; module.decls.data.len()];
    for (slot, generation, decl) in module.decls.data.iter_generations() {
        if !decl.is_defined() {
            continue;
        }
        let location = map.get(DataId::new(slot, generation));
        let size = decl.body.size(&module.arena);
        let room = if has_room(&decl.body) {
            room_of(size)
        } else {
            0
        };
        let start = location.as_ref().map(|location| location.range.clone());
        places[slot as usize] = Some(DatumPlace {
            generation,
            start: start
                .filter(|range| !range.is_empty())
                .map(|range| range.start),
            room: size + room,
            passive: decl.body.passive,
            tls: decl.body.is_tls(),
            segment: decl.body.segment.clone(),
            index: location.and_then(|location| location.index),
        });
    }
    places
}

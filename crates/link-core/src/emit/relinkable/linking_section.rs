//! What the linker says in the `linking` section: symbols, what segments are, init
//! functions, comdats.

use wasm_format::linking::{ComdatKind, InitFunc, SegmentFlags, SegmentInfo, SymbolEntry};

use super::SectionIndices;
use super::symbol_table::SymbolTable;
use crate::emit::entries::Sources;
use crate::emit::linking_tables::{ComdatMembers, LinkingTables};
use crate::ids::{FileId, ObjCustom, ObjFunc};
use crate::plan::segments::{DataSource, OutputSegment, SegmentPlace};

/// The section's contents after its name.
pub(super) fn write(
    sources: &Sources<'_, '_>,
    indices: &SectionIndices,
    table: &SymbolTable<'_>,
) -> Vec<u8> {
    let mut symbols: Vec<SymbolEntry<'_>> = table.entries.clone();
    for (&index, name) in &table.composed {
        symbols[index as usize].name = Some(name);
    }
    let mut out = Vec::new();
    LinkingTables {
        segments: segments(sources),
        init_funcs: init_functions(sources, table),
        comdats: comdats(sources, indices),
        symbols,
    }
    .encode(&mut out);
    out
}

/// What the segments in the file are.
fn segments<'a>(sources: &Sources<'_, 'a>) -> Vec<SegmentInfo<'a>> {
    let data = &sources.plan.data;
    data.file_segments()
        .into_iter()
        .map(|range| {
            let joined = &data.segments[range.start as usize..range.end as usize];
            let flags = joined
                .iter()
                .map(|segment| segment_flags(sources, segment))
                .reduce(|common, flags| SegmentFlags(common.0 & flags.0));
            let align_log2 = joined.iter().map(|segment| segment.align_log2).max();
            SegmentInfo {
                name: data.file_name(&range),
                align_log2: align_log2.unwrap_or(0),
                flags: flags.unwrap_or(SegmentFlags::NONE),
            }
        })
        .collect()
}

/// What is true of all of a segment: strings can be merged only if nothing but strings
/// is in it.
fn segment_flags(sources: &Sources<'_, '_>, segment: &OutputSegment<'_>) -> SegmentFlags {
    let mut all = segment.pieces.iter().map(|piece| match piece.source {
        DataSource::Segment(file, id) => sources.resolution.object(file).segments[id.index()].flags,
        DataSource::Strings(_) => SegmentFlags::STRINGS,
    });
    let first = all.next().unwrap_or(SegmentFlags::NONE);
    all.fold(first, |common, flags| SegmentFlags(common.0 & flags.0))
}

/// Init functions in the order of their priorities, then of the files.
fn init_functions(sources: &Sources<'_, '_>, table: &SymbolTable<'_>) -> Vec<InitFunc> {
    let resolution = sources.resolution;
    let mut found = Vec::new();
    for (file, object) in resolution.objects() {
        for init in &object.init_funcs {
            let symbol = resolution.symbol_ref(file, init.symbol);
            if let (Some(_), Some(symbol)) = (resolution.function(symbol), table.index(symbol)) {
                found.push(InitFunc {
                    priority: init.priority,
                    symbol,
                });
            }
        }
    }
    found.sort_by_key(|init| init.priority);
    found
}

/// Comdats and what the output has of them. In a finished module, segments and custom
/// sections hold more than a comdat's part: only functions are members there.
fn comdats<'a>(sources: &Sources<'_, 'a>, indices: &SectionIndices) -> ComdatMembers<'a> {
    let (resolution, plan) = (sources.resolution, sources.plan);
    let mut all = ComdatMembers::default();
    for (file, object) in resolution.objects() {
        let mut comdats = ComdatMembers::of_names(object.comdats.names(&object.symbols));
        for (i, function) in object.functions.iter().enumerate() {
            let index = plan
                .functions
                .of(file, ObjFunc(i as u32))
                .map(|index| index.0);
            comdats.add(function.comdat(), ComdatKind::Function, index);
        }
        if sources.options.is_relocatable() {
            for (i, segment) in object.segments.iter().enumerate() {
                let index = match plan.data.files[file.index()][i] {
                    SegmentPlace::Whole { output, .. } | SegmentPlace::Strings { output, .. } => {
                        indices.segments[output as usize].map(|place| place.index)
                    }
                    SegmentPlace::Absent => None,
                };
                comdats.add(segment.comdat, ComdatKind::Data, index);
            }
            for (i, custom) in object.customs.iter().enumerate() {
                let index = custom_index(sources, indices, file, ObjCustom(i as u32));
                comdats.add(custom.comdat, ComdatKind::Section, index);
            }
        }
        comdats.drop_empty();
        all.append(comdats);
    }
    all.sort();
    all
}

fn custom_index(
    sources: &Sources<'_, '_>,
    indices: &SectionIndices,
    file: FileId,
    custom: ObjCustom,
) -> Option<u32> {
    let (section, _) = sources.plan.customs.placed(file, custom)?;
    Some(indices.customs[section as usize])
}

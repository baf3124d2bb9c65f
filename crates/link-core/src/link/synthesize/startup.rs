//! Functions that run before the program's own: they fill memory that several threads
//! share, and write the addresses that only a loader knows.

use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::RelocType;

use super::{needs_got, target};
use crate::link::features::Features;
use crate::link::ids::{FileId, ObjSegment};
use crate::link::liveness::Liveness;
use crate::link::object::{ObjReloc, ObjTarget, Segment};
use crate::link::options::Options;
use crate::link::resolution::{Definition, MadeFunction, Resolution, SymbolRef};
use crate::link::synthesis::{SynthFunction, Synthesis};

/// Adds the functions that this output needs, and decides which of them is the module's
/// start function.
pub(super) fn add(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    features: &Features,
    synthesis: &mut Synthesis<'_>,
) {
    if options.is_relocatable() {
        return;
    }
    // Without threads, thread-local data is data like any other.
    let threads = options.memory.shared;
    let got = |tls: bool| {
        synthesis
            .got_internal
            .iter()
            .any(|&symbol| (threads && is_tls(resolution, symbol)) == tls)
    };
    let segments: Vec<(FileId, &Segment<'_>)> = live_segments(resolution, live).collect();
    let addresses = |tls: bool, loaded: bool| {
        segments.iter().any(|&(file, segment)| {
            (threads && segment.flags.contains(SegmentFlags::TLS)) == tls
                && addresses(segment).any(|reloc| {
                    !loaded || needs_got(resolution, options, target(resolution, file, &reloc))
                })
        })
    };
    let init_memory = needs_init_memory(&segments, options, features);
    let apply_globals = options.is_pic() && !features.has("extended-const") && got(false);
    let wanted = [
        // What has its place already needs the addresses of other modules alone.
        (
            MadeFunction::ApplyDataRelocs,
            addresses(false, !options.is_pic()),
        ),
        (MadeFunction::InitMemory, init_memory),
        (MadeFunction::ApplyGlobalTlsRelocs, got(true)),
        (MadeFunction::ApplyTlsRelocs, addresses(true, false)),
        (MadeFunction::ApplyGlobalRelocs, apply_globals),
        (MadeFunction::Start, apply_globals && init_memory),
    ];
    for (made, wanted) in wanted {
        if wanted {
            synthesis.functions.push(SynthFunction::Made(made));
        }
    }
    synthesis.start = match (apply_globals, init_memory) {
        (true, true) => Some(MadeFunction::Start),
        (true, false) => Some(MadeFunction::ApplyGlobalRelocs),
        (false, true) => Some(MadeFunction::InitMemory),
        (false, false) => None,
    };
}

/// Whether memory is filled by code: where threads share it, so that only the first one
/// fills it, and where it comes from outside and need not be zero.
fn needs_init_memory(
    segments: &[(FileId, &Segment<'_>)],
    options: &Options,
    features: &Features,
) -> bool {
    if options.memory.shared {
        return !segments.is_empty();
    }
    options.memory_import().is_some()
        && features.has("bulk-memory")
        && !options.emit_relocs
        && segments
            .iter()
            .any(|(_, segment)| segment.name.starts_with(".bss") && segment.size > 0)
}

pub(super) fn live_segments<'r, 'a>(
    resolution: &'r Resolution<'a>,
    live: &'r Liveness,
) -> impl Iterator<Item = (FileId, &'r Segment<'a>)> {
    resolution.objects().flat_map(move |(file, object)| {
        object
            .segments
            .iter()
            .enumerate()
            .filter(move |&(i, _)| is_live(live, file, i))
            .map(move |(_, segment)| (file, segment))
    })
}

fn is_live(live: &Liveness, file: FileId, segment: usize) -> bool {
    live.segment(file, ObjSegment(segment as u32))
}

/// The places of a segment that hold addresses or table slots, which in position-independent
/// output are written when it is loaded.
fn addresses<'s>(segment: &'s Segment<'_>) -> impl Iterator<Item = ObjReloc> + 's {
    segment.chunk.relocs.iter().filter(|reloc| {
        matches!(
            reloc.ty,
            RelocType::MemoryAddrI32
                | RelocType::MemoryAddrI64
                | RelocType::TableIndexI32
                | RelocType::TableIndexI64
        )
    })
}

/// Whether a symbol is a place in thread-local storage.
pub(super) fn is_tls(resolution: &Resolution<'_>, symbol: SymbolRef) -> bool {
    segment(resolution, symbol).is_some_and(|segment| segment.flags.contains(SegmentFlags::TLS))
}

/// The segment that a symbol is a place in.
pub(super) fn segment<'r, 'a>(
    resolution: &'r Resolution<'a>,
    symbol: SymbolRef,
) -> Option<&'r Segment<'a>> {
    let Definition::Object { file, symbol } = resolution.definition(symbol) else {
        return None;
    };
    match resolution.target(file, symbol) {
        ObjTarget::Data { segment, .. } => Some(&resolution.object(file).segments[segment.index()]),
        _ => None,
    }
}

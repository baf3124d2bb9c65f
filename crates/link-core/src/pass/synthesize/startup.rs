//! Functions that run before the program's own: they fill memory that several threads
//! share, and write the addresses that only a loader knows.

use wasm_format::linking::SegmentFlags;
use wasm_format::reloc::ValueForm;

use super::{SynthFunction, Synthesis, named_exports, needs_got, target};
use crate::ids::{FileId, ObjSymbol};
use crate::input::object::{ObjReloc, Segment};
use crate::options::Options;
use crate::pass::features::Features;
use crate::pass::mark::Liveness;
use crate::reloc::is_absolute_address;
use crate::resolve::resolution::{MadeFunction, Resolution};

/// Adds the functions that this output needs, and decides which of them is the module's
/// start function.
pub(super) fn add(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    features: &Features,
    synthesis: &mut Synthesis<'_>,
) {
    synthesis.start_functions = start_functions(resolution, live);
    if options.is_relocatable() {
        return;
    }
    let threads = options.has_threads();
    let got = |tls: bool| {
        synthesis.got_internal.iter().any(|&symbol| {
            (threads && resolution.is_thread_local(symbol)) == tls
                && !resolution.is_absolute(symbol)
        })
    };
    let asks = Asks::of_all(resolution, live, options);
    let init_memory = needs_init_memory(asks, options, features);
    let apply_globals = options.is_pic() && !features.has("extended-const") && got(false);
    let start = match (apply_globals, init_memory) {
        _ if !synthesis.start_functions.is_empty() => Some(MadeFunction::Start),
        (true, true) => Some(MadeFunction::Start),
        (true, false) => Some(MadeFunction::ApplyGlobalRelocs),
        (false, true) => Some(MadeFunction::InitMemory),
        (false, false) => None,
    };
    let wanted = [
        (MadeFunction::ApplyDataRelocs, asks.data_relocs),
        (MadeFunction::InitMemory, init_memory),
        (MadeFunction::ApplyGlobalTlsRelocs, got(true)),
        (MadeFunction::ApplyTlsRelocs, asks.tls_relocs),
        (MadeFunction::ApplyGlobalRelocs, apply_globals),
        (MadeFunction::Start, start == Some(MadeFunction::Start)),
    ];
    for (made, wanted) in wanted {
        // A loader may call what this output has no need of: there is nothing to do then.
        if wanted || named_exports::is_made_for(resolution, options, made) {
            synthesis.functions.push(SynthFunction::Made(made));
        }
    }
    synthesis.start = start;
}

/// The start functions of live objects, in the order of the files. One that belongs to a comdat
/// is called once, for the copy that was chosen.
fn start_functions(resolution: &Resolution<'_>, live: &Liveness) -> Vec<(FileId, ObjSymbol)> {
    let objects = resolution.objects();
    let starts = objects.filter_map(|(file, object)| Some((file, object.start?)));
    starts
        .filter(|&(file, start)| {
            let own = resolution.object(file).symbols[start.index()].function();
            let is_copy = own.is_some_and(|own| resolution.function_discarded(file, own));
            live.files[file.index()].any && !is_copy
        })
        .collect()
}

/// What live segments ask of the functions that run at the start.
#[derive(Debug, Clone, Copy, Default)]
struct Asks {
    /// There is a segment at all.
    any: bool,
    /// Some are thread-local, and each thread has its own copy.
    tls: bool,
    /// Some have nothing but zeroes, and more than none.
    zeroes: bool,
    /// Some hold addresses that only a loader knows.
    data_relocs: bool,
    /// Some hold addresses, and each thread has its own copy.
    tls_relocs: bool,
}

impl Asks {
    fn of_all(resolution: &Resolution<'_>, live: &Liveness, options: &Options) -> Self {
        let of_files = resolution.map_objects(|file, object| {
            let mut asks = Self::default();
            for segment in live.segments_of(file, object) {
                asks.add(resolution, options, file, segment);
            }
            asks
        });
        of_files.into_iter().fold(Self::default(), |all, one| Self {
            any: all.any || one.any,
            tls: all.tls || one.tls,
            zeroes: all.zeroes || one.zeroes,
            data_relocs: all.data_relocs || one.data_relocs,
            tls_relocs: all.tls_relocs || one.tls_relocs,
        })
    }

    fn add(
        &mut self,
        resolution: &Resolution<'_>,
        options: &Options,
        file: FileId,
        segment: &Segment<'_>,
    ) {
        self.any = true;
        self.zeroes |= segment.name.starts_with(".bss") && segment.size > 0;
        // Without threads, thread-local data is data like any other.
        if options.has_threads() && segment.flags.contains(SegmentFlags::TLS) {
            self.tls = true;
            self.tls_relocs = self.tls_relocs || addresses(segment).next().is_some();
        } else {
            // What has its place already needs the addresses of other modules alone.
            let is_unknown = |reloc: ObjReloc| {
                let symbol = target(resolution, file, &reloc);
                options.is_pic() || needs_got(resolution, options, symbol)
            };
            self.data_relocs = self.data_relocs || addresses(segment).any(is_unknown);
        }
    }
}

/// Whether memory is filled by code: where threads share it, so that only the first one
/// fills it; where the first thread is to have thread-local data; and where memory comes from
/// outside and need not be zero.
fn needs_init_memory(asks: Asks, options: &Options, features: &Features) -> bool {
    if options.memory.shared {
        return asks.any;
    }
    if options.memory.cooperative && asks.tls {
        return true;
    }
    options.memory_import().is_some()
        && features.has("bulk-memory")
        && !options.emit_relocs
        && asks.zeroes
}

/// The places of a segment that hold addresses or table slots, which in position-independent
/// output are written when it is loaded.
fn addresses<'s>(segment: &'s Segment<'_>) -> impl Iterator<Item = ObjReloc> + 's {
    segment.chunk.relocs.iter().filter(|reloc| {
        let is_number = matches!(reloc.ty.form(), ValueForm::I32 | ValueForm::I64);
        is_absolute_address(reloc.ty) && is_number
    })
}

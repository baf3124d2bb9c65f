//! Relocations of the bodies that the linker writes: which symbols of the output's table they
//! name.

use wasm_format::linking::SymbolFlags;
use wasm_format::reloc::RelocBase;

use crate::emit::entries::Sources;
use crate::hash::{HashMap, HashSet};
use crate::ids::{FileId, FuncIndex, ObjSegment, ObjSymbol};
use crate::input::object::ObjTarget;
use crate::plan::MadeBody;
use crate::plan::made_body::BodyTarget;
use crate::reloc::Reloc;
use crate::resolve::resolution::SymbolRef;

/// The relocations of one body, and the function that it is of.
pub(super) type BodyRelocs = (FuncIndex, Vec<Reloc<BodyTarget>>);

/// The relocations of all these bodies. Their places in data are named by symbols.
#[derive(Default)]
pub(super) struct MadeRelocs {
    /// Of the functions before those of objects, in their order.
    pub(super) first: Vec<BodyRelocs>,
    /// Of the wrappers of exports and of helpers, in their order.
    pub(super) last: Vec<BodyRelocs>,
}

impl MadeRelocs {
    pub(super) fn of(sources: &Sources<'_, '_>) -> Self {
        let plan = sources.plan;
        let mut places = SymbolPlaces {
            sources,
            of_files: HashMap::default(),
        };
        let mut named = |first: u32, bodies: &[MadeBody]| -> Vec<BodyRelocs> {
            let bodies = (first..).zip(bodies);
            bodies
                .map(|(index, body)| {
                    let relocs = body.relocs.iter().map(|reloc| places.named(reloc));
                    (FuncIndex(index), relocs.collect())
                })
                .collect()
        };
        let functions = &plan.functions;
        let first = named(functions.imported, &plan.made_bodies);
        let mut last = named(functions.first_wrapper.0, &plan.wrapper_bodies);
        last.extend(named(functions.first_helper().0, &plan.helper_bodies));
        Self { first, last }
    }

    /// What the relocations name, each once, in their order.
    pub(super) fn targets(&self) -> Vec<BodyTarget> {
        let mut seen = HashSet::default();
        let bodies = self.first.iter().chain(&self.last);
        let relocs = bodies.flat_map(|(_, relocs)| relocs);
        relocs
            .map(|reloc| reloc.target)
            .filter(|&target| seen.insert(target))
            .collect()
    }
}

/// A data symbol of a file: its segment, where it begins there and ends, and whether it is
/// thread-local.
struct SymbolPlace {
    segment: ObjSegment,
    start: u64,
    end: u64,
    tls: bool,
    symbol: ObjSymbol,
}

/// The data symbols of the files that were asked about, in the order of their places.
struct SymbolPlaces<'s, 'l, 'a> {
    sources: &'s Sources<'l, 'a>,
    of_files: HashMap<FileId, Vec<SymbolPlace>>,
}

impl SymbolPlaces<'_, '_, '_> {
    /// A relocation whose place in a segment of an object is named by the symbol there, so that
    /// it moves with that; without one, by the start of the output's segment.
    fn named(&mut self, reloc: &Reloc<BodyTarget>) -> Reloc<BodyTarget> {
        let BodyTarget::ObjectSegment(file, segment) = reloc.target else {
            return *reloc;
        };
        let offset = reloc.addend as u64;
        let tls = reloc.ty.base() == RelocBase::TlsBase;
        if let Some((symbol, start)) = self.find(file, segment, offset, tls) {
            return Reloc {
                target: BodyTarget::Symbol(symbol),
                addend: (offset - start) as i64,
                ..*reloc
            };
        }
        let (target, offset) = match self.sources.plan.data.locate(file, segment, offset) {
            Some((_, offset)) if tls => (BodyTarget::ThreadStorage, offset),
            Some((output, offset)) => (BodyTarget::Segment(output), offset),
            None => (reloc.target, offset),
        };
        Reloc {
            target,
            addend: offset as i64,
            ..*reloc
        }
    }

    /// The symbol that has byte `offset` of a segment, and where it begins.
    fn find(
        &mut self,
        file: FileId,
        segment: ObjSegment,
        offset: u64,
        tls: bool,
    ) -> Option<(SymbolRef, u64)> {
        let resolution = self.sources.resolution;
        let places = self.of_files.entry(file).or_insert_with(|| {
            let object = resolution.object(file);
            let ids = (0..object.symbols.len() as u32).map(ObjSymbol);
            let place = |id| match resolution.target(file, id) {
                ObjTarget::Data {
                    segment,
                    offset,
                    size,
                } => Some(SymbolPlace {
                    segment,
                    start: offset,
                    end: offset + size,
                    tls: object.symbols[id.index()]
                        .flags()
                        .contains(SymbolFlags::TLS),
                    symbol: id,
                }),
                ObjTarget::Function(_)
                | ObjTarget::Absolute { .. }
                | ObjTarget::Global(_)
                | ObjTarget::Table(_)
                | ObjTarget::Tag(_)
                | ObjTarget::Section(_)
                | ObjTarget::Undefined { .. } => None,
            };
            let mut places: Vec<_> = ids.filter_map(place).collect();
            places.sort_by_key(|place| (place.segment, place.start));
            places
        });
        let is_before = |place: &SymbolPlace| (place.segment, place.start) <= (segment, offset);
        let before = &places[..places.partition_point(is_before)];
        // Symbols seldom overlap: one that begins far before does not reach this place.
        let here = (before.iter().rev().take(16)).take_while(|place| place.segment == segment);
        let mut covering = here.filter(|place| offset < place.end && place.tls == tls);
        let place = covering.find(|place| resolution.is_defined_by(file, place.symbol))?;
        Some((resolution.symbol_ref(file, place.symbol), place.start))
    }
}

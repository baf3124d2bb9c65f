//! Writing changed files: the plan of a link in which everything has its place already, and the
//! bytes of each file's functions, data and custom sections.

use super::FullReason;
use super::decide::{Decision, NameMeaning};
use super::state::{KnownPiece, State, unasked};
use crate::emit;
use crate::ids::{FileId, FuncIndex, ObjSymbol, SymbolId, TypeIndex};
use crate::input::object::{Chunk, Object};
use crate::options::Options;
use crate::plan::customs::Customs;
use crate::plan::debug_gaps::ABBREVIATIONS_AT;
use crate::plan::values::{BadReloc, PlanView, Relocator, Site};
use crate::plan::{
    DataLayout, FunctionIndices, GlobalIndices, SegmentPlace, SymbolValues, TableIndices,
    TableSlots, TagIndices, TypeSection, Value,
};
use crate::reloc::takes_slot;
use crate::resolve::resolution::SymbolRef;
use crate::room::{Image, filled_body};

/// Where the parts of the changed files are; each list has one entry for each of them.
pub(super) struct PartPlaces<'p> {
    /// The index of each function.
    pub(super) functions: Vec<Vec<Option<FuncIndex>>>,
    /// The output's index of each type.
    pub(super) types: Vec<Vec<Option<TypeIndex>>>,
    pub(super) segments: &'p [Vec<Option<KnownPiece>>],
    pub(super) customs: &'p [Vec<Option<KnownPiece>>],
}

/// A plan in which everything has its place already.
pub(super) struct PinnedPlan<'a> {
    functions: FunctionIndices,
    globals: GlobalIndices,
    tables: TableIndices,
    tags: TagIndices,
    data: DataLayout<'a>,
    types: TypeSection<'a>,
    customs: Customs<'a>,
    symbols: SymbolValues,
    no_slots: TableSlots,
    imported_memory: bool,
}

impl<'a> PinnedPlan<'a> {
    pub(super) fn new(
        state: &State,
        decision: &Decision<'a>,
        options: &Options,
        places: PartPlaces<'_>,
    ) -> Self {
        let known = || decision.files.iter().map(|file| &state.files[file.index()]);
        let segment = |piece: &Option<KnownPiece>| match piece {
            Some(piece) => SegmentPlace::Whole {
                output: piece.output,
                offset: piece.offset,
            },
            None => SegmentPlace::Absent,
        };
        let segments = places.segments.iter();
        let segments = segments.map(|pieces| pieces.iter().map(segment).collect());
        let custom = |piece: &Option<KnownPiece>| piece.map(|piece| (piece.output, piece.offset));
        let customs = places.customs.iter();
        let customs: Vec<_> = customs
            .map(|pieces| pieces.iter().map(custom).collect())
            .collect();
        let tls = state.segments.iter().map(|segment| segment.tls);
        let tables = known().map(|file| file.tables.clone()).collect();
        let mut plan = Self {
            functions: FunctionIndices::pinned(places.functions),
            globals: GlobalIndices::pinned(known().map(|file| file.globals.clone()).collect()),
            tables: TableIndices::pinned(state.table, tables),
            tags: TagIndices::pinned(known().map(|file| file.tags.clone()).collect()),
            data: DataLayout::pinned(segments.collect(), tls),
            types: TypeSection::pinned(places.types),
            customs: Customs::pinned(&customs),
            symbols: SymbolValues::default(),
            no_slots: TableSlots::default(),
            imported_memory: options.memory_import().is_some(),
        };
        let view = plan.view(state, decision, &plan.no_slots);
        let value = |(i, name): (usize, &NameMeaning)| {
            let id = SymbolRef::Global(SymbolId::new(i as u32));
            name.pinned.unwrap_or_else(|| view.symbol(id))
        };
        let values = decision.names.iter().enumerate().map(value).collect();
        plan.symbols = SymbolValues::pinned(values);
        plan
    }

    fn view<'l>(
        &'l self,
        state: &'l State,
        decision: &'l Decision<'a>,
        slots: &'l TableSlots,
    ) -> PlanView<'l, 'a> {
        PlanView {
            resolution: &decision.resolution,
            liveness: &decision.liveness,
            functions: &self.functions,
            globals: &self.globals,
            tables: &self.tables,
            tags: &self.tags,
            slots,
            data: &self.data,
            memory: &state.memory,
            imported_memory: self.imported_memory,
            threads: false,
            keeps_relocs: false,
            extended_const: state.has_extended_const,
        }
    }

    /// What relocations of the changed files write.
    pub(super) fn relocator<'l>(
        &'l self,
        state: &'l State,
        decision: &'l Decision<'a>,
        slots: &'l TableSlots,
    ) -> Relocator<'l, 'a> {
        Relocator {
            places: self.view(state, decision, slots),
            symbols: &self.symbols,
            types: &self.types,
            code: &state.code.layout,
            customs: &self.customs,
        }
    }

    /// Checks that what others refer to is where it was.
    pub(super) fn check(&self, state: &State, decision: &Decision<'a>) -> Result<(), FullReason> {
        for (i, name) in decision.names.iter().enumerate() {
            let Some(known) = name.known.filter(|_| name.is_needed) else {
                continue;
            };
            let before = state.symbols[known.index()].value;
            let now = self.symbols.get(SymbolId::new(i as u32));
            if before != Value::Dead && before != now {
                return Err(FullReason::Moved);
            }
        }
        let relocator = self.relocator(state, decision, &self.no_slots);
        for ((file, object), id) in decision.resolution.objects().zip(&decision.files) {
            let now = unasked(object).map(|symbol| relocator.called(file, symbol));
            if !now.eq(state.files[id.index()].unasked.iter().copied()) {
                return Err(FullReason::Moved);
            }
        }
        Ok(())
    }

    /// Gives slots to the functions whose addresses are taken; returns those that had none.
    pub(super) fn add_slots(
        &self,
        state: &State,
        decision: &Decision<'a>,
        slots: &mut TableSlots,
    ) -> Vec<u32> {
        let relocator = self.relocator(state, decision, &self.no_slots);
        let mut added = Vec::new();
        for (file, chunk) in live_chunks(decision) {
            for reloc in chunk.relocs.iter().filter(|reloc| takes_slot(reloc.ty)) {
                let value = relocator.symbol(file, ObjSymbol(reloc.target));
                if let Value::Function(function) = value
                    && slots.add(function)
                {
                    added.push(function.0);
                }
            }
        }
        added
    }

    /// The indices of functions, and the values of symbols.
    pub(super) fn into_parts(self) -> (Vec<Vec<Option<FuncIndex>>>, SymbolValues) {
        (self.functions.into_files(), self.symbols)
    }
}

/// Writes the parts of one file.
pub(super) struct FileWriter<'w, 'l, 'a> {
    pub(super) state: &'w State,
    pub(super) image: &'w mut Image,
    pub(super) relocator: &'w Relocator<'l, 'a>,
    pub(super) file: FileId,
    pub(super) object: &'w Object<'a>,
    /// Memory that is used again for each part.
    pub(super) out: Vec<u8>,
}

impl<'a> FileWriter<'_, '_, 'a> {
    /// Relocates a chunk into [`Self::out`].
    fn relocate(&mut self, site: &Site, chunk: &Chunk<'a>) -> Result<(), FullReason> {
        self.out.clear();
        self.out.resize(chunk.bytes.len(), 0);
        emit::write_chunk(self.relocator, site, chunk, &mut self.out).map_err(cannot_be_applied)
    }

    pub(super) fn functions(&mut self, decision: &Decision<'a>) -> Result<(), FullReason> {
        let code = &self.state.code;
        for function in decision.liveness.functions(self.file) {
            let Some(index) = self.relocator.places.functions.of(self.file, function) else {
                continue;
            };
            let (start, size) = code.layout.body(index).ok_or(FullReason::Resolution)?;
            let chunk = self.object.functions.chunk(function);
            self.relocate(&Site::code(self.file), &chunk)?;
            let body = filled_body(&self.out, size);
            self.image.write(code.room.contents + start as usize, &body);
        }
        Ok(())
    }

    /// Writes segments to their places.
    pub(super) fn data(&mut self, places: &[Option<KnownPiece>]) -> Result<(), FullReason> {
        for (segment, place) in self.object.segments.iter().zip(places) {
            let Some(place) = place else {
                continue;
            };
            let output = place.output as usize;
            let Some(at) = self.state.segments[output].at else {
                continue;
            };
            let address = self.state.memory.segments[output] + place.offset;
            self.relocate(&Site::data(self.file, address), &segment.chunk)?;
            self.out.resize(place.capacity as usize, 0);
            self.image.write(at + place.offset as usize, &self.out);
        }
        Ok(())
    }

    /// Writes custom sections to their places.
    pub(super) fn customs(&mut self, places: &[Option<KnownPiece>]) -> Result<(), FullReason> {
        for (custom, place) in self.object.customs.iter().zip(places) {
            let Some(place) = place else {
                continue;
            };
            let output = &self.state.customs[place.output as usize];
            let site = Site::custom(self.file, &output.name);
            let bytes = custom.chunk.bytes;
            if let Some(relocs) = custom.unchecked {
                self.out.clear();
                self.out.resize(bytes.len(), 0);
                let mut relocs = relocs.checker(self.object, bytes.len());
                let out = &mut self.out;
                emit::write_unchecked(self.relocator, &site, bytes, 0, &mut relocs, out)
                    .and_then(|written| relocs.finish().map(|()| written))
                    .map_err(|_| FullReason::Relocation)?
                    .map_err(cannot_be_applied)?;
            } else {
                self.relocate(&site, &custom.chunk)?;
            }
            if let Some(gap) = output.gap {
                self.out.resize(place.capacity as usize, 0);
                gap.fill(&mut self.out[bytes.len()..], ABBREVIATIONS_AT);
            }
            self.image
                .write(output.at + place.offset as usize, &self.out);
        }
        Ok(())
    }
}

/// The error is reported by the full link that follows.
fn cannot_be_applied(_: BadReloc) -> FullReason {
    FullReason::Relocation
}

/// The code and data of the changed files that are live.
fn live_chunks<'d, 'a>(
    decision: &'d Decision<'a>,
) -> impl Iterator<Item = (FileId, Chunk<'a>)> + use<'d, 'a> {
    decision
        .resolution
        .objects()
        .flat_map(move |(file, object)| {
            let liveness = &decision.liveness;
            let functions = liveness
                .functions(file)
                .map(|it| object.functions.chunk(it));
            let segments = liveness.segments_of(file, object).map(|it| it.chunk);
            functions.chain(segments).map(move |chunk| (file, chunk))
        })
}

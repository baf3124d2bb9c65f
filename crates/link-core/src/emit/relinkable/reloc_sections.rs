//! The relocation sections (tool-conventions Linking.md, "Relocation Sections"): those of
//! the objects' chunks, which now name the output's symbols and places.

use wasm_format::SectionId;
use wasm_format::linking::SymbolKind;
use wasm_format::reloc::{RelocBase, RelocSection, RelocTarget, RelocType};

use super::made_relocs::{BodyRelocs, MadeRelocs};
use super::symbol_table::SymbolTable;
use super::{NamedSection, SectionIndices};
use crate::emit::entries::Sources;
use crate::emit::linking_tables::reloc_section_name;
use crate::ids::{FileId, ObjSymbol, ObjType};
use crate::input::object::{Chunk, ObjReloc, expected_kind};
use crate::par;
use crate::plan::customs::CustomContents;
use crate::plan::segments::DataSource;
use crate::reloc::{Reloc, takes_slot};
use crate::resolve::resolution::{Definition, SymbolRef};

/// Entries of a part of a section: how many, and their bytes.
#[derive(Default)]
struct RelocPart {
    count: u32,
    bytes: Vec<u8>,
}

/// The sections, each behind the one it patches is named after; those without entries are
/// left out.
pub(super) fn write(
    sources: &Sources<'_, '_>,
    indices: &SectionIndices,
    table: &SymbolTable<'_>,
    made: &MadeRelocs,
) -> Vec<NamedSection> {
    let translator = Translator { sources, table };
    let plan = sources.plan;
    let mut sections = Vec::new();
    let mut add = |name: &str, section: u32, parts: Vec<RelocPart>| {
        let count: u32 = parts.iter().map(|part| part.count).sum();
        if count == 0 {
            return;
        }
        let mut header = Vec::new();
        RelocSection::encode_header(section, count, &mut header);
        let parts = parts.into_iter().map(|part| part.bytes);
        let name = reloc_section_name(name);
        sections.push((name, std::iter::once(header).chain(parts).collect()));
    };
    if let Some(section) = indices.code {
        let mut parts = vec![translator.made(&made.first)];
        let of_files = sources
            .resolution
            .map_objects(|file, _| translator.code(file));
        parts.extend(of_files);
        parts.push(translator.made(&made.last));
        add(SectionId::Code.name(), section, parts);
    }
    if let Some(section) = indices.data {
        let parts = par::map_indices(indices.segments.len(), |segment| {
            indices.segments[segment]
                .map(|place| translator.data(segment, place.start))
                .unwrap_or_default()
        });
        add(SectionId::Data.name(), section, parts);
    }
    for (metadata, &section) in plan.metadata.iter().zip(&indices.metadata) {
        let mut part = RelocPart::default();
        for (file, reloc) in &metadata.relocs {
            translator.reloc(*file, reloc, 0, &mut part);
        }
        add(metadata.name, section, vec![part]);
    }
    for (custom, &section) in plan.customs.sections.iter().zip(&indices.customs) {
        let CustomContents::Pieces(pieces) = &custom.contents else {
            continue;
        };
        let parts = par::map_indices(pieces.len(), |piece| {
            let piece = &pieces[piece];
            let source = &sources.resolution.object(piece.file).customs[piece.custom.index()];
            let mut part = RelocPart::default();
            translator.chunk(piece.file, source.chunk, piece.offset, &mut part);
            part
        });
        add(custom.name, section, parts);
    }
    sections
}

/// Says of an object's relocations what they are in the output.
struct Translator<'s, 'l, 'a> {
    sources: &'s Sources<'l, 'a>,
    table: &'s SymbolTable<'a>,
}

impl Translator<'_, '_, '_> {
    /// The relocations of bodies that the linker wrote.
    fn made(&self, bodies: &[BodyRelocs]) -> RelocPart {
        let mut part = RelocPart::default();
        for (function, relocs) in bodies {
            let start = self.sources.plan.code.body_offset(*function);
            for reloc in relocs {
                if let (Some(start), Some(index)) = (start, self.table.made(reloc.ty, reloc.target))
                {
                    let reloc = Reloc {
                        ty: reloc.ty,
                        offset: reloc.offset,
                        target: index,
                        addend: reloc.addend,
                    };
                    reloc.entry(start).encode(&mut part.bytes);
                    part.count += 1;
                }
            }
        }
        part
    }

    fn code(&self, file: FileId) -> RelocPart {
        let plan = self.sources.plan;
        let functions = &self.sources.resolution.object(file).functions;
        let mut part = RelocPart::default();
        for function in self.sources.liveness.functions(file) {
            let index = plan.functions.of(file, function);
            if let Some(start) = index.and_then(|index| plan.code.body_offset(index)) {
                self.chunk(file, functions.chunk(function), u64::from(start), &mut part);
            }
        }
        part
    }

    fn data(&self, segment: usize, start: u64) -> RelocPart {
        let mut part = RelocPart::default();
        for piece in &self.sources.plan.data.segments[segment].pieces {
            // Merged strings hold no relocations.
            if let DataSource::Segment(file, id) = piece.source {
                let source = &self.sources.resolution.object(file).segments[id.index()];
                self.chunk(file, source.chunk, start + piece.offset, &mut part);
            }
        }
        part
    }

    /// The relocations of a chunk that begins at `start` of its section's contents.
    fn chunk(&self, file: FileId, chunk: Chunk<'_>, start: u64, part: &mut RelocPart) {
        for reloc in chunk.relocs.iter() {
            self.reloc(file, &reloc, start, part);
        }
    }

    fn reloc(&self, file: FileId, reloc: &ObjReloc, start: u64, part: &mut RelocPart) {
        // What names nothing of the output has its last value already.
        if let Some((index, addend)) = self.target(file, reloc) {
            let reloc = Reloc {
                ty: self.ty(file, reloc),
                offset: reloc.offset,
                target: index,
                addend,
            };
            // Sections beyond 4 GiB are refused where they are planned.
            reloc.entry(start as u32).encode(&mut part.bytes);
            part.count += 1;
        }
    }

    /// The type of a relocation in the output, where an address that a file declares as a
    /// function's is one of data.
    fn ty(&self, file: FileId, reloc: &ObjReloc) -> RelocType {
        if !takes_slot(reloc.ty) || !self.is_address(file, reloc) {
            return reloc.ty;
        }
        let same_place = |ty: &RelocType| {
            ty.target() == RelocTarget::Memory
                && ty.base() == reloc.ty.base()
                && ty.form() == reloc.ty.form()
        };
        let found = RelocType::ALL.iter().copied().find(same_place);
        found.unwrap_or(reloc.ty)
    }

    /// Whether what a file declares as a function is an address. In an object file, it is
    /// nothing yet.
    fn is_address(&self, file: FileId, reloc: &ObjReloc) -> bool {
        let resolution = self.sources.resolution;
        let symbol = resolution.symbol_ref(file, ObjSymbol(reloc.target));
        !self.sources.options.is_relocatable() && resolution.kind(symbol) == SymbolKind::Data
    }

    /// The index and addend of a relocation in the output; `None` if it refers to what is
    /// not there.
    fn target(&self, file: FileId, reloc: &ObjReloc) -> Option<(u32, i64)> {
        let sources = self.sources;
        if reloc.ty.target() == RelocTarget::Type {
            let ty = sources.plan.types.files[file.index()][ObjType(reloc.target).index()]?;
            return Some((ty.0, reloc.addend));
        }
        let symbol = sources.resolution.symbol_ref(file, ObjSymbol(reloc.target));
        if reloc.ty.target() == RelocTarget::SectionOffset {
            return self.section_offset(symbol, reloc.addend);
        }
        // Nor has data an index among functions, or a place relative to the table's base.
        let is_slot = takes_slot(reloc.ty) && reloc.ty.base() == RelocBase::Absolute;
        let of_function = !is_slot && expected_kind(reloc.ty) == Some(SymbolKind::Function);
        if of_function && self.is_address(file, reloc) {
            return None;
        }
        // Stubs have no slot: their address is null.
        let null = takes_slot(reloc.ty)
            && matches!(sources.resolution.definition(symbol), Definition::Stub(_));
        if null {
            return None;
        }
        Some((self.table.referred(reloc.ty, symbol)?, reloc.addend))
    }

    /// Sections of objects lie one behind the other in a section of the output.
    fn section_offset(&self, symbol: SymbolRef, addend: i64) -> Option<(u32, i64)> {
        let (file, custom) = self.sources.resolution.section(symbol)?;
        let (section, placed) = self.sources.plan.customs.placed(file, custom)?;
        let offset = placed.locate(addend);
        // Addends have 32 bits, and so do offsets: beyond 2 GiB they look negative.
        Some((self.table.section(section), i64::from(offset as u32 as i32)))
    }
}

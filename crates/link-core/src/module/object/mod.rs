//! Writing a relocatable object (tool-conventions Linking.md): the same sections as a
//! finished module has, and beside them what a linker needs to move their contents.
//!
//! Places that are relocated hold the values they would have if this object were all there
//! is, as the conventions ask; they are written by the same code that a flush uses.

mod input;
mod view;

use tracing::info_span;
use wasm_format::SectionId;
use wasm_format::linking::LINKING_SECTION;
use wasm_format::reloc::RelocSection;

use super::Module;
use super::flush::{
    FlushError, FlushMap, FlushOutcome, Flushed, Form, ModuleWriter, Problem, append,
};
use crate::emit::linking_tables::reloc_section_name;
use crate::reloc::Reloc;

pub use input::LinkInput;
use view::View;

impl Module {
    /// Writes the module as a relocatable object, which `wasm-ld` links with others, and
    /// so does the linker of this crate.
    ///
    /// Every declaration is a symbol, an import an undefined one. What is exported has the
    /// flag that makes a linker export it; under another name than its own, by a second
    /// symbol of that name. The memory, the stack and the function table are the linker's,
    /// so what was said about the size, import and export of the memory has no place here.
    /// The start function becomes the last init function, because objects have no start.
    ///
    /// # Errors
    /// If the module is not complete, or has what an object cannot say: element segments
    /// of the caller's, globals whose initial value needs a linker, tables that are exported
    /// under another name, and custom sections and segments with names that linkers take for
    /// something else.
    pub fn write_object(&self) -> Result<Flushed, FlushError> {
        let mut bytes = Vec::new();
        let map = self.write_object_into(&mut bytes)?;
        Ok(Flushed { bytes, map })
    }

    /// Appends the object to a buffer.
    ///
    /// # Errors
    /// As [`write_object`](Self::write_object); the buffer is then as it was.
    pub fn write_object_into(&self, out: &mut Vec<u8>) -> Result<FlushMap, FlushError> {
        let span = info_span!(
            "write_object",
            functions = self.decls.funcs.len(),
            bytes = 0
        );
        let _entered = span.enter();
        append(out, &span, |out| self.encode_object(out))
    }

    fn encode_object(&self, out: &mut Vec<u8>) -> Result<FlushOutcome, Vec<Problem>> {
        let view = self.view()?;
        let mut writer = ModuleWriter::new(self, &view.numbers, &view.layout, Form::Object, out);
        writer.sections();
        writer.linking(&view);
        writer.reloc_code(&view);
        writer.reloc_data(&view);
        writer.reloc_customs(&view);
        writer.producers();
        writer.target_features();
        let (map, problems) = writer.finish();
        Ok((map.with_functions(view.numbers.functions), problems))
    }
}

impl ModuleWriter<'_> {
    fn linking(&mut self, view: &View<'_>) {
        let tables = view.linking_tables(self.first_custom);
        self.custom_section(LINKING_SECTION, |w| tables.encode(w.out.bytes));
    }

    fn reloc_code(&mut self, view: &View<'_>) {
        let section = self.code_section;
        let numbers = self.numbers;
        let arena = &self.module.arena;
        let holes_of = |span| arena.holes(span).len() + arena.calls(span).len();
        let count = numbers
            .defined_funcs
            .iter()
            .map(|function| holes_of(function.span))
            .sum();
        self.relocs(SectionId::Code.name(), section, count, |w| {
            for (function, start) in numbers.defined_funcs.iter().zip(w.body_starts()) {
                let base = start - w.code_contents;
                let relocs = arena.all_holes(function.span).map(|hole| view.reloc(&hole));
                w.entries_at(base, relocs);
            }
        });
    }

    fn reloc_data(&mut self, view: &View<'_>) {
        let section = self.data_section;
        let relocs = |segment: &view::SegmentView<'_>| segment.holes.len() + segment.slots.len();
        let count = view.segments.iter().map(relocs).sum();
        self.relocs(SectionId::Data.name(), section, count, |w| {
            for (segment, start) in view.segments.iter().zip(w.segment_starts.clone()) {
                let base = start - w.data_contents;
                let holes = segment.holes.iter().map(|hole| view.reloc(hole));
                w.entries_at(base, holes.chain(segment.slots.iter().copied()));
            }
        });
    }

    fn reloc_customs(&mut self, view: &View<'_>) {
        let module = self.module;
        for (section, (_, decl)) in (self.first_custom..).zip(module.decls.customs.iter()) {
            let holes = module.arena.holes(decl.body.span);
            let name = &decl.head.name;
            self.relocs(name, section, holes.len(), |w| {
                w.entries_at(0, holes.iter().map(|hole| view.reloc(hole)));
            });
        }
    }

    /// Writes the section that relocates section number `section`, unless it is empty.
    fn relocs(&mut self, name: &str, section: u32, count: usize, fill: impl FnOnce(&mut Self)) {
        if count == 0 {
            return;
        }
        self.custom_section(&reloc_section_name(name), |w| {
            RelocSection::encode_header(section, count as u32, w.out.bytes);
            fill(w);
        });
    }

    /// Appends entries of a chunk that begins `base` bytes into its section.
    fn entries_at(&mut self, base: usize, relocs: impl Iterator<Item = Reloc<u32>>) {
        for reloc in relocs {
            reloc.entry(base as u32).encode(self.out.bytes);
        }
    }
}

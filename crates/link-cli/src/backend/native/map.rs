//! `--Map`: what is where in the output, in the form of `wasm-ld`'s map.
//!
//! As in that map, an offset within a section counts the section's contents from where the
//! section's header begins: it is short of the offset in the file by the size of the header.

use std::fmt::{self, Write};

use link_core::report::map::{LinkMap, MapChunk, MapKind, MapSection};
use wasm_format::{SectionId, leb128};

use super::reports::INTERNAL;

/// The map. `shown` is how a symbol's name is printed.
pub(super) fn print(map: &LinkMap, shown: impl Fn(&str) -> String) -> String {
    let mut text = "    Addr      Off     Size Out     In      Symbol\n".to_owned();
    let printer = Printer {
        map,
        shown: &shown,
        text: &mut text,
    };
    // A string takes all that is written to it.
    let _ = printer.print();
    text
}

struct Printer<'p> {
    map: &'p LinkMap,
    shown: &'p dyn Fn(&str) -> String,
    text: &'p mut String,
}

impl Printer<'_> {
    fn print(mut self) -> fmt::Result {
        for section in &self.map.sections {
            let size = section.range.end - section.range.start;
            let id = SectionId::from_u8(section.id);
            self.row(None, section.range.start, size)?;
            match (&section.name, id) {
                (Some(name), _) => writeln!(self.text, "CUSTOM({name})")?,
                (None, Some(id)) => writeln!(self.text, "{}", name(id))?,
                (None, None) => writeln!(self.text, "{}", section.id)?,
            }
            match id {
                Some(SectionId::Global) => self.globals()?,
                Some(SectionId::Code) => self.functions(section)?,
                Some(SectionId::Data) => self.data(section)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The columns of numbers, and the space before what they are about.
    fn row(&mut self, address: Option<u64>, offset: u64, size: u64) -> fmt::Result {
        match address {
            Some(address) => write!(self.text, "{address:8x} {offset:8x} {size:8x} "),
            None => write!(self.text, "{:>8} {offset:8x} {size:8x} ", "-"),
        }
    }

    fn globals(&mut self) -> fmt::Result {
        for global in &self.map.globals {
            self.row(Some(global.index.into()), 0, 0)?;
            writeln!(self.text, "        {}", (self.shown)(&global.name))?;
        }
        Ok(())
    }

    fn functions(&mut self, section: &MapSection) -> fmt::Result {
        let map = self.map;
        for chunk in &map.chunks {
            let (MapKind::Function(_), Some(range)) = (chunk.kind, &chunk.range) else {
                continue;
            };
            // The size that stands before the body belongs to it.
            let before = leb128::len_u32(chunk.size as u32) as u64;
            let offset = range.start - before - section.header;
            let size = chunk.size + before;
            self.row(None, offset, size)?;
            self.chunk(chunk)?;
            for place in &chunk.symbols {
                // An undefined function has no size: the stub that replaces it does not count.
                let size = if place.size == 0 { 0 } else { size };
                self.row(None, offset, size)?;
                self.symbol(&place.name)?;
            }
        }
        Ok(())
    }

    fn data(&mut self, section: &MapSection) -> fmt::Result {
        let map = self.map;
        // Pieces are in the order of their segments.
        let mut pieces = map.chunks.iter().filter_map(piece).peekable();
        for (i, segment) in map.segments.iter().enumerate() {
            let offset = match &segment.entry {
                Some(entry) => entry.start - section.header,
                None => section.range.start,
            };
            self.row(Some(segment.address), offset, segment.size)?;
            writeln!(self.text, "{}", segment.name)?;
            while let Some((_, address, chunk)) = pieces.next_if(|piece| piece.0 as usize == i) {
                let offset = chunk.range.as_ref();
                let offset = offset.map(|range| range.start - section.header);
                self.row(Some(address), offset.unwrap_or(0), chunk.size)?;
                self.chunk(chunk)?;
                for place in &chunk.symbols {
                    let offset = offset.map_or(0, |offset| offset + place.offset);
                    self.row(place.address, offset, place.size)?;
                    self.symbol(&place.name)?;
                }
            }
        }
        Ok(())
    }

    fn chunk(&mut self, chunk: &MapChunk) -> fmt::Result {
        let file = chunk.file.as_deref().unwrap_or(INTERNAL);
        writeln!(self.text, "        {file}:({})", chunk.name)
    }

    fn symbol(&mut self, name: &str) -> fmt::Result {
        writeln!(self.text, "                {}", (self.shown)(name))
    }
}

/// A piece of a data segment: the segment, its address, and what it is.
fn piece(chunk: &MapChunk) -> Option<(u32, u64, &MapChunk)> {
    match chunk.kind {
        MapKind::Data { segment, address } => Some((segment, address, chunk)),
        MapKind::Function(_) => None,
    }
}

/// What `wasm-ld` calls a section.
fn name(id: SectionId) -> &'static str {
    match id {
        SectionId::Custom => "CUSTOM",
        SectionId::Type => "TYPE",
        SectionId::Import => "IMPORT",
        SectionId::Function => "FUNCTION",
        SectionId::Table => "TABLE",
        SectionId::Memory => "MEMORY",
        SectionId::Tag => "TAG",
        SectionId::Global => "GLOBAL",
        SectionId::Export => "EXPORT",
        SectionId::Start => "START",
        SectionId::Element => "ELEM",
        SectionId::DataCount => "DATACOUNT",
        SectionId::Code => "CODE",
        SectionId::Data => "DATA",
        other => other.name(),
    }
}

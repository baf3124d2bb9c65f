//! The map of a link: what went where. For debuggers, reports, and compilers that patch
//! what they linked.

use std::ops::Range;
use std::sync::Arc;

use wasm_format::leb128;

use super::ids::FuncIndex;
use super::layout::{Contents, Layout, SegmentPlace, Value};
use super::resolution::{Definition, Resolution};

/// What went where. Empty unless [`Options::map`](super::Options::map) asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkMap {
    /// Symbols that are in the output and have a name of their own across files, in the
    /// order in which their names were met.
    pub symbols: Vec<MapSymbol>,
    /// Functions' bodies and data segments of the inputs, in the order of the inputs.
    pub chunks: Vec<MapChunk>,
    /// The output's sections, in order.
    pub sections: Vec<MapSection>,
}

/// A symbol of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapSymbol {
    /// Its name, as it stands in the files.
    pub name: String,
    /// What it is in the output: an index, or an address in bytes.
    pub value: Value,
    /// The file that defines it; `None` for the linker's own and for imports.
    pub file: Option<Arc<str>>,
}

/// A chunk of an input that is in the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapChunk {
    /// The file it comes from.
    pub file: Arc<str>,
    /// Its name: the function's symbol, or the segment's name.
    pub name: String,
    /// What it is.
    pub kind: MapKind,
    /// Where it is in the output, in bytes. `None` for zeroes that need no bytes, and for
    /// strings that were merged with others.
    pub range: Option<Range<u64>>,
}

/// What a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// A function's body, and its index in the output.
    Function(u32),
    /// A data segment, and its address in bytes; `None` for one whose strings were merged.
    Data(Option<u64>),
}

/// A section of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapSection {
    /// Its id; 0 for a custom section.
    pub id: u8,
    /// Where it is in the output, its header included, in bytes.
    pub range: Range<u64>,
}

/// Makes the map.
pub(super) fn collect(resolution: &Resolution<'_>, layout: &Layout<'_>) -> LinkMap {
    LinkMap {
        symbols: symbols(resolution, layout),
        chunks: chunks(resolution, layout),
        sections: layout
            .sections
            .iter()
            .map(|section| MapSection {
                id: section.header.first().copied().unwrap_or(0),
                range: section.offset..section.contents_offset() + section.size,
            })
            .collect(),
    }
}

fn symbols(resolution: &Resolution<'_>, layout: &Layout<'_>) -> Vec<MapSymbol> {
    resolution
        .symbols()
        .filter_map(|(id, symbol)| {
            let value = layout.symbols.get(id);
            if matches!(value, Value::Dead | Value::Undefined) {
                return None;
            }
            let file = match symbol.definition {
                Definition::Object { file, .. } => Some(resolution.object(file).name.clone()),
                _ => None,
            };
            Some(MapSymbol {
                name: symbol.name.to_owned(),
                value,
                file,
            })
        })
        .collect()
}

fn chunks(resolution: &Resolution<'_>, layout: &Layout<'_>) -> Vec<MapChunk> {
    let mut chunks = Vec::new();
    for (file, object) in resolution.objects() {
        for (i, function) in object.functions.iter().enumerate() {
            let Some(index) = layout.functions.files[file.index()][i] else {
                continue;
            };
            chunks.push(MapChunk {
                file: object.name.clone(),
                name: function.name.to_owned(),
                kind: MapKind::Function(index.0),
                range: layout.body_range(index),
            });
        }
        for (i, segment) in object.segments.iter().enumerate() {
            let (address, range) = match layout.data.files[file.index()][i] {
                SegmentPlace::Absent => continue,
                SegmentPlace::Whole { output, offset } => (
                    Some(layout.memory.segments[output as usize] + offset),
                    layout.data_range(output, offset, segment.size),
                ),
                SegmentPlace::Strings { .. } => (None, None),
            };
            chunks.push(MapChunk {
                file: object.name.clone(),
                name: segment.name.to_owned(),
                kind: MapKind::Data(address),
                range,
            });
        }
    }
    chunks
}

impl Layout<'_> {
    /// Where a function's body (after its size field) is in the output, in bytes.
    fn body_range(&self, function: FuncIndex) -> Option<Range<u64>> {
        let code = self
            .sections
            .iter()
            .find(|section| matches!(section.contents, Contents::Code))?;
        // Offsets of bodies count from the section's contents, of which the header holds
        // the count.
        let contents = code.contents_offset() - leb128::len_u32(self.code.count()) as u64;
        let start = contents + u64::from(self.code.body_offset(function)?);
        Some(start..start + u64::from(self.code.body_size(function)?))
    }

    /// Where `size` bytes at `offset` of an output segment are in the output.
    fn data_range(&self, segment: u32, offset: u64, size: u64) -> Option<Range<u64>> {
        self.sections.iter().find_map(|section| {
            let Contents::Data(headers) = &section.contents else {
                return None;
            };
            let header = (headers.iter()).find(|header| header.segments.contains(&segment))?;
            let count = leb128::len_u32(headers.len() as u32) as u64;
            let bytes =
                section.contents_offset() - count + header.offset + header.bytes.len() as u64;
            let addresses = &self.memory.segments;
            let before = addresses[segment as usize] - addresses[header.segments.start as usize];
            let start = bytes + before + offset;
            Some(start..start + size)
        })
    }
}

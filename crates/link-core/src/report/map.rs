//! The map of a link: what went where. For debuggers, reports, and compilers that patch
//! what they linked.

use std::ops::Range;
use std::sync::Arc;

use wasm_format::{Reader, SectionId};

use crate::emit::outline::{Outline, OutputSection, SectionContents};
use crate::hash::HashMap;
use crate::ids::{FileId, FuncIndex, ObjFunc, ObjGlobal, ObjSegment, ObjSymbol};
use crate::input::object::ObjTarget;
use crate::pass::mark::Liveness;
use crate::pass::synthesize::{SynthFunction, Synthesis};
use crate::plan::{CodeLayout, DataSource, Plan, Value};
use crate::resolve::resolution::{COMMAND_EXPORT, Definition, Resolution, Stub};

/// What went where. Empty unless [`Options::map`](crate::options::Options::map) asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkMap {
    /// Symbols that are in the output and have a name of their own across files, in the
    /// order in which their names were met.
    pub symbols: Vec<MapSymbol>,
    /// Functions' bodies in the order of their indices, then pieces of data segments in
    /// the order of their addresses.
    pub chunks: Vec<MapChunk>,
    /// Globals that the output defines and that have names, in the order of their indices.
    pub globals: Vec<MapGlobal>,
    /// The output's data segments, in the order of their addresses.
    pub segments: Vec<MapSegment>,
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

/// A chunk of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapChunk {
    /// The file it comes from; `None` for what the linker made, merged strings too.
    pub file: Option<Arc<str>>,
    /// Its name: the function's symbol, or the segment's name.
    pub name: String,
    /// What it is.
    pub kind: MapKind,
    /// Its size in bytes; of a function, that of the body.
    pub size: u64,
    /// Where it is in the output, in bytes; of a function, its body. `None` for zeroes
    /// that need no bytes.
    pub range: Option<Range<u64>>,
    /// The symbols in it, those that are local to their file included, in their order
    /// there.
    pub symbols: Vec<MapPlace>,
}

/// What a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// A function's body, and its index in the output.
    Function(u32),
    /// A piece of a data segment.
    Data {
        /// The segment, by its place in [`LinkMap::segments`].
        segment: u32,
        /// The piece's address in bytes.
        address: u64,
    },
}

/// A symbol in a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapPlace {
    /// Its name, as it stands in the files.
    pub name: String,
    /// Where it is in the chunk, in bytes.
    pub offset: u64,
    /// Its size, in bytes; 0 of an undefined function, in the stub that stands for it.
    pub size: u64,
    /// For data, what reaches it: its address in bytes, or for thread-local data its
    /// offset in a thread's storage.
    pub address: Option<u64>,
}

/// A global that the output defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapGlobal {
    /// Its name, as it stands in the files.
    pub name: String,
    /// Its index.
    pub index: u32,
}

/// A data segment of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapSegment {
    /// Its name, such as `.rodata`.
    pub name: String,
    /// Its address in bytes.
    pub address: u64,
    /// Its size in memory, in bytes.
    pub size: u64,
    /// Where it is in the output, in bytes: what stands before its contents, and those.
    /// `None` for zeroes that need no bytes.
    pub entry: Option<Range<u64>>,
}

/// A section of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapSection {
    /// Its id; 0 for a custom section.
    pub id: u8,
    /// The name of a custom section.
    pub name: Option<String>,
    /// Where it is in the output, its header included, in bytes.
    pub range: Range<u64>,
    /// Size of the header: id and size, in bytes.
    pub header: u64,
}

/// Makes the map.
pub(crate) fn collect(
    resolution: &Resolution<'_>,
    liveness: &Liveness,
    synthesis: &Synthesis<'_>,
    plan: &Plan<'_>,
    outline: &Outline,
) -> LinkMap {
    let collector = Collector {
        resolution,
        liveness,
        synthesis,
        plan,
        outline,
        places: places(resolution),
    };
    let mut chunks = collector.functions();
    let segments = collector.segments(&mut chunks);
    LinkMap {
        symbols: collector.symbols(),
        chunks,
        globals: collector.globals(),
        segments,
        // What comes first is the module's own header.
        sections: outline.sections.iter().skip(1).map(section).collect(),
    }
}

/// What symbols lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum MappedChunk {
    Function(FileId, ObjFunc),
    Segment(FileId, ObjSegment),
}

/// The symbols of each chunk that are what their names mean.
fn places(resolution: &Resolution<'_>) -> HashMap<MappedChunk, Vec<ObjSymbol>> {
    let mut places: HashMap<MappedChunk, Vec<ObjSymbol>> = HashMap::default();
    for (file, object) in resolution.objects() {
        for (i, entry) in object.symbols.iter().enumerate() {
            let chunk = match object.symbols.target(entry) {
                ObjTarget::Function(function) => MappedChunk::Function(file, function),
                ObjTarget::Data { segment, .. } => MappedChunk::Segment(file, segment),
                _ => continue,
            };
            let symbol = ObjSymbol(i as u32);
            let meant = resolution.definition(resolution.symbol_ref(file, symbol));
            if meant == (Definition::Object { file, symbol }) {
                places.entry(chunk).or_default().push(symbol);
            }
        }
    }
    places
}

struct Collector<'l, 'a> {
    resolution: &'l Resolution<'a>,
    liveness: &'l Liveness,
    synthesis: &'l Synthesis<'a>,
    plan: &'l Plan<'a>,
    outline: &'l Outline,
    places: HashMap<MappedChunk, Vec<ObjSymbol>>,
}

impl Collector<'_, '_> {
    fn symbols(&self) -> Vec<MapSymbol> {
        self.resolution
            .symbols()
            .filter_map(|(id, symbol)| {
                let value = self.plan.symbols.get(id);
                if matches!(value, Value::Dead | Value::Undefined) {
                    return None;
                }
                let file = match symbol.definition {
                    Definition::Object { file, .. } => {
                        Some(self.resolution.object(file).name.clone())
                    }
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

    fn function(&self, index: FuncIndex, file: Option<Arc<str>>, name: String) -> MapChunk {
        MapChunk {
            file,
            name,
            kind: MapKind::Function(index.0),
            size: self.plan.code.body_size(index).unwrap_or(0).into(),
            range: self.outline.body_range(&self.plan.code, index),
            symbols: Vec::new(),
        }
    }

    fn functions(&self) -> Vec<MapChunk> {
        let mut chunks = Vec::new();
        let mut stubbed = self.stubbed();
        let mut next = FuncIndex(self.plan.functions.imported);
        for function in &self.synthesis.functions {
            chunks.push(match *function {
                SynthFunction::Made(made) => self.function(next, None, made.name().to_owned()),
                SynthFunction::Stub(stub) => {
                    let symbols = stubbed.remove(&stub).unwrap_or_default();
                    self.stub(next, stub, symbols)
                }
            });
            next.0 += 1;
        }
        for (file, object) in self.resolution.objects() {
            for function in self.liveness.functions(file) {
                let Some(index) = self.plan.functions.of(file, function) else {
                    continue;
                };
                let name = object.function_name(function).to_owned();
                let mut chunk = self.function(index, Some(object.name.clone()), name);
                let size = chunk.size;
                let id = MappedChunk::Function(file, function);
                chunk.symbols = self.places_in(file, id, |_, name| MapPlace {
                    name,
                    offset: 0,
                    size,
                    address: None,
                });
                chunks.push(chunk);
            }
        }
        for (nth, &symbol) in self.synthesis.wrappers.iter().enumerate() {
            let name = format!("{}{COMMAND_EXPORT}", self.resolution.symbol(symbol).name);
            let index = self.plan.functions.wrapper(nth as u32);
            chunks.push(self.function(index, None, name));
        }
        let mut next = self.plan.functions.first_helper();
        for name in &self.plan.helper_names {
            chunks.push(self.function(next, None, name.clone()));
            next.0 += 1;
        }
        chunks
    }

    /// A function that traps; if it has no name of its own, it stands for `symbols`.
    fn stub(&self, index: FuncIndex, nth: u32, symbols: Vec<MapPlace>) -> MapChunk {
        let Stub { prefix, name, .. } = self.synthesis.stubs[nth as usize];
        let shown = if name.is_empty() { prefix } else { name };
        MapChunk {
            symbols,
            ..self.function(index, None, shown.to_owned())
        }
    }

    /// The undefined functions that stubs stand for, by stub.
    fn stubbed(&self) -> HashMap<u32, Vec<MapPlace>> {
        let mut stubbed: HashMap<u32, Vec<MapPlace>> = HashMap::default();
        if self.synthesis.undefined_stubs.is_empty() {
            return stubbed;
        }
        for (file, _) in self.resolution.objects() {
            let symbols = &self.resolution.files[file.index()].symbols;
            for &id in symbols.iter().flatten() {
                let symbol = self.resolution.symbol(id);
                let stub = self.synthesis.undefined_stubs.get(&id);
                // A symbol belongs to the first file that mentions it.
                if let Some(&stub) = stub.filter(|_| symbol.file == Some(file)) {
                    stubbed.entry(stub).or_default().push(MapPlace {
                        name: symbol.name.to_owned(),
                        offset: 0,
                        size: 0,
                        address: None,
                    });
                }
            }
        }
        stubbed
    }

    fn places_in(
        &self,
        file: FileId,
        chunk: MappedChunk,
        place: impl Fn(ObjSymbol, String) -> MapPlace,
    ) -> Vec<MapPlace> {
        let symbols = self.places.get(&chunk).into_iter().flatten();
        symbols
            .map(|&symbol| {
                let entry = &self.resolution.object(file).symbols[symbol.index()];
                place(symbol, entry.name.to_owned())
            })
            .collect()
    }

    /// The data segments; their pieces go to `chunks`.
    fn segments(&self, chunks: &mut Vec<MapChunk>) -> Vec<MapSegment> {
        let mut segments = Vec::new();
        for (i, segment) in self.plan.data.segments.iter().enumerate() {
            let number = i as u32;
            let address = self.plan.memory.segments[i];
            let place = self.outline.data_entry(self.plan, number);
            segments.push(MapSegment {
                name: segment.name.to_owned(),
                address,
                size: segment.size,
                entry: place.as_ref().map(|place| place.entry.clone()),
            });
            for piece in &segment.pieces {
                let range = |size| {
                    let start = place.as_ref()?.contents + piece.offset;
                    Some(start..start + size)
                };
                let kind = MapKind::Data {
                    segment: number,
                    address: address + piece.offset,
                };
                chunks.push(match piece.source {
                    DataSource::Strings(merged) => {
                        let size = self.plan.data.merged[merged as usize].size;
                        MapChunk {
                            file: None,
                            name: segment.name.to_owned(),
                            kind,
                            size,
                            range: range(size),
                            symbols: Vec::new(),
                        }
                    }
                    DataSource::Segment(file, input) => {
                        let object = self.resolution.object(file);
                        let from = &object.segments[input.index()];
                        let base = if segment.tls {
                            piece.offset
                        } else {
                            address + piece.offset
                        };
                        MapChunk {
                            file: Some(object.name.clone()),
                            name: from.name.to_owned(),
                            kind,
                            size: from.size,
                            range: range(from.size),
                            symbols: self.data_places(file, input, base),
                        }
                    }
                });
            }
        }
        segments
    }

    fn data_places(&self, file: FileId, segment: ObjSegment, base: u64) -> Vec<MapPlace> {
        self.places_in(file, MappedChunk::Segment(file, segment), |symbol, name| {
            let (offset, size) = match self.resolution.target(file, symbol) {
                ObjTarget::Data { offset, size, .. } => (offset, size),
                _ => (0, 0),
            };
            MapPlace {
                name,
                offset,
                size,
                address: Some(base + offset),
            }
        })
    }

    fn globals(&self) -> Vec<MapGlobal> {
        let cooperative = self.resolution.made.is_cooperative();
        let made = self.synthesis.globals.iter().filter_map(|&made| {
            let index = self.plan.globals.made(made)?;
            Some((made.name(cooperative), index.0))
        });
        let of_objects = self.resolution.objects().flat_map(|(file, object)| {
            object
                .globals
                .iter()
                .enumerate()
                .filter_map(move |(i, global)| {
                    let index = self.plan.globals.object(file, ObjGlobal(i as u32))?;
                    Some((global.name, index.0))
                })
        });
        made.chain(of_objects)
            .map(|(name, index)| MapGlobal {
                name: name.to_owned(),
                index,
            })
            .collect()
    }
}

fn section(section: &OutputSection) -> MapSection {
    let id = section.header.first().copied().unwrap_or(0);
    let mut reader = Reader::new(section.header.get(1..).unwrap_or_default());
    // What the linker wrote can be read.
    let size_field = reader.u32().map_or(0, |_| reader.position());
    let name = (id == SectionId::Custom as u8)
        .then(|| reader.name().ok().map(str::to_owned))
        .flatten();
    MapSection {
        id,
        name,
        range: section.offset..section.contents_offset() + section.size,
        header: 1 + size_field as u64,
    }
}

/// Where a data segment is in the output.
struct DataEntry {
    entry: Range<u64>,
    /// Where its own contents begin.
    contents: u64,
}

impl Outline {
    /// Where a function's body (after its size field) is in the output, in bytes.
    fn body_range(&self, code: &CodeLayout, function: FuncIndex) -> Option<Range<u64>> {
        let section = self
            .sections
            .iter()
            .find(|section| matches!(section.contents, SectionContents::Code))?;
        // Offsets of bodies count from the section's contents, of which the header holds
        // the count.
        let contents = section.contents_offset() - code.count_len();
        let start = contents + u64::from(code.body_offset(function)?);
        Some(start..start + u64::from(code.body_size(function)?))
    }

    /// Where an output segment is in the output; `None` if it is not in the file.
    fn data_entry(&self, plan: &Plan<'_>, segment: u32) -> Option<DataEntry> {
        self.sections.iter().find_map(|section| {
            let SectionContents::Data(headers) = &section.contents else {
                return None;
            };
            let header = headers
                .iter()
                .find(|header| header.segments.contains(&segment))?;
            let start = section.contents_offset() + header.offset;
            let first = plan.memory.segments[header.segments.start as usize];
            let contents = start
                + header.bytes.len() as u64
                + (plan.memory.segments[segment as usize] - first);
            let end = contents + plan.data.segments[segment as usize].size;
            Some(DataEntry {
                entry: start..end,
                contents,
            })
        })
    }
}

//! Data segments of the output: which pieces of input each is made of, and where in it
//! they lie. Addresses come later, from the memory's layout.

use std::ops::Range;

use wasm_format::linking::SegmentFlags;

use super::strings::MergedStrings;
use crate::diag::{Code, Diagnostic};
use crate::hash::HashMap;
use crate::ids::{FileId, ObjSegment};
use crate::input::object::Segment;
use crate::options::Options;
use crate::pass::features::Features;
use crate::pass::mark::Liveness;
use crate::resolve::resolution::Resolution;
use crate::room::room_behind;

/// The output's data.
#[derive(Debug, Default)]
pub struct DataLayout<'a> {
    /// Output segments, in the order of their addresses.
    pub segments: Vec<OutputSegment<'a>>,
    /// For each object, where its segments are.
    pub files: Vec<Vec<SegmentPlace>>,
    /// Merged strings, which pieces of segments refer to.
    pub merged: Vec<MergedStrings<'a>>,
    /// For each of them, its offset in its output segment.
    merged_at: Vec<u64>,
    /// The first segment of each name that has bounds.
    named: HashMap<&'a str, u32>,
    /// Whether all segments that instantiation writes are one in the file.
    pub joined: bool,
    /// The segment that is nothing but room, by its place in [`DataLayout::segments`].
    pub(crate) padding: Option<u32>,
}

/// One segment of the output.
#[derive(Debug)]
pub struct OutputSegment<'a> {
    /// Its name, such as `.rodata`.
    pub name: &'a str,
    /// Its alignment as a power of two.
    pub align_log2: u32,
    /// Its size in memory, in bytes.
    pub size: u64,
    /// The template of thread-local storage.
    pub tls: bool,
    /// What lies in it, in the order of offsets.
    pub pieces: Vec<DataPiece>,
    /// Whether the module holds its contents; otherwise they are zeroes.
    pub in_file: bool,
    /// Not written to memory by instantiation, but by code.
    pub passive: bool,
}

/// What the room behind the data is called. It is no C identifier, so that no symbol asks for its
/// bounds.
const PADDING_SEGMENT: &str = ".padding";

/// What it is aligned to, as a power of two.
const PADDING_ALIGN_LOG2: u32 = 4;

/// What the names of segments of constants begin with.
const READ_ONLY: &str = ".rodata";

impl OutputSegment<'_> {
    /// Whether it holds nothing but zeroes, by its name.
    pub fn is_bss(&self) -> bool {
        self.name.starts_with(".bss")
    }

    /// Whether it holds constants, by its name.
    pub fn is_read_only(&self) -> bool {
        self.name.starts_with(READ_ONLY)
    }
}

/// A piece of an output segment.
#[derive(Debug, Clone, Copy)]
pub struct DataPiece {
    /// Offset in the segment, in bytes.
    pub offset: u64,
    /// What lies there.
    pub source: DataSource,
}

/// Where a piece comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSource {
    /// A segment of an object.
    Segment(FileId, ObjSegment),
    /// Merged strings, by their place in [`DataLayout::merged`].
    Strings(u32),
}

/// Where a segment of an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SegmentPlace {
    /// Left out.
    #[default]
    Absent,
    /// In one piece.
    Whole {
        /// The output segment.
        output: u32,
        /// Offset in that, in bytes.
        offset: u64,
    },
    /// Cut into strings.
    Strings {
        /// The output segment.
        output: u32,
        /// The merged strings, by their place in [`DataLayout::merged`].
        merged: u32,
        /// Which of their inputs it is.
        nth: u32,
    },
}

/// What segments have in common that go into one segment of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct SegmentGroup<'a> {
    name: &'a str,
    /// In an object file, what is said of a segment must stay true of all of it.
    flags: SegmentFlags,
    /// In an object file, a comdat's member is kept or left out by itself.
    alone: Option<(FileId, ObjSegment)>,
}

impl<'a> SegmentGroup<'a> {
    fn of(segment: &Segment<'a>, id: (FileId, ObjSegment), options: &Options) -> Self {
        let name = segment.output_name(options);
        if options.is_relocatable() {
            Self {
                name,
                flags: segment.flags,
                alone: segment.comdat.map(|_| id),
            }
        } else {
            Self {
                name,
                flags: SegmentFlags::NONE,
                alone: None,
            }
        }
    }
}

/// Order of output segments; those of equal rank stay in the order in which the objects
/// have them.
fn rank(name: &str, template_is_last: bool) -> u32 {
    if name.starts_with(READ_ONLY) {
        0
    } else if name.starts_with(".data") {
        1
    } else if name.starts_with(".tdata") {
        // After all that instantiation writes, so that the first segment of position-independent
        // output lies at its base even where the thread-local one is passive.
        if template_is_last { 5 } else { 3 }
    } else if name.starts_with(".bss") {
        4
    } else {
        2
    }
}

/// Whether a segment's strings are merged.
pub(crate) fn is_mergeable(segment: &Segment<'_>, options: &Options) -> bool {
    options.optimize > 0
        && segment.flags.contains(SegmentFlags::STRINGS)
        // Strings of wider characters carry the flag too; their zero bytes end nothing.
        && segment.align_log2 == 0
        // A relocation in a string would change it: such a segment stays as it is.
        && segment.chunk.relocs.is_empty()
        && segment.size == segment.chunk.bytes.len() as u64
}

/// Collects the live segments into output segments.
///
/// # Errors
/// Names every segment of strings whose last one has no end.
pub(crate) fn collect<'a>(
    resolution: &Resolution<'a>,
    liveness: &Liveness,
    options: &Options,
    features: &Features,
) -> Result<DataLayout<'a>, Vec<Diagnostic>> {
    // Imported memory need not be zeroed. Where `memory.fill` exists,
    // __wasm_init_memory clears it; else zeroes are written out.
    // Symbols and relocations name segments by their place in the file.
    let bulk_memory = features.has("bulk-memory");
    let bss_in_file = options.is_relinkable() || options.memory_import().is_some() && !bulk_memory;
    // A loader's base is all that an offset can tell without extended constants.
    let joined = options.is_pic() && !features.has("extended-const") && !options.memory.shared;
    let is_final = !options.is_relocatable();
    // Where all that instantiation writes is one, zeroes may be a part of that.
    let template_is_last = options.memory.cooperative && is_final && joined && bss_in_file;

    let mut by_destination: HashMap<SegmentGroup<'a>, usize> = HashMap::default();
    let mut members: Vec<Vec<(FileId, ObjSegment)>> = Vec::new();
    let mut names: Vec<&'a str> = Vec::new();
    for (file, object) in resolution.objects() {
        let live = &liveness.files[file.index()].segments;
        for (i, segment) in object.segments.iter().enumerate() {
            if !live[i] {
                continue;
            }
            let id = (file, ObjSegment(i as u32));
            let destination = SegmentGroup::of(segment, id, options);
            let slot = *by_destination.entry(destination).or_insert(names.len());
            if slot == names.len() {
                names.push(destination.name);
                members.push(Vec::new());
            }
            members[slot].push(id);
        }
    }
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|&slot| rank(names[slot], template_is_last));

    let mut data = DataLayout {
        files: resolution
            .objects
            .iter()
            .map(|object| vec![SegmentPlace::Absent; object.segments.len()])
            .collect(),
        joined,
        ..DataLayout::default()
    };
    let mut errors = Vec::new();
    for slot in order {
        if options.room && data.padding.is_none() && names[slot].starts_with(".bss") {
            data.add_padding();
        }
        let mut segment = OutputSegment {
            name: names[slot],
            align_log2: 0,
            size: 0,
            tls: false,
            pieces: Vec::new(),
            in_file: true,
            passive: options.memory.shared && is_final,
        };
        segment.in_file = bss_in_file || !segment.is_bss();
        data.place(resolution, options, segment, &members[slot], &mut errors);
    }
    if options.room && data.padding.is_none() {
        data.add_padding();
    }
    if options.memory.cooperative && is_final {
        for segment in &mut data.segments {
            segment.passive = segment.tls;
        }
    }
    for (i, segment) in data.segments.iter().enumerate() {
        // Names with a dot are no C identifiers.
        if !segment.name.starts_with('.') {
            data.named.entry(segment.name).or_insert(i as u32);
        }
    }
    if errors.is_empty() {
        Ok(data)
    } else {
        Err(errors)
    }
}

/// Strings of equal flags, on their way into an output segment.
struct StringGroup {
    flags: SegmentFlags,
    inputs: Vec<(FileId, ObjSegment)>,
}

impl<'a> DataLayout<'a> {
    /// Places that were decided before: for each object, where its segments are. `tls` says of each
    /// output segment whether it is thread-local.
    pub(crate) fn pinned(files: Vec<Vec<SegmentPlace>>, tls: impl Iterator<Item = bool>) -> Self {
        let segment = |tls| OutputSegment {
            name: "",
            align_log2: 0,
            size: 0,
            tls,
            pieces: Vec::new(),
            in_file: true,
            passive: false,
        };
        Self {
            segments: tls.map(segment).collect(),
            files,
            ..Self::default()
        }
    }

    /// The output segment called `name`, a C identifier.
    pub(crate) fn by_name(&self, name: &str) -> Option<usize> {
        self.named.get(name).map(|&i| i as usize)
    }

    /// Which segments become which of the file.
    pub(crate) fn file_segments(&self) -> Vec<Range<u32>> {
        let segments = &self.segments;
        let mut files: Vec<Range<u32>> = Vec::new();
        for (i, segment) in (0..).zip(segments).filter(|(_, segment)| segment.in_file) {
            match files.last_mut() {
                // Those that instantiation writes follow one another.
                Some(last) if self.joined && !segment.passive => last.end = i + 1,
                _ => files.push(i..i + 1),
            }
        }
        files
    }

    /// What a segment of the file is called, one of [`DataLayout::file_segments`].
    pub(crate) fn file_name(&self, range: &Range<u32>) -> &'a str {
        if range.len() > 1 {
            ".data"
        } else {
            self.segments[range.start as usize].name
        }
    }

    /// For each segment, the index of the one of the file that it becomes or is a part of.
    pub(crate) fn file_indices(&self) -> Vec<Option<u32>> {
        let mut indices = vec![None; self.segments.len()];
        for (index, range) in (0..).zip(self.file_segments()) {
            for segment in range {
                indices[segment as usize] = Some(index);
            }
        }
        indices
    }

    /// Adds a segment that is nothing but room, behind all others that the file holds.
    fn add_padding(&mut self) {
        let in_file = self.segments.iter().filter(|segment| segment.in_file);
        let bytes: u64 = in_file.map(|segment| segment.size).sum();
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.padding = Some(self.segments.len() as u32);
        self.segments.push(OutputSegment {
            name: PADDING_SEGMENT,
            align_log2: PADDING_ALIGN_LOG2,
            size: room_behind(bytes, 32, 1024) as u64,
            tls: false,
            pieces: Vec::new(),
            in_file: true,
            passive: false,
        });
    }

    /// Lays out `members` in `segment` and adds that.
    fn place(
        &mut self,
        resolution: &Resolution<'a>,
        options: &Options,
        mut segment: OutputSegment<'a>,
        members: &[(FileId, ObjSegment)],
        errors: &mut Vec<Diagnostic>,
    ) {
        let output = self.segments.len() as u32;
        let mut groups: Vec<StringGroup> = Vec::new();
        segment.pieces.reserve(members.len());
        for &(file, id) in members {
            let input = &resolution.object(file).segments[id.index()];
            segment.align_log2 = segment.align_log2.max(input.align_log2);
            segment.tls |= input.flags.contains(SegmentFlags::TLS);
            if !is_mergeable(input, options) {
                segment.pieces.push(DataPiece {
                    offset: 0,
                    source: DataSource::Segment(file, id),
                });
                continue;
            }
            let group = groups.iter_mut().find(|group| group.flags == input.flags);
            if let Some(group) = group {
                group.inputs.push((file, id));
                continue;
            }
            groups.push(StringGroup {
                flags: input.flags,
                inputs: vec![(file, id)],
            });
            // Strings stand where the first of them stood.
            segment.pieces.push(DataPiece {
                offset: 0,
                source: DataSource::Strings((self.merged.len() + groups.len() - 1) as u32),
            });
        }

        for group in &groups {
            self.merge(resolution, output, group, errors);
        }
        for piece in &mut segment.pieces {
            let (align_log2, size) = match piece.source {
                DataSource::Segment(file, id) => {
                    let input = &resolution.object(file).segments[id.index()];
                    (input.align_log2, input.size)
                }
                DataSource::Strings(merged) => (0, self.merged[merged as usize].size),
            };
            // The parser admits alignments below 64 alone; sizes are those of files. Only
            // a segment of zeroes can be made to overflow, and then nothing fits memory.
            segment.size = segment
                .size
                .checked_next_multiple_of(1 << align_log2)
                .unwrap_or(u64::MAX);
            piece.offset = segment.size;
            segment.size = segment.size.saturating_add(size);
            match piece.source {
                DataSource::Segment(file, id) => {
                    self.files[file.index()][id.index()] = SegmentPlace::Whole {
                        output,
                        offset: piece.offset,
                    };
                }
                DataSource::Strings(merged) => self.merged_at[merged as usize] = piece.offset,
            }
        }
        self.segments.push(segment);
    }

    /// Merges a group's strings.
    fn merge(
        &mut self,
        resolution: &Resolution<'a>,
        output: u32,
        group: &StringGroup,
        errors: &mut Vec<Diagnostic>,
    ) {
        let segment_of =
            |(file, id): (FileId, ObjSegment)| &resolution.object(file).segments[id.index()];
        let contents: Vec<&'a [u8]> = group
            .inputs
            .iter()
            .map(|&input| segment_of(input).chunk.bytes)
            .collect();
        let merged = self.merged.len() as u32;
        self.merged_at.push(0);
        match MergedStrings::merge(&contents, None) {
            Ok(strings) => self.merged.push(strings),
            Err(bad) => {
                self.merged.push(MergedStrings::default());
                for nth in bad {
                    let (file, id) = group.inputs[nth.0];
                    errors.push(unterminated(
                        &resolution.object(file).name,
                        segment_of((file, id)).name,
                    ));
                }
            }
        }
        for (nth, &(file, id)) in group.inputs.iter().enumerate() {
            self.files[file.index()][id.index()] = SegmentPlace::Strings {
                output,
                merged,
                nth: nth as u32,
            };
        }
    }

    /// The output segment and the offset in it of byte `offset` of an object's segment.
    #[inline]
    pub fn locate(&self, file: FileId, segment: ObjSegment, offset: u64) -> Option<(u32, u64)> {
        match self.files[file.index()][segment.index()] {
            SegmentPlace::Absent => None,
            SegmentPlace::Whole {
                output,
                offset: start,
            } => Some((output, start.wrapping_add(offset))),
            SegmentPlace::Strings {
                output,
                merged,
                nth,
            } => {
                let start = self.merged_at[merged as usize];
                let within = self.merged[merged as usize]
                    .input(nth as usize)
                    .locate(offset);
                Some((output, start + within))
            }
        }
    }
}

/// Segments that a message about too much data names before it only counts the others.
const SEGMENTS_SHOWN: usize = 5;

/// Notes that name the largest segments, each with its object; none if all of them together
/// are not the larger part of the `needed` bytes.
pub(crate) fn largest(
    resolution: &Resolution<'_>,
    data: &DataLayout<'_>,
    needed: u64,
) -> Vec<String> {
    let mut segments = Vec::new();
    for piece in data.segments.iter().flat_map(|segment| &segment.pieces) {
        match piece.source {
            DataSource::Segment(file, id) => {
                let object = resolution.object(file);
                let segment = &object.segments[id.index()];
                let place = format!("`{}` of {}", segment.name, object.name);
                segments.push((segment.size, place));
            }
            DataSource::Strings(merged) => {
                let size = data.merged[merged as usize].size;
                segments.push((size, "merged strings".to_owned()));
            }
        }
    }
    let sum = |segments: &[(u64, String)]| {
        let sizes = segments.iter().map(|&(size, _)| size);
        sizes.fold(0, u64::saturating_add)
    };
    if sum(&segments) <= needed / 2 {
        return Vec::new();
    }
    segments.sort_by_key(|&(size, _)| std::cmp::Reverse(size));
    let shown = segments.len().min(SEGMENTS_SHOWN);
    let others = segments.split_off(shown);
    let mut notes: Vec<String> = (segments.into_iter())
        .map(|(size, place)| format!("{size} bytes are {place}"))
        .collect();
    if !others.is_empty() {
        let size = sum(&others);
        notes.push(format!("{size} bytes are {} more segments", others.len()));
    }
    notes
}

/// The message about strings without an end, in `wasm-ld`'s words.
pub(crate) fn unterminated(file: &str, section: &str) -> Diagnostic {
    Diagnostic::error(
        Code::BadInput,
        format!("{file}:({section}): string is not null terminated"),
    )
}

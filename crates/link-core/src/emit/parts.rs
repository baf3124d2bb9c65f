//! What the output is made of: parts one behind the other, each of which is written by
//! itself.

use std::ops::Range;
use std::sync::Arc;

use super::build_id;
use super::outline::{Outline, OutputSection, SectionContents};
use super::slices::{Slice, Sliced, slices};
use crate::ids::{FileId, FuncIndex};
use crate::input::object::UncheckedRelocs;
use crate::pass::mark::Liveness;
use crate::plan::debug_gaps::Gap;
use crate::plan::{
    CustomContents, CustomPiece, DataPiece, MadeBody, OutputCustom, Plan, StringRun,
};
use crate::resolve::resolution::Resolution;

/// The bytes of output that make a unit of parallel work: of a large output more are not
/// worth while,
const MAX_BATCH: u64 = 1 << 20;
/// of a small one fewer are not;
const MIN_BATCH: u64 = 32 << 10;
/// between, there are so many units that threads which share them end at about the same time.
const BATCHES: u64 = 32;

/// Bytes per unit of parallel work, for an output of `size` bytes.
pub(super) fn batch_bytes(size: u64) -> u64 {
    (size / BATCHES).clamp(MIN_BATCH, MAX_BATCH)
}

/// A part of the output.
pub(super) struct Part<'l> {
    /// Its size, in bytes.
    pub(super) len: u64,
    /// What it is written from.
    pub(super) source: PartSource<'l>,
}

/// What a part is written from.
#[derive(Clone)]
pub(super) enum PartSource<'l> {
    /// Bytes as they are.
    Bytes(&'l [u8]),
    /// The same byte all over.
    Fill(u8),
    /// Functions the linker wrote, with their sizes.
    Bodies(&'l [MadeBody]),
    /// Functions of an object from one to another: the part begins with the size of the
    /// first that is live.
    Functions { file: FileId, functions: Range<u32> },
    /// Pieces of an output segment that lies at `address`; the part begins `start` bytes
    /// into it.
    Data {
        pieces: &'l [DataPiece],
        address: u64,
        start: u64,
    },
    /// Merged strings, one behind the other.
    Strings(&'l StringRun<'l>),
    /// Pieces of a custom section; the part begins `start` bytes into it.
    Custom {
        section: &'l OutputCustom<'l>,
        pieces: &'l [CustomPiece],
        start: u64,
    },
    /// A slice of such a piece.
    Slice { of: Arc<Sliced<'l>>, slice: Slice },
    /// Room in debug info.
    Gap(Gap),
}

/// All parts of the output, in order; most have about [`batch_bytes`]. With `resolution`,
/// sections of large objects are sliced; they are returned, too.
pub(super) fn parts<'l>(
    plan: &'l Plan<'_>,
    outline: &'l Outline,
    liveness: &'l Liveness,
    resolution: Option<&'l Resolution<'_>>,
) -> (Vec<Part<'l>>, Vec<Arc<Sliced<'l>>>) {
    let mut cutter = Cutter {
        plan,
        liveness,
        resolution,
        batch: batch_bytes(outline.size),
        parts: Vec::new(),
        end: 0,
        sliced: Vec::new(),
    };
    for section in &outline.sections {
        cutter.bytes(&section.header);
        cutter.section(section);
    }
    (cutter.parts, cutter.sliced)
}

struct Cutter<'l, 'a> {
    plan: &'l Plan<'a>,
    liveness: &'l Liveness,
    resolution: Option<&'l Resolution<'a>>,
    /// Bytes of a part that is large enough.
    batch: u64,
    parts: Vec<Part<'l>>,
    /// Their size.
    end: u64,
    sliced: Vec<Arc<Sliced<'l>>>,
}

impl<'l> Cutter<'l, '_> {
    fn push(&mut self, len: u64, source: PartSource<'l>) {
        if len > 0 {
            self.end += len;
            self.parts.push(Part { len, source });
        }
    }

    fn bytes(&mut self, bytes: &'l [u8]) {
        self.push(bytes.len() as u64, PartSource::Bytes(bytes));
    }

    fn section(&mut self, section: &'l OutputSection) {
        let plan = self.plan;
        match &section.contents {
            SectionContents::Bytes(parts) => {
                for part in parts {
                    self.bytes(part);
                }
            }
            SectionContents::Code => self.code(),
            SectionContents::Data(headers) => {
                for header in headers {
                    self.bytes(&header.bytes);
                    let addresses = &plan.memory.segments;
                    let mut at = addresses[header.segments.start as usize];
                    for i in header.segments.clone() {
                        let start = addresses[i as usize];
                        // Alignment leaves gaps between segments that become one.
                        self.push(start - at, PartSource::Fill(0));
                        self.data(i);
                        at = start + plan.data.segments[i as usize].size;
                    }
                }
            }
            SectionContents::Custom(nth) => {
                let section = &plan.customs.sections[*nth as usize];
                match &section.contents {
                    CustomContents::Strings(strings) => {
                        for run in &strings.placed {
                            self.push(run.size, PartSource::Strings(run));
                        }
                        if let Some(gap) = section.gap {
                            self.push(section.size - strings.size, PartSource::Gap(gap));
                        }
                    }
                    CustomContents::Pieces(pieces) => self.customs(section, pieces),
                }
            }
            SectionContents::Metadata(nth) => self.bytes(&plan.metadata[*nth as usize].bytes),
            // Written when all else is.
            SectionContents::BuildId => {
                self.push(section.size, PartSource::Fill(build_id::PLACEHOLDER));
            }
        }
    }

    fn code(&mut self) {
        let plan = self.plan;
        let code = &plan.code;
        let functions = &plan.functions;
        let batch = self.batch;
        let entry = |index: FuncIndex| code.entry_offset(index);
        let imported = FuncIndex(functions.imported);
        let first = FuncIndex(functions.imported + plan.made_bodies.len() as u32);
        self.push(
            entry(first) - entry(imported),
            PartSource::Bodies(&plan.made_bodies),
        );
        let liveness = self.liveness;
        for (nth, live) in liveness.files.iter().enumerate() {
            let file = FileId(nth as u32);
            let file_end = functions
                .first
                .get(nth + 1)
                .map_or(entry(functions.first_wrapper), |&next| entry(next));
            let mut begin = 0;
            let mut at = entry(functions.first[nth]);
            let mut push = |functions: Range<u32>, len: u64| {
                self.push(len, PartSource::Functions { file, functions });
            };
            // Most files have less than a part: there is nothing to look for.
            let is_cut = file_end - at >= batch;
            let cut = is_cut.then(|| liveness.functions(file));
            for function in cut.into_iter().flatten() {
                let Some(index) = functions.of(file, function) else {
                    continue;
                };
                let here = entry(index);
                if here - at >= batch {
                    push(begin..function.0, here - at);
                    begin = function.0;
                    at = here;
                }
            }
            push(begin..live.functions.len() as u32, file_end - at);
        }
        let first_helper = functions.first_helper();
        self.push(
            entry(first_helper) - entry(functions.first_wrapper),
            PartSource::Bodies(&plan.wrapper_bodies),
        );
        self.push(
            code.size - entry(first_helper),
            PartSource::Bodies(&plan.helper_bodies),
        );
    }

    fn data(&mut self, segment: u32) {
        let plan = self.plan;
        let address = plan.memory.segments[segment as usize];
        let segment = &plan.data.segments[segment as usize];
        self.runs(
            &segment.pieces,
            0..segment.size,
            |piece| piece.offset,
            |pieces, start| PartSource::Data {
                pieces,
                address,
                start,
            },
        );
    }

    /// Pieces of a custom section.
    fn customs(&mut self, section: &'l OutputCustom<'l>, pieces: &'l [CustomPiece]) {
        let size = section.size;
        let mut begin = 0;
        let mut start = 0;
        let runs = |cutter: &mut Self, pieces: &'l [CustomPiece], range| {
            cutter.runs(
                pieces,
                range,
                |piece| piece.offset,
                |pieces, start| PartSource::Custom {
                    section,
                    pieces,
                    start,
                },
            );
        };
        for (i, piece) in pieces.iter().enumerate() {
            let Some((relocs, len)) = self.relocs(piece) else {
                continue;
            };
            let end = pieces.get(i + 1).map_or(section.end, |next| next.offset);
            let slices = slices(&relocs, len, self.batch as usize);
            if slices.is_empty() {
                continue;
            }
            runs(self, &pieces[begin..i], start..piece.offset);
            (begin, start) = (i + 1, end);
            let of = Arc::new(Sliced::new(piece, section, self.end, len, &relocs));
            for slice in slices {
                let len = slice.bytes.len() as u64;
                let of = of.clone();
                self.push(len, PartSource::Slice { of, slice });
            }
            self.sliced.push(of);
            // Behind it there may be room.
            let fill = section.gap.map_or(PartSource::Fill(0), PartSource::Gap);
            self.push(end - piece.offset - len as u64, fill);
        }
        runs(self, &pieces[begin..], start..size);
    }

    /// The relocations of a piece that may be sliced, and its size in bytes.
    fn relocs(&self, piece: &CustomPiece) -> Option<(UncheckedRelocs<'l>, usize)> {
        let object = self.resolution?.object(piece.file);
        let custom = &object.customs[piece.custom.index()];
        Some((custom.unchecked?, custom.chunk.bytes.len()))
    }

    /// Cuts items that lie one behind the other, in `range`, into runs of about
    /// `batch` bytes. `source` gets a run's items and the offset at which they begin.
    fn runs<T>(
        &mut self,
        items: &'l [T],
        range: Range<u64>,
        offset: impl Fn(&T) -> u64,
        source: impl Fn(&'l [T], u64) -> PartSource<'l>,
    ) {
        let mut begin = 0;
        let mut start = range.start;
        for (i, item) in items.iter().enumerate() {
            let here = offset(item);
            if here - start >= self.batch {
                self.push(here - start, source(&items[begin..i], start));
                begin = i;
                start = here;
            }
        }
        self.push(range.end - start, source(&items[begin..], start));
    }
}

//! What the output is made of: parts one behind the other, each of which is written by
//! itself.

use std::ops::Range;

use super::build_id;
use crate::link::ids::{FileId, FuncIndex};
use crate::link::layout::{
    Contents, CustomContents, CustomPiece, DataPiece, Layout, Section, StringRun,
};

/// Bytes of output per unit of parallel work.
pub(super) const BATCH_BYTES: u64 = 256 << 10;

/// A part of the output.
pub(super) struct Part<'l> {
    /// Its size, in bytes.
    pub(super) len: u64,
    /// What it is written from.
    pub(super) source: Source<'l>,
}

/// What a part is written from.
#[derive(Clone)]
pub(super) enum Source<'l> {
    /// Bytes as they are.
    Bytes(&'l [u8]),
    /// The same byte all over.
    Fill(u8),
    /// Functions the linker wrote, with their sizes.
    Bodies(&'l [Vec<u8>]),
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
        name: &'l str,
        pieces: &'l [CustomPiece],
        start: u64,
    },
}

/// All parts of the output, in order; most have about [`BATCH_BYTES`].
pub(super) fn parts<'l>(layout: &'l Layout<'_>) -> Vec<Part<'l>> {
    let mut cutter = Cutter {
        layout,
        parts: Vec::new(),
    };
    for section in &layout.sections {
        cutter.bytes(&section.header);
        cutter.section(section);
    }
    cutter.parts
}

struct Cutter<'l, 'a> {
    layout: &'l Layout<'a>,
    parts: Vec<Part<'l>>,
}

impl<'l> Cutter<'l, '_> {
    fn push(&mut self, len: u64, source: Source<'l>) {
        if len > 0 {
            self.parts.push(Part { len, source });
        }
    }

    fn bytes(&mut self, bytes: &'l [u8]) {
        self.push(bytes.len() as u64, Source::Bytes(bytes));
    }

    fn section(&mut self, section: &'l Section) {
        let layout = self.layout;
        match &section.contents {
            Contents::Bytes(parts) => {
                for part in parts {
                    self.bytes(part);
                }
            }
            Contents::Code => self.code(),
            Contents::Data(headers) => {
                for header in headers {
                    self.bytes(&header.bytes);
                    let addresses = &layout.memory.segments;
                    let mut at = addresses[header.segments.start as usize];
                    for i in header.segments.clone() {
                        let start = addresses[i as usize];
                        // Alignment leaves gaps between segments that become one.
                        self.push(start - at, Source::Fill(0));
                        self.data(i);
                        at = start + layout.data.segments[i as usize].size;
                    }
                }
            }
            Contents::Custom(nth) => {
                let section = &layout.customs.sections[*nth as usize];
                match &section.contents {
                    CustomContents::Strings(strings) => {
                        for run in &strings.placed {
                            self.push(run.size, Source::Strings(run));
                        }
                    }
                    CustomContents::Pieces(pieces) => {
                        let name = section.name;
                        self.runs(
                            pieces,
                            section.size,
                            |piece| piece.offset,
                            |pieces, start| Source::Custom {
                                name,
                                pieces,
                                start,
                            },
                        );
                    }
                }
            }
            Contents::Metadata(nth) => self.bytes(&layout.metadata[*nth as usize].bytes),
            // Written when all else is.
            Contents::BuildId => self.push(section.size, Source::Fill(build_id::PLACEHOLDER)),
        }
    }

    fn code(&mut self) {
        let layout = self.layout;
        let code = &layout.code;
        let functions = &layout.functions;
        let entry = |index: FuncIndex| code.entry_offset(index);
        let imported = FuncIndex(functions.imported);
        let first = FuncIndex(functions.imported + layout.made_bodies.len() as u32);
        self.push(
            entry(first) - entry(imported),
            Source::Bodies(&layout.made_bodies),
        );
        for (file, numbers) in functions.files.iter().enumerate() {
            let file_end = functions
                .first
                .get(file + 1)
                .map_or(entry(functions.first_wrapper), |&next| entry(next));
            let mut begin = 0;
            let mut at = entry(functions.first[file]);
            let mut push = |functions: Range<u32>, len: u64| {
                let file = FileId(file as u32);
                self.push(len, Source::Functions { file, functions });
            };
            for (i, number) in numbers.iter().enumerate() {
                let Some(number) = number else { continue };
                let here = entry(*number);
                if here - at >= BATCH_BYTES {
                    push(begin..i as u32, here - at);
                    begin = i as u32;
                    at = here;
                }
            }
            push(begin..numbers.len() as u32, file_end - at);
        }
        self.push(
            code.size - entry(functions.first_wrapper),
            Source::Bodies(&layout.wrapper_bodies),
        );
    }

    fn data(&mut self, segment: u32) {
        let layout = self.layout;
        let address = layout.memory.segments[segment as usize];
        let segment = &layout.data.segments[segment as usize];
        self.runs(
            &segment.pieces,
            segment.size,
            |piece| piece.offset,
            |pieces, start| Source::Data {
                pieces,
                address,
                start,
            },
        );
    }

    /// Cuts items that lie one behind the other into runs of about [`BATCH_BYTES`].
    /// `source` gets a run's items and the offset at which they begin.
    fn runs<T>(
        &mut self,
        items: &'l [T],
        size: u64,
        offset: impl Fn(&T) -> u64,
        source: impl Fn(&'l [T], u64) -> Source<'l>,
    ) {
        let mut begin = 0;
        let mut start = 0;
        for (i, item) in items.iter().enumerate() {
            let here = offset(item);
            if here - start >= BATCH_BYTES {
                self.push(here - start, source(&items[begin..i], start));
                begin = i;
                start = here;
            }
        }
        self.push(size - start, source(&items[begin..], start));
    }
}

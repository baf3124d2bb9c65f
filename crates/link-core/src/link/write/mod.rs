//! Phase 6: the bytes. Every chunk is copied and relocated into a slice of the output of
//! its own, so that all of them are written at once and the result is the same for any
//! number of threads.

mod build_id;
mod relocate;

use sha1::Sha1;
use wasm_format::leb128;
use xxhash_rust::xxh3::Xxh3;

use self::build_id::{Hash, Run};
use self::relocate::{Relocated, write_chunk, write_compressed, write_unchecked};
use super::ids::{FileId, FuncIndex, ObjFunc};
use super::layout::values::{Relocator, Site};
use super::layout::{
    Contents, CustomContents, CustomPiece, DataPiece, DataSource, Layout, PlacedString, Section,
};
use super::liveness::Liveness;
use super::options::{BuildId, Options};
use super::par;
use super::resolution::Resolution;
use crate::diag::Diagnostic;

/// Bytes of output per unit of parallel work.
const BATCH_BYTES: u64 = 256 << 10;

/// The same where the output is hashed: the blocks within are hashed at once.
const RUN_BYTES: u64 = 2 * build_id::BLOCK;

/// Writes the output.
///
/// # Errors
/// Every relocation whose value does not fit its place.
///
/// # Panics
/// If `out` is not as long as [`Layout::size`] says.
pub fn write(
    resolution: &Resolution<'_>,
    liveness: &Liveness,
    options: &Options,
    layout: &Layout<'_>,
    out: &mut [u8],
) -> Result<(), Vec<Diagnostic>> {
    assert_eq!(out.len() as u64, layout.size, "room for exactly the output");
    let writer = Writer {
        layout,
        resolution,
        relocator: layout.relocator(resolution, liveness),
    };
    let mut tasks = Vec::new();
    let mut rest = Rest(&mut *out);
    for section in &layout.sections {
        tasks.push(Task {
            out: rest.take(section.header.len() as u64),
            source: Source::Bytes(&section.header),
        });
        let contents = rest.take(section.size);
        writer.split(section, contents, &mut tasks);
    }

    match &options.build_id {
        BuildId::Fast => {
            let id = build_id::uuid(writer.run_hashed::<Xxh3, 8>(tasks)?);
            build_id::write(layout, &id, out);
        }
        BuildId::Sha1 => {
            let id = writer.run_hashed::<Sha1, 20>(tasks)?;
            build_id::write(layout, &id, out);
        }
        other => {
            writer.run_all(tasks)?;
            build_id::write(layout, build_id::given(other), out);
        }
    }
    Ok(())
}

/// The part of the output that nobody has taken yet.
struct Rest<'o>(&'o mut [u8]);

impl<'o> Rest<'o> {
    /// Its first `len` bytes.
    fn take(&mut self, len: u64) -> &'o mut [u8] {
        let (taken, left) = std::mem::take(&mut self.0).split_at_mut(len as usize);
        self.0 = left;
        taken
    }
}

/// A part of the output, and what it is written from.
struct Task<'o, 'l> {
    out: &'o mut [u8],
    source: Source<'l>,
}

#[derive(Clone)]
enum Source<'l> {
    /// Bytes as they are.
    Bytes(&'l [u8]),
    /// The same byte all over.
    Fill(u8),
    /// Functions the linker wrote, with their sizes.
    Bodies(&'l [Vec<u8>]),
    /// Functions of an object from one to another: the part begins with the size of the
    /// first that is live.
    Functions {
        file: FileId,
        functions: std::ops::Range<u32>,
    },
    /// Pieces of an output segment that lies at `address`; the part begins `start` bytes
    /// into it.
    Data {
        pieces: &'l [DataPiece],
        address: u64,
        start: u64,
    },
    /// Merged strings; the part begins with byte `start` of them.
    Strings {
        strings: &'l [PlacedString<'l>],
        start: u64,
    },
    /// Pieces of a custom section; the part begins `start` bytes into it.
    Custom {
        name: &'l str,
        pieces: &'l [CustomPiece],
        start: u64,
    },
}

struct Writer<'l, 'a> {
    layout: &'l Layout<'a>,
    resolution: &'l Resolution<'a>,
    relocator: Relocator<'l, 'a>,
}

impl<'l> Writer<'l, '_> {
    fn run_all(&self, tasks: Vec<Task<'_, 'l>>) -> Result<(), Vec<Diagnostic>> {
        let errors = par::map(tasks, |mut task| {
            let mut errors = Vec::new();
            self.run(&mut task, &mut errors);
            errors
        });
        or_errors((), errors)
    }

    /// Runs the tasks, which are the whole output in order, and hashes what they wrote.
    fn run_hashed<H: Hash<N>, const N: usize>(
        &self,
        tasks: Vec<Task<'_, 'l>>,
    ) -> Result<[u8; N], Vec<Diagnostic>> {
        let mut start = 0;
        let mut end = 0;
        let mut runs = Vec::new();
        let mut run = Vec::new();
        for task in tasks {
            end += task.out.len() as u64;
            run.push(task);
            if end - start >= RUN_BYTES {
                runs.push((start, std::mem::take(&mut run)));
                start = end;
            }
        }
        runs.push((start, run));
        let (errors, runs) = par::map(runs, |(start, tasks)| {
            let mut errors = Vec::new();
            let mut run = Run::<H, N>::new(start);
            for mut task in tasks {
                self.run(&mut task, &mut errors);
                run.push(task.out);
            }
            (errors, run)
        })
        .into_iter()
        .unzip();
        or_errors(build_id::combine(runs), errors)
    }

    /// Cuts a section's contents into parts of about [`BATCH_BYTES`].
    fn split<'o>(&self, section: &'l Section, out: &'o mut [u8], tasks: &mut Vec<Task<'o, 'l>>) {
        match &section.contents {
            Contents::Bytes(parts) => {
                let mut out = Rest(out);
                for part in parts {
                    tasks.push(Task {
                        out: out.take(part.len() as u64),
                        source: Source::Bytes(part),
                    });
                }
            }
            Contents::Code => self.split_code(out, tasks),
            Contents::Data(headers) => {
                let mut out = Rest(out);
                for header in headers {
                    tasks.push(Task {
                        out: out.take(header.bytes.len() as u64),
                        source: Source::Bytes(&header.bytes),
                    });
                    let addresses = &self.layout.memory.segments;
                    let mut at = addresses[header.segments.start as usize];
                    for i in header.segments.clone() {
                        let start = addresses[i as usize];
                        // Alignment leaves gaps between segments that become one.
                        tasks.push(Task {
                            out: out.take(start - at),
                            source: Source::Fill(0),
                        });
                        let size = self.layout.data.segments[i as usize].size;
                        self.split_data(i, out.take(size), tasks);
                        at = start + size;
                    }
                }
            }
            Contents::Custom(nth) => {
                let section = &self.layout.customs.sections[*nth as usize];
                match &section.contents {
                    CustomContents::Strings(strings) => {
                        split_strings(&strings.placed, strings.size, out, tasks);
                    }
                    CustomContents::Pieces(pieces) => split_runs(
                        pieces,
                        section.size,
                        |piece| piece.offset,
                        out,
                        |out, pieces, start| {
                            tasks.push(Task {
                                out,
                                source: Source::Custom {
                                    name: section.name,
                                    pieces,
                                    start,
                                },
                            });
                        },
                    ),
                }
            }
            // Written when all else is.
            Contents::BuildId => tasks.push(Task {
                out,
                source: Source::Fill(build_id::PLACEHOLDER),
            }),
        }
    }

    fn split_code<'o>(&self, out: &'o mut [u8], tasks: &mut Vec<Task<'o, 'l>>) {
        let mut out = Rest(out);
        let layout = self.layout;
        let code = &layout.code;
        let functions = &layout.functions;
        let entry = |index: FuncIndex| code.entry_offset(index);
        let imported = FuncIndex(functions.imported);
        let first = FuncIndex(functions.imported + layout.made_bodies.len() as u32);
        tasks.push(Task {
            out: out.take(entry(first) - entry(imported)),
            source: Source::Bodies(&layout.made_bodies),
        });
        for (file, numbers) in functions.files.iter().enumerate() {
            let file_end = functions
                .first
                .get(file + 1)
                .map_or(entry(functions.first_wrapper), |&next| entry(next));
            let mut begin = 0;
            let mut at = entry(functions.first[file]);
            let mut push = |range: std::ops::Range<u32>, len: u64| {
                tasks.push(Task {
                    out: out.take(len),
                    source: Source::Functions {
                        file: FileId(file as u32),
                        functions: range,
                    },
                });
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
            if file_end > at {
                push(begin..numbers.len() as u32, file_end - at);
            }
        }
        tasks.push(Task {
            out: out.0,
            source: Source::Bodies(&layout.wrapper_bodies),
        });
    }

    fn split_data<'o>(&self, segment: u32, out: &'o mut [u8], tasks: &mut Vec<Task<'o, 'l>>) {
        let address = self.layout.memory.segments[segment as usize];
        let segment = &self.layout.data.segments[segment as usize];
        split_runs(
            &segment.pieces,
            segment.size,
            |piece| piece.offset,
            out,
            |out, pieces, start| {
                tasks.push(Task {
                    out,
                    source: Source::Data {
                        pieces,
                        address,
                        start,
                    },
                });
            },
        );
    }

    fn run(&self, task: &mut Task<'_, 'l>, errors: &mut Vec<Diagnostic>) {
        let out = &mut *task.out;
        match task.source.clone() {
            Source::Bytes(bytes) => out.copy_from_slice(bytes),
            Source::Fill(byte) => out.fill(byte),
            Source::Bodies(bodies) => {
                let mut at = 0;
                for body in bodies {
                    at += leb128::write_u64(&mut out[at..], body.len() as u64);
                    out[at..at + body.len()].copy_from_slice(body);
                    at += body.len();
                }
            }
            Source::Functions { file, functions } => {
                self.functions(file, functions, out, errors);
            }
            Source::Data {
                pieces,
                address,
                start,
            } => self.data(pieces, address, start, out, errors),
            Source::Strings { strings, start } => {
                for string in strings {
                    let at = (u64::from(string.offset) - start) as usize;
                    out[at..at + string.bytes.len()].copy_from_slice(string.bytes);
                }
            }
            Source::Custom {
                name,
                pieces,
                start,
            } => {
                for piece in pieces {
                    let custom = &self.resolution.object(piece.file).customs[piece.custom.index()];
                    let at = (piece.offset - start) as usize;
                    let out = &mut out[at..at + custom.chunk.bytes.len()];
                    let site = Site::custom(piece.file, name);
                    let written = match &custom.unchecked {
                        None => write_chunk(&self.relocator, &site, &custom.chunk, out),
                        Some(relocs) => {
                            let object = self.resolution.object(piece.file);
                            let bytes = custom.chunk.bytes;
                            write_unchecked(&self.relocator, &site, bytes, relocs, object, out)
                                .unwrap_or_else(|damage| {
                                    errors.push(damage);
                                    Ok(())
                                })
                        }
                    };
                    self.report(written, piece.file, name, errors);
                }
            }
        }
    }

    fn functions(
        &self,
        file: FileId,
        functions: std::ops::Range<u32>,
        out: &mut [u8],
        errors: &mut Vec<Diagnostic>,
    ) {
        let object = self.resolution.object(file);
        let numbers = &self.layout.functions.files[file.index()];
        let site = Site::code(file);
        let code = &self.layout.code;
        let mut at = 0;
        for id in functions {
            let id = ObjFunc(id);
            let Some(size) = numbers[id.index()].and_then(|index| code.body_size(index)) else {
                continue;
            };
            let function = &object.functions[id.index()];
            at += leb128::write_u64(&mut out[at..], u64::from(size));
            let body = &mut out[at..at + size as usize];
            at += size as usize;
            let written = if code.compressed {
                write_compressed(&self.relocator, &site, &function.chunk, body)
            } else {
                write_chunk(&self.relocator, &site, &function.chunk, body)
            };
            self.report(written, file, function.name, errors);
        }
    }

    fn data(
        &self,
        pieces: &[DataPiece],
        address: u64,
        start: u64,
        out: &mut [u8],
        errors: &mut Vec<Diagnostic>,
    ) {
        let mut at = 0;
        for piece in pieces {
            let offset = (piece.offset - start) as usize;
            // Alignment leaves gaps.
            out[at..offset].fill(0);
            match piece.source {
                DataSource::Segment(file, id) => {
                    let segment = &self.resolution.object(file).segments[id.index()];
                    let len = segment.chunk.bytes.len();
                    let site = Site::data(file, address + piece.offset);
                    let place = &mut out[offset..offset + len];
                    let written = write_chunk(&self.relocator, &site, &segment.chunk, place);
                    self.report(written, file, segment.name, errors);
                    // What a segment does not say is zero, up to the next piece.
                    at = offset + len;
                }
                DataSource::Strings(merged) => {
                    let strings = &self.layout.data.merged[merged as usize];
                    for string in &strings.placed {
                        let here = offset + string.offset as usize;
                        out[here..here + string.bytes.len()].copy_from_slice(string.bytes);
                    }
                    at = offset + strings.size as usize;
                }
            }
        }
        out[at..].fill(0);
    }

    fn report(&self, written: Relocated, file: FileId, chunk: &str, errors: &mut Vec<Diagnostic>) {
        if let Err(out_of_range) = written {
            errors.push(relocate::message(
                self.resolution,
                file,
                chunk,
                &out_of_range,
            ));
        }
    }
}

/// What was made, unless anything went wrong.
fn or_errors<T>(made: T, errors: Vec<Vec<Diagnostic>>) -> Result<T, Vec<Diagnostic>> {
    let errors: Vec<Diagnostic> = errors.into_iter().flatten().collect();
    if errors.is_empty() {
        Ok(made)
    } else {
        Err(errors)
    }
}

/// Cuts items that lie one behind the other into runs of about [`BATCH_BYTES`]. `emit`
/// gets a run's bytes, its items, and the offset at which they begin.
fn split_runs<'o, 'i, T>(
    items: &'i [T],
    size: u64,
    offset: impl Fn(&T) -> u64,
    out: &'o mut [u8],
    mut emit: impl FnMut(&'o mut [u8], &'i [T], u64),
) {
    let mut out = Rest(out);
    let mut begin = 0;
    let mut start = 0;
    for (i, item) in items.iter().enumerate() {
        let here = offset(item);
        if here - start >= BATCH_BYTES {
            emit(out.take(here - start), &items[begin..i], start);
            begin = i;
            start = here;
        }
    }
    if size > start {
        emit(out.take(size - start), &items[begin..], start);
    }
}

fn split_strings<'o, 'l>(
    strings: &'l [PlacedString<'l>],
    size: u64,
    out: &'o mut [u8],
    tasks: &mut Vec<Task<'o, 'l>>,
) {
    split_runs(
        strings,
        size,
        |string| u64::from(string.offset),
        out,
        |out, strings, start| {
            tasks.push(Task {
                out,
                source: Source::Strings { strings, start },
            });
        },
    );
}

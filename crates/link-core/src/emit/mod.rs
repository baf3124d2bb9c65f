//! Phase 6: the bytes. Every chunk is copied and relocated into a place of the output of
//! its own, so that all of them are written at once and the result is the same for any
//! number of threads.

mod build_id;
mod debug;
mod dylink;
pub(crate) mod engine_limits;
pub(crate) mod entries;
pub(crate) mod linking_tables;
mod locals;
pub(crate) mod name_section;
mod outbox;
pub(crate) mod outline;
mod parts;
pub mod producers;
mod relinkable;
mod relocate;
pub(crate) mod section_buffer;
mod slices;

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use sha1::Sha1;
use wasm_format::leb128;
use xxhash_rust::xxh3::Xxh3;

use self::build_id::{Hash, Run};
pub(crate) use self::debug::write_unchecked;
pub(crate) use self::engine_limits::warnings as engine_warnings;
pub(crate) use self::entries::Sources;
pub(crate) use self::name_section::{of_function as function_name, of_functions as function_names};
use self::outbox::Outbox;
pub(crate) use self::outline::outline;
pub use self::outline::{Outline, OutputSection, SectionContents};
use self::parts::{Part, PartSource, batch_bytes, parts};
pub(crate) use self::relocate::write_chunk;
use self::relocate::{Relocated, write_compressed};
use self::slices::{Slice, Sliced};
use crate::diag::{Code, Diagnostic};
use crate::ids::{FileId, ObjFunc};
use crate::options::{BuildId, Options};
use crate::output::{Places, Room};
use crate::par;
use crate::plan::debug_gaps::ABBREVIATIONS_AT;
use crate::plan::values::{Relocator, Site};
use crate::plan::{
    BodyForm, CustomPiece, DataPiece, DataSource, MadeBody, OutputCustom, Plan, StringRun,
};
use crate::resolve::resolution::Resolution;
use crate::room::fill_body;

/// Bytes of output per unit of parallel work where it is hashed: the blocks within are
/// hashed at once.
const RUN_BYTES: u64 = 2 * build_id::BLOCK;

/// Whether the output is hashed while it is written, which takes all of it in memory.
pub(crate) fn is_hashed(options: &Options) -> bool {
    !matches!(options.build_id, BuildId::None)
}

/// Writes the output. Returns warnings about what engines do not take of it.
///
/// # Errors
/// Every relocation whose value does not fit its place, or else why a place cannot be
/// written to.
///
/// # Panics
/// If memory that is to be filled is not as long as [`Outline::size`] says.
pub(crate) fn write(
    sources: &Sources<'_, '_>,
    outline: &Outline,
    room: Room<'_>,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let &Sources {
        plan,
        resolution,
        liveness,
        options,
        ..
    } = sources;
    let writer = ChunkWriter {
        plan,
        outline,
        resolution,
        relocator: plan.relocator(resolution, liveness),
        output_name: &options.output_name,
        many_locals: false.into(),
    };
    match room {
        Room::Memory(out) => writer.run_in_memory(out, options)?,
        Room::Places(places) => writer.run_in_places(places)?,
    }
    // What is to be linked again loses functions then.
    if writer.many_locals.into_inner() && !options.is_relocatable() {
        return Ok(locals::warnings(resolution, liveness, options));
    }
    Ok(Vec::new())
}

/// A part of the output, and where it is written.
struct Task<'o, 'l> {
    out: &'o mut [u8],
    source: PartSource<'l>,
}

/// Gives each part its place in `out`.
fn tasks<'o, 'l>(parts: Vec<Part<'l>>, mut out: &'o mut [u8]) -> Vec<Task<'o, 'l>> {
    let task = |part: Part<'l>| {
        let (taken, rest) = std::mem::take(&mut out).split_at_mut(part.len as usize);
        out = rest;
        Task {
            out: taken,
            source: part.source,
        }
    };
    parts.into_iter().map(task).collect()
}

/// Parts that are worked on as one, having at least `bytes`; with the offset of each.
fn runs(parts: Vec<Part<'_>>, bytes: u64) -> Vec<(u64, Vec<Part<'_>>)> {
    let mut runs = Vec::new();
    let mut run = Vec::new();
    let (mut start, mut end) = (0, 0);
    for part in parts {
        end += part.len;
        // A slice is made to be written beside the next.
        let is_whole = matches!(part.source, PartSource::Slice { .. });
        run.push(part);
        if is_whole || end - start >= bytes {
            runs.push((start, std::mem::take(&mut run)));
            start = end;
        }
    }
    runs.push((start, run));
    runs
}

struct ChunkWriter<'l, 'a> {
    plan: &'l Plan<'a>,
    outline: &'l Outline,
    resolution: &'l Resolution<'a>,
    relocator: Relocator<'l, 'a>,
    output_name: &'l str,
    /// Whether a function may have more locals than engines take.
    many_locals: AtomicBool,
}

impl<'l> ChunkWriter<'l, '_> {
    /// Writes the parts in memory that is as long as they are.
    fn run_in_memory(&self, out: &mut [u8], options: &Options) -> Result<(), Vec<Diagnostic>> {
        let outline = self.outline;
        let (parts, _) = parts(self.plan, outline, self.relocator.places.liveness, None);
        assert_eq!(
            out.len() as u64,
            outline.size,
            "room for exactly the output"
        );
        match &options.build_id {
            BuildId::Fast => {
                let id = build_id::uuid(self.run_hashed::<Xxh3, 8>(parts, out)?);
                build_id::write(outline, &id, out);
            }
            BuildId::Sha1 => {
                let id = self.run_hashed::<Sha1, 20>(parts, out)?;
                build_id::write(outline, &id, out);
            }
            other => {
                self.run_all(parts, out)?;
                build_id::write(outline, build_id::given(other), out);
            }
        }
        Ok(())
    }

    fn run_all(&self, parts: Vec<Part<'l>>, out: &mut [u8]) -> Result<(), Vec<Diagnostic>> {
        let errors = par::map(tasks(parts, out), |task| {
            let mut errors = Vec::new();
            self.run(task.source, task.out, &mut errors);
            errors
        });
        or_errors((), errors)
    }

    /// Writes the parts, which are the whole output in order, and hashes what it wrote.
    fn run_hashed<H: Hash<N>, const N: usize>(
        &self,
        parts: Vec<Part<'l>>,
        mut out: &mut [u8],
    ) -> Result<[u8; N], Vec<Diagnostic>> {
        let runs = runs(parts, RUN_BYTES).into_iter().map(|(start, parts)| {
            let len: u64 = parts.iter().map(|part| part.len).sum();
            let (taken, rest) = std::mem::take(&mut out).split_at_mut(len as usize);
            out = rest;
            (start, tasks(parts, taken))
        });
        let (errors, runs) = par::map(runs.collect(), |(start, tasks)| {
            let mut errors = Vec::new();
            let mut run = Run::<H, N>::new(start);
            for task in tasks {
                self.run(task.source, task.out, &mut errors);
                run.push(task.out);
            }
            (errors, run)
        })
        .into_iter()
        .unzip();
        or_errors(build_id::combine(runs), errors)
    }

    /// Writes the parts in memory that is used again and again, and hands it on: that
    /// memory stays near the processor, where a mapping of the output has to be made
    /// page by page.
    fn run_in_places(&self, places: &dyn Places) -> Result<(), Vec<Diagnostic>> {
        // A single thread shares no section.
        let (parts, sliced) = parts(
            self.plan,
            self.outline,
            self.relocator.places.liveness,
            par::available().then_some(self.resolution),
        );
        let batch = batch_bytes(self.outline.size);
        let outbox = Outbox::new(places);
        let mut errors = par::map(runs(parts, batch), |(start, parts)| {
            let len = parts.iter().map(|part| part.len).sum::<u64>() as usize;
            let mut buffer = outbox.buffer(len);
            let mut errors = Vec::new();
            for task in tasks(parts, &mut buffer[..len]) {
                self.run(task.source, task.out, &mut errors);
            }
            outbox.send(buffer, len, start);
            (start, errors)
        });
        for sliced in sliced.iter().filter(|sliced| !sliced.is_written()) {
            let mut buffer = outbox.buffer(sliced.len);
            let mut found = Vec::new();
            self.run(sliced.whole(), &mut buffer[..sliced.len], &mut found);
            outbox.send(buffer, sliced.len, sliced.at);
            errors.push((sliced.at, found));
        }
        // As if the sections had not been sliced.
        errors.sort_by_key(|&(start, _)| start);
        let mut errors: Vec<_> = errors.into_iter().map(|(_, errors)| errors).collect();
        if let Err(error) = outbox.finish() {
            let message = format!("cannot write the output: {error}");
            let error = Diagnostic::error(Code::Io, message).in_file(self.output_name);
            errors.push(vec![error]);
        }
        or_errors((), errors)
    }

    /// Writes a part into `out`, every byte of it.
    fn run(&self, source: PartSource<'l>, out: &mut [u8], errors: &mut Vec<Diagnostic>) {
        // What was there before must not show.
        #[cfg(debug_assertions)]
        out.fill(0xa5);
        match source {
            PartSource::Bytes(bytes) => out.copy_from_slice(bytes),
            PartSource::Fill(byte) => out.fill(byte),
            PartSource::Bodies(bodies) => {
                let mut at = 0;
                for MadeBody { code: body, .. } in bodies {
                    at += leb128::write_u64(&mut out[at..], body.len() as u64);
                    out[at..at + body.len()].copy_from_slice(body);
                    at += body.len();
                }
            }
            PartSource::Functions { file, functions } => {
                self.functions(file, functions, out, errors);
            }
            PartSource::Data {
                pieces,
                address,
                start,
            } => self.data(pieces, address, start, out, errors),
            PartSource::Strings(run) => write_strings(std::slice::from_ref(run), out),
            PartSource::Slice { of, slice } => of.written(self.slice(&of, slice, out)),
            PartSource::Custom {
                section,
                pieces,
                start,
            } => self.customs(section, pieces, start, out, errors),
            PartSource::Gap(gap) => gap.fill(out, ABBREVIATIONS_AT),
        }
    }

    /// Writes pieces of a custom section, the part of which begins `start` bytes into it.
    fn customs(
        &self,
        section: &OutputCustom<'_>,
        pieces: &[CustomPiece],
        start: u64,
        out: &mut [u8],
        errors: &mut Vec<Diagnostic>,
    ) {
        let name = section.name;
        let fill = |out: &mut [u8]| match section.gap {
            Some(gap) => gap.fill(out, ABBREVIATIONS_AT),
            // Alignment leaves gaps.
            None => out.fill(0),
        };
        let mut at = 0;
        if start == 0 {
            let head = section.head();
            at = head.len();
            out[..at].copy_from_slice(head);
        }
        for piece in pieces {
            let object = self.resolution.object(piece.file);
            let custom = &object.customs[piece.custom.index()];
            let offset = (piece.offset - start) as usize;
            fill(&mut out[at..offset]);
            at = offset + custom.chunk.bytes.len();
            let out = &mut out[offset..at];
            let site = Site::custom(piece.file, name);
            let written = match custom.unchecked {
                None => write_chunk(&self.relocator, &site, &custom.chunk, out),
                Some(relocs) => {
                    let bytes = custom.chunk.bytes;
                    let mut relocs = relocs.checker(object, bytes.len());
                    write_unchecked(&self.relocator, &site, bytes, 0, &mut relocs, out)
                        .and_then(|written| relocs.finish().map(|()| written))
                        .unwrap_or_else(|damage| {
                            errors.push(damage);
                            Ok(())
                        })
                }
            };
            self.report(written, piece.file, name, errors);
        }
        // Behind the last one there may be room of its own and that of the section.
        let end = (section.end - start) as usize;
        if (at..out.len()).contains(&end) {
            fill(&mut out[at..end]);
            at = end;
        }
        fill(&mut out[at..]);
    }

    /// Writes a slice, and counts its relocations; `None` if not all is as it should be.
    fn slice(&self, of: &Sliced<'_>, slice: Slice, out: &mut [u8]) -> Option<u32> {
        let object = self.resolution.object(of.piece.file);
        let custom = &object.customs[of.piece.custom.index()];
        let site = Site::custom(of.piece.file, of.section.name);
        let Slice { bytes, entries } = slice;
        let start = bytes.start;
        let mut relocs = (custom.unchecked?).checker_of(object, bytes.clone(), entries);
        let before = relocs.left();
        let bytes = &custom.chunk.bytes[bytes];
        match write_unchecked(&self.relocator, &site, bytes, start, &mut relocs, out) {
            Ok(Ok(())) => Some(before - relocs.left()),
            Ok(Err(_)) | Err(_) => None,
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
        let site = Site::code(file);
        let code = &self.plan.code;
        let mut at = 0;
        for id in functions {
            let id = ObjFunc(id);
            let index = self.plan.functions.of(file, id);
            let index = index.filter(|_| self.relocator.places.liveness.function(file, id));
            let Some(size) = index.and_then(|index| code.body_size(index)) else {
                continue;
            };
            let chunk = object.functions.chunk(id);
            at += leb128::write_u64(&mut out[at..], u64::from(size));
            let body = &mut out[at..at + size as usize];
            at += size as usize;
            if locals::may_be_many(chunk.bytes) {
                self.many_locals.store(true, Relaxed);
            }
            let written = match code.form {
                BodyForm::Plain => write_chunk(&self.relocator, &site, &chunk, body),
                BodyForm::Compressed => write_compressed(&self.relocator, &site, &chunk, body),
                BodyForm::Roomy => {
                    let len = chunk.bytes.len();
                    let written = write_chunk(&self.relocator, &site, &chunk, &mut body[..len]);
                    fill_body(body, len);
                    written
                }
            };
            self.report(written, file, object.function_name(id), errors);
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
                    let strings = &self.plan.data.merged[merged as usize];
                    write_strings(&strings.placed, &mut out[offset..]);
                    at = offset + strings.size as usize;
                }
            }
        }
        out[at..].fill(0);
    }

    fn report(&self, written: Relocated, file: FileId, chunk: &str, errors: &mut Vec<Diagnostic>) {
        if let Err(bad) = written {
            errors.push(relocate::message(self.resolution, file, chunk, &bad));
        }
    }
}

/// Writes strings one behind the other.
fn write_strings(runs: &[StringRun<'_>], out: &mut [u8]) {
    let mut at = 0;
    for string in runs.iter().flat_map(|run| &run.strings) {
        out[at..at + string.len()].copy_from_slice(string);
        at += string.len();
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

//! Code and data: the chunks that most relocations patch.

use wasm_format::linking::SegmentFlags;
use wasm_format::{ConstExpr, Opcode, Reader};

use super::entities::type_index;
use crate::ids::ObjSegment;
use crate::input::fault::{Fault, Parsed};
use crate::input::object::{Chunk, Function, Functions, Relocs, Segment};
use crate::input::prefetch::look_at;

/// The opcode that every body finishes with.
const END: u8 = Opcode::End.code() as u8;

/// How many functions the function section declares.
pub(super) fn function_count(mut body: Reader<'_>) -> Parsed<u32> {
    Ok(body.count("function", 1)?)
}

/// The functions that the file defines. `signatures` are the contents of the function
/// section, which declares `declared` of them.
pub(super) fn code<'a>(
    mut body: Reader<'a>,
    declared: u32,
    signatures: Option<Reader<'a>>,
    types: usize,
) -> Parsed<Functions<'a>> {
    let at = body.offset();
    let section = body.clone();
    let count = body.count("function body", 2)?;
    if count != declared {
        return Err(Fault::new(
            at,
            format!("has {count} function bodies, {declared} functions are declared"),
        ));
    }
    let mut signatures = signatures.unwrap_or(Reader::new(&[]));
    if count != 0 {
        signatures.u32()?;
    }
    let mut functions = Functions::in_section(section.rest(), count as usize);
    let mut ahead = BodyPrefetch::new(section.rest());
    for _ in 0..count {
        let ty =
            type_index(&mut signatures, types).map_err(|fault| fault.in_section(&"FUNCTION"))?;
        let at = body.offset();
        let size = body.u32()? as usize;
        // A section's size is a 32-bit number, so offsets in it are.
        let start = (body.offset() - section.offset()) as u32;
        if size > body.remaining() {
            let message = format!(
                "size {size} of a function body is larger than the remaining {} bytes",
                body.remaining()
            );
            return Err(Fault::new(at, message));
        }
        ahead.pass(start as usize + size);
        let bytes = body.bytes(size)?;
        if bytes.len() < 2 || bytes.last() != Some(&END) {
            return Err(Fault::new(at, "function body does not finish with `end`"));
        }
        functions.push(Function::new(ty), start, size as u32);
    }
    body.finish("the last function body")?;
    signatures
        .finish("the last function's type")
        .map_err(|error| Fault::from(error).in_section(&"FUNCTION"))?;
    Ok(functions)
}

/// Looks at bodies ahead of the way from one to the next.
struct BodyPrefetch<'a> {
    bytes: &'a [u8],
    /// What lies before this was looked at.
    end: usize,
}

impl<'a> BodyPrefetch<'a> {
    /// Bytes looked at in one go.
    const STEP: usize = 4 << 10;
    /// Bytes that come from memory at once.
    const LINE: usize = 64;

    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, end: 0 }
    }

    /// Offset `at` is about to be looked at.
    #[inline]
    fn pass(&mut self, at: usize) {
        if at >= self.end && at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let step = &rest[..rest.len().min(Self::STEP)];
            look_at(step.iter().step_by(Self::LINE));
            self.end = at + step.len();
        }
    }
}

/// The data segments, and which of them are passive.
pub(super) fn data(mut body: Reader<'_>) -> Parsed<(Vec<Segment<'_>>, Vec<ObjSegment>)> {
    const PASSIVE: u32 = 1;
    const EXPLICIT_MEMORY: u32 = 2;
    let section = body.clone();
    let count = body.count("data segment", 2)?;
    let mut segments = Vec::with_capacity(count as usize);
    let mut passive = Vec::new();
    for index in 0..count {
        let at = body.offset();
        let flags = body.u32()?;
        match flags {
            0 | PASSIVE => {}
            EXPLICIT_MEMORY => {
                let memory = body.u32()?;
                if memory != 0 {
                    return Err(Fault::new(
                        at,
                        format!("data segment of memory {memory}; only one memory can be linked"),
                    ));
                }
            }
            _ => {
                return Err(Fault::new(
                    at,
                    format!("unknown data segment flags {flags:#x}"),
                ));
            }
        }
        if flags == PASSIVE {
            passive.push(ObjSegment(index));
        } else {
            // Where the segment lies in its object's memory says nothing: the linker
            // places it anew.
            ConstExpr::decode(&mut body)?;
        }
        let at = body.offset();
        let size = body.u32()? as usize;
        let start = (body.offset() - section.offset()) as u32;
        if size > body.remaining() {
            let message = format!(
                "size {size} of a data segment is larger than the remaining {} bytes",
                body.remaining()
            );
            return Err(Fault::new(at, message));
        }
        let bytes = body.bytes(size)?;
        segments.push(Segment {
            chunk: chunk(bytes, start),
            size: bytes.len() as u64,
            name: "",
            align_log2: 0,
            flags: SegmentFlags::NONE,
            comdat: None,
        });
    }
    body.finish("the last data segment")?;
    Ok((segments, passive))
}

/// A chunk that starts at `start` of its section's contents, its relocations yet to be
/// found.
fn chunk(bytes: &[u8], start: u32) -> Chunk<'_> {
    Chunk {
        bytes,
        relocs: Relocs::Encoded {
            entries: &[],
            after: 0,
            chunk_start: start,
            plain: true,
        },
    }
}

//! Copying a chunk with its relocations applied.

use wasm_format::reloc::RelocTarget;

use crate::demangle::demangle;
use crate::diag::{Code, Diagnostic};
use crate::ids::{FileId, ObjSymbol};
use crate::input::object::Chunk;
use crate::plan::values::{BadReloc, Relocator, Site, WhyUnrelocated};
use crate::resolve::resolution::Resolution;

/// The result of writing a chunk: the first relocation that cannot be applied.
pub(crate) type Relocated = Result<(), BadReloc>;

/// Copies a chunk into `out`, which is as long, and applies its relocations.
#[inline]
pub(crate) fn write_chunk(
    relocator: &Relocator<'_, '_>,
    site: &Site,
    chunk: &Chunk<'_>,
    out: &mut [u8],
) -> Relocated {
    out.copy_from_slice(chunk.bytes);
    let mut result = Ok(());
    for reloc in chunk.relocs.iter() {
        match relocator.value(site, &reloc) {
            Ok(value) => reloc.write(out, value),
            Err(error) => result = result.and(Err(error)),
        }
    }
    result
}

/// Copies a body into `out` with every relocated number in its shortest form; `out` is as
/// long as that makes it.
pub(super) fn write_compressed(
    relocator: &Relocator<'_, '_>,
    site: &Site,
    chunk: &Chunk<'_>,
    out: &mut [u8],
) -> Relocated {
    let mut result = Ok(());
    let mut from = 0;
    let mut at = 0;
    for reloc in chunk.relocs.iter() {
        let before = &chunk.bytes[from..reloc.offset as usize];
        out[at..at + before.len()].copy_from_slice(before);
        at += before.len();
        from = reloc.end();
        let value = relocator.value(site, &reloc).unwrap_or_else(|error| {
            result = result.and(Err(error));
            0
        });
        at += reloc.ty.form().write_shortest(&mut out[at..], value);
    }
    out[at..].copy_from_slice(&chunk.bytes[from..]);
    result
}

/// The error about a relocation that cannot be applied.
pub(super) fn message(
    resolution: &Resolution<'_>,
    file: FileId,
    chunk: &str,
    bad: &BadReloc,
) -> Diagnostic {
    let reloc = &bad.reloc;
    let name = if reloc.ty.target() == RelocTarget::Type {
        "a type"
    } else {
        resolution.name(resolution.symbol_ref(file, ObjSymbol(reloc.target)))
    };
    let end = match bad.why {
        WhyUnrelocated::OutOfRange(value) => {
            format!("is out of range: the value {value} does not fit in 32 bits")
        }
        WhyUnrelocated::Absent => "refers to nothing that the output has".to_owned(),
    };
    Diagnostic::error(
        Code::Layout,
        format!(
            "relocation {} against `{}` in `{}` at offset {:#x} {end}",
            reloc.ty.name(),
            demangle(name),
            demangle(chunk),
            reloc.offset,
        ),
    )
    .in_file(&*resolution.object(file).name)
    .about(name)
}

//! The type section: function types in canonical form.

use wasm_format::leb128::len_u32;
use wasm_format::{FuncType, Reader, RefType, ValType};

use super::entities::abstract_only;
use crate::input::fault::{Fault, Parsed};
use crate::input::keep::LoadedFiles;

/// Fewest bytes a function type takes: form, no parameters, no results.
const MIN_LEN: usize = 3;

/// The encoded types. Borrowed from the section, or from `files` where the section's
/// encoding is not canonical.
pub(super) fn types<'a>(mut body: Reader<'a>, files: &'a LoadedFiles) -> Parsed<Vec<&'a [u8]>> {
    let count = body.count("type", MIN_LEN)?;
    let mut types = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let start = body.clone();
        let canonical = walk(&mut body)?;
        types.push(if canonical {
            &start.rest()[..body.offset() - start.offset()]
        } else {
            let mut encoded = Vec::new();
            FuncType::decode(&mut start.clone())?.encode(&mut encoded);
            files.keep_bytes(encoded)
        });
    }
    body.finish("the last type")?;
    Ok(types)
}

/// Passes over a function type; whether it is encoded as [`FuncType::encode`] would.
fn walk(body: &mut Reader<'_>) -> Parsed<bool> {
    let at = body.offset();
    let form = body.u8()?;
    if form != 0x60 {
        return Err(Fault::new(
            at,
            format!("type of form {form:#x} is no function type; only those can be linked"),
        ));
    }
    let mut canonical = true;
    for _ in 0..2 {
        let at = body.position();
        let count = body.count("value type", 1)?;
        canonical &= body.position() - at == len_u32(count);
        for _ in 0..count {
            let (at, start) = (body.offset(), body.position());
            let ty = ValType::decode(body)?;
            if let ValType::Ref(reference) = ty {
                abstract_only(at, reference)?;
            }
            canonical &= body.position() - start == canonical_len(ty);
        }
    }
    Ok(canonical)
}

/// Bytes that the canonical encoding of a type takes that names no other type.
fn canonical_len(ty: ValType) -> usize {
    match ty {
        ValType::Ref(RefType {
            nullable: false, ..
        }) => 2,
        _ => 1,
    }
}

//! Functions with more local variables than engines take.
//!
//! How many a function has stands in the first bytes of its body, which are at hand only where
//! the body is copied. So that is where they are looked at; what they are called is found out
//! afterwards, if there are such functions.

use wasm_format::{FuncType, Reader, ValType};

use super::engine_limits::function_warning;
use crate::diag::Diagnostic;
use crate::ids::ObjFunc;
use crate::input::object::Object;
use crate::limits;
use crate::limits::EngineLimit;
use crate::options::Options;
use crate::pass::mark::Liveness;
use crate::resolve::resolution::Resolution;

/// Whether the body may have too many locals. They are declared in groups of one type. As long
/// as the number of groups and that of locals in each take one byte, there are fewer than 2^14,
/// and nearly every body is like that.
#[inline]
pub(super) fn may_be_many(body: &[u8]) -> bool {
    let Some((&groups, mut rest)) = body.split_first() else {
        return false;
    };
    if groups >= 0x80 {
        return true;
    }
    for _ in 0..groups {
        // Behind these types, the shortest, stands the next group.
        let Some((&[count, 0x65..=0x7f], next)) = rest.split_first_chunk() else {
            return true;
        };
        if count >= 0x80 {
            return true;
        }
        rest = next;
    }
    false
}

/// The limit that a function is beyond.
fn beyond(object: &Object<'_>, function: ObjFunc) -> Option<EngineLimit> {
    let body = object.functions.chunk(function).bytes;
    if !may_be_many(body) {
        return None;
    }
    let ty = object.types[object.functions[function].ty.index()];
    let ty = FuncType::decode(&mut Reader::new(ty)).ok()?;
    limits::locals_beyond(ty.params.len() as u64, locals(body)?)
}

/// How many locals a body declares; `None` if its beginning makes no sense.
fn locals(body: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(body);
    let groups = reader.count("group of locals", 2).ok()?;
    let mut locals = 0;
    for _ in 0..groups {
        locals += u64::from(reader.u32().ok()?);
        ValType::decode(&mut reader).ok()?;
    }
    Some(locals)
}

/// Names the functions of the output that have too many locals.
pub(super) fn warnings(
    resolution: &Resolution<'_>,
    liveness: &Liveness,
    options: &Options,
) -> Vec<Diagnostic> {
    let of_files = resolution.map_objects(|file, object| {
        let live = liveness.functions(file);
        live.filter_map(|function| {
            let limit = beyond(object, function)?;
            Some(function_warning(object, function, limit, options))
        })
        .collect::<Vec<_>>()
    });
    of_files.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locals_are_counted_where_they_may_be_many() {
        let few: [&[u8]; 5] = [
            &[],
            &[0, 0x0b],
            &[1, 1, 0x7f, 0x0b],
            &[
                2, 0x7f, 0x7b, 0x7f, 0x70, 0x23, 0x80, 0x80, 0x80, 0x80, 0, 0x0b,
            ],
            &[3, 1, 0x7f, 2, 0x7e, 3, 0x69, 0x0b],
        ];
        for body in few {
            assert!(!may_be_many(body), "{body:x?}");
        }
        // Two bytes for a number, types of two bytes, and what is no body.
        let perhaps: [(&[u8], _); 6] = [
            (&[1, 0x80, 1, 0x7f, 0x0b], Some(128)),
            (&[1, 0xd1, 0x86, 3, 0x7f, 0x0b], Some(50_001)),
            (&[2, 1, 0x64, 0x6b, 0xd0, 0x86, 3, 0x7f, 0x0b], Some(50_001)),
            (&[0x81, 0, 5, 0x7f, 0x0b], Some(5)),
            (&[2, 1, 0x7f], None),
            (&[1, 1, 0x40, 0x0b], None),
        ];
        for (body, count) in perhaps {
            assert!(may_be_many(body), "{body:x?}");
            assert_eq!(locals(body), count, "{body:x?}");
        }
    }
}

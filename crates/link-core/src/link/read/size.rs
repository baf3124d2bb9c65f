//! Whether a link is worth threads.

use super::inputs::{Inputs, Source};
use super::load::find_library;
use crate::link::Env;
use crate::link::object::Object;

/// Bytes of input from which on threads save more time than it takes to start them.
const WORTH_THREADS: u64 = 1 << 20;

/// Whether the inputs are few bytes. Looks at sizes, reads nothing, and stops looking once
/// there is enough.
pub(crate) fn are_small(inputs: &Inputs<'_>, env: &Env<'_>) -> bool {
    let mut left = WORTH_THREADS;
    inputs.inputs.iter().all(|input| {
        let size = match &input.source {
            Source::Path(path) => env.files.size(path),
            // One that is not found takes no time.
            Source::Library(name) => {
                match find_library(&inputs.search_paths, env.files, name, input.dynamic) {
                    Some(path) => env.files.size(&path),
                    None => Some(0),
                }
            }
            Source::Bytes { data, .. } => Some(data.bytes().len() as u64),
            Source::Object(object) => Some(chunk_bytes(object)),
        };
        match size.and_then(|size| left.checked_sub(size)) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        }
    })
}

fn chunk_bytes(object: &Object<'_>) -> u64 {
    let functions = object.functions.chunks();
    let segments = object.segments.iter().map(|segment| segment.chunk);
    let chunks = functions.chain(segments);
    chunks.map(|chunk| chunk.bytes.len() as u64).sum()
}

//! Whether a link is worth threads.

use std::path::Path;

use super::inputs::{InputSource, Inputs};
use super::load::find_library;
use super::object::Object;
use crate::env::Env;

/// Bytes of input from which on threads save more time than it takes to start them.
const WORTH_THREADS: u64 = 1 << 20;

/// Of an archive that is not linked as a whole, one in so many bytes is looked at: of a C
/// library a small program needs less than a tenth.
const PULLED_SHARE: u64 = 8;

/// Whether the inputs are few bytes to look at. Looks at sizes, reads nothing, and stops
/// looking once there is enough.
pub(crate) fn are_small(inputs: &Inputs<'_>, env: &Env<'_>) -> bool {
    let mut left = WORTH_THREADS;
    inputs.inputs.iter().all(|input| {
        let size_of = |path: &Path| {
            let size = env.files.size(path)?;
            let is_archive = path.extension().is_some_and(|extension| extension == "a");
            Some(if is_archive && !input.whole_archive {
                size / PULLED_SHARE
            } else {
                size
            })
        };
        let size = match &input.source {
            InputSource::Path(path) => size_of(path),
            // One that is not found takes no time.
            InputSource::Library(name) => {
                match find_library(&inputs.search_paths, env.files, name, input.dynamic) {
                    Some(path) => size_of(&path),
                    None => Some(0),
                }
            }
            InputSource::Bytes { data, .. } => Some(data.bytes().len() as u64),
            InputSource::Object(object) => Some(chunk_bytes(object)),
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

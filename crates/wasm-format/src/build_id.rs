//! The `build_id` section: a value that tells one build of a module from another
//! (tool-conventions BuildId.md).
//!
//! ```
//! use wasm_format::{Reader, build_id};
//!
//! let mut body = Vec::new();
//! build_id::put_build_id(&mut body, &[0xde, 0xad, 0xbe, 0xef]);
//! assert_eq!(body, [4, 0xde, 0xad, 0xbe, 0xef]);
//! assert_eq!(build_id::decode(Reader::new(&body)).unwrap(), [0xde, 0xad, 0xbe, 0xef]);
//! ```

use crate::error::Result;
use crate::leb128::put_bytes;
use crate::reader::Reader;

/// Name of the custom section.
pub const BUILD_ID_SECTION: &str = "build_id";

/// The id's bytes. `reader` is at the section's contents, after its name.
pub fn decode(mut reader: Reader<'_>) -> Result<&[u8]> {
    let id = reader.byte_vec()?;
    reader.finish("the build id")?;
    Ok(id)
}

/// Appends the section's contents (without its name): the id is their last `id.len()`
/// bytes, where a linker that learns it late can write it.
pub fn put_build_id(out: &mut Vec<u8>, id: &[u8]) {
    put_bytes(out, id);
}

//! How much of its inputs a link without debug info has to look at.

use std::fs;
use std::path::{Path, PathBuf};

use wasm_format::{MODULE_HEADER, Reader, SectionId};

use crate::Result;

/// The size of a page of memory.
const PAGE: usize = 4096;

/// The bytes of all pages of these objects that hold something other than debug sections and
/// their relocations.
pub(super) fn without_debug(files: &[PathBuf]) -> Result<u64> {
    let mut pages = 0;
    for file in files {
        let bytes = fs::read(file)?;
        pages += pages_without_debug(&bytes).map_err(|error| in_file(file, &error))?;
    }
    Ok((pages * PAGE) as u64)
}

fn in_file(file: &Path, error: &wasm_format::DecodeError) -> String {
    format!("{}: {error}", file.display())
}

fn pages_without_debug(file: &[u8]) -> wasm_format::Result<usize> {
    let mut reader = Reader::new(file);
    reader.bytes(MODULE_HEADER.len())?;
    // The page behind the last that was counted.
    let mut counted = 0;
    let mut pages = 0;
    let mut count = |range: std::ops::Range<usize>| {
        let end = range.end.div_ceil(PAGE);
        pages += end.saturating_sub(counted.max(range.start / PAGE));
        counted = counted.max(end);
    };
    while !reader.is_empty() {
        let start = reader.offset();
        let id = reader.u8()?;
        let size = reader.u32()? as usize;
        let mut body = reader.sub(size)?;
        let mut end = reader.offset();
        if id == SectionId::Custom as u8 {
            let name = body.name()?;
            if name.starts_with(".debug") || name.starts_with("reloc..debug") {
                end = body.offset();
            }
        }
        count(start..end);
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use wasm_format::put_custom_section;

    use super::*;

    #[test]
    fn pages_are_counted_once() {
        let mut file = MODULE_HEADER.to_vec();
        put_custom_section(&mut file, "a", &[0; 100]);
        put_custom_section(&mut file, ".debug_info", &[0; 3 * PAGE]);
        put_custom_section(&mut file, "reloc..debug_info", &[0; 3 * PAGE]);
        // Behind six pages and a little, and over one border.
        put_custom_section(&mut file, "b", &[0; PAGE]);
        // The first page; that in which the relocations begin; the two of `b`.
        assert_eq!(pages_without_debug(&file), Ok(4));
    }
}

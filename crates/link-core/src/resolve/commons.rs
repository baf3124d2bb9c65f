//! Common symbols: data of zeroes that several files define, each with a size and an alignment.
//! The output has it once, with the largest of both.

use wasm_format::linking::SymbolFlags;

use super::resolution::{Definition, FileResolution, Symbol};
use crate::hash::HashMap;
use crate::ids::SymbolId;
use crate::input::object::Object;

/// The size and alignment that the files ask for.
#[derive(Debug, Clone, Copy, Default)]
struct CommonExtent {
    size: u64,
    align_log2: u32,
}

/// Gives each common symbol the largest size and alignment that any file asks for.
pub(super) fn merge(
    objects: &mut [Box<Object<'_>>],
    files: &[FileResolution],
    symbols: &mut [Symbol<'_>],
) {
    let mut all: HashMap<SymbolId, CommonExtent> = HashMap::default();
    for (object, file) in objects.iter().zip(files) {
        for &common in &object.commons {
            let (Some(id), Some(segment)) =
                (file.symbols[common.index()], object.common_segment(common))
            else {
                continue;
            };
            let symbol = &mut symbols[id.index()];
            if !symbol.is_common() {
                continue;
            }
            let flags = object.symbols[common.index()].flags();
            symbol.hidden |= flags.contains(SymbolFlags::VISIBILITY_HIDDEN);
            symbol.no_strip |= flags.contains(SymbolFlags::NO_STRIP);
            symbol.exported_flag |= flags.contains(SymbolFlags::EXPORTED);
            let segment = &object.segments[segment.index()];
            let wanted = all.entry(id).or_default();
            wanted.size = wanted.size.max(segment.size);
            wanted.align_log2 = wanted.align_log2.max(segment.align_log2);
        }
    }
    for (id, wanted) in all {
        if let Definition::Object { file, symbol } = symbols[id.index()].definition {
            objects[file.index()].resize_common(symbol, wanted.size, wanted.align_log2);
        }
    }
}

//! An object file of any bytes: parsing it must not panic, and what comes out must be
//! what an `Object` vouches for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use link_core::link::read::{LoadedFiles, ParseOptions, parse_object};

fuzz_target!(|bytes: &[u8]| {
    let files = LoadedFiles::new();
    for strip_debug in [false, true] {
        let options = ParseOptions {
            strip_debug,
            from_archive: false,
        };
        let Ok(object) = parse_object(&"fuzz.o".into(), bytes, options, &files) else {
            continue;
        };
        let functions = object.functions.iter().map(|function| function.chunk);
        let segments = object.segments.iter().map(|segment| segment.chunk);
        let customs = object.customs.iter().map(|custom| custom.chunk);
        for chunk in functions.chain(segments).chain(customs) {
            let mut end = 0;
            for reloc in chunk.relocs.iter() {
                assert!(reloc.offset as usize >= end);
                end = reloc.end();
            }
            assert!(end <= chunk.bytes.len());
        }
    }
});

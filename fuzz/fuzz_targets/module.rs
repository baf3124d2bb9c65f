//! See `module` in `crates/link-core/tests/common/engine.rs`.
#![no_main]

#[path = "../../crates/link-core/tests/common/fuzz.rs"]
#[allow(dead_code, reason = "each target uses a part")]
mod fuzz;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::module(bytes);
});

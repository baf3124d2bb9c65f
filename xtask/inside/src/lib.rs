//! link-core as a WebAssembly module that imports nothing: a host writes a link into its memory and
//! reads the outcome. `crates/link-core/tests/inside.rs` compares that with the native outcome.
//!
//! The host calls [`room`] for the bytes of the link, in the form of the fuzz target `link`, writes
//! them there, and calls [`link`]. The outcome then lies at [`outcome`].

#[path = "../../../crates/link-core/tests/common/fuzz.rs"]
#[allow(dead_code, unreachable_pub, reason = "this uses a part of it")]
mod fuzz;

use std::sync::{Mutex, MutexGuard, PoisonError};

static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static OUTCOME: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn lock(bytes: &'static Mutex<Vec<u8>>) -> MutexGuard<'static, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room for a link of `len` bytes; returns its address.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the host calls it by this name")]
pub extern "C" fn room(len: usize) -> *mut u8 {
    let mut input = lock(&INPUT);
    input.clear();
    input.resize(len, 0);
    input.as_mut_ptr()
}

/// Links what was written into the room; returns the size of the outcome, in bytes.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the host calls it by this name")]
pub extern "C" fn link() -> usize {
    let outcome = fuzz::described(&lock(&INPUT));
    let len = outcome.len();
    *lock(&OUTCOME) = outcome;
    len
}

/// The address of the outcome: one byte, 1 for a module and 0 for messages, and either of them.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the host calls it by this name")]
pub extern "C" fn outcome() -> *const u8 {
    lock(&OUTCOME).as_ptr()
}

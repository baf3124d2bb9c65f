//! The `wasm-link` command.

fn main() {}

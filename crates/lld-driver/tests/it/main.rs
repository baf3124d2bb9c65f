//! The driver with a real linker: the `rust-lld` of the toolchain that builds the
//! tests, and with fake ones that misbehave.

mod objects;
mod run;
mod support;

//! The driver with a real linker: the `rust-lld` of the toolchain that runs the
//! tests, and with fake ones that misbehave.

mod cache;
mod copy;
mod job;
mod locate;
mod objects;
mod run;
mod support;
mod trace;

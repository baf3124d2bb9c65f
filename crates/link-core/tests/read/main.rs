//! The read phase, from the outside: files in, objects and messages out.

#[path = "../common/mod.rs"]
mod common;

mod archives;
mod damage;
mod inputs;
mod mutation;
mod objects;
mod sample;

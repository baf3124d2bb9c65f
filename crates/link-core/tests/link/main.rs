//! Whole links by the library: small objects in, modules and messages out, compared with
//! what `rust-lld` makes of the same inputs.

#[path = "../common/mod.rs"]
mod common;

mod build_id;
mod collisions;
mod common_symbols;
mod compact_imports;
mod cooperative;
mod distances;
mod dynamic;
mod identical;
mod kept;
mod left_out;
mod library;
mod limits;
mod linker_defined;
mod loader;
mod made_relocs;
mod messages;
mod metadata;
mod named_exports;
mod native_options;
mod own_sections;
mod ports;
mod raw_indices;
mod relocatable;
mod sessions;
mod sizes;
mod slices;
mod split;
mod structure;
mod stub_libraries;
mod support;
mod symbols;
mod thread_local;
mod trust;
mod why;
mod worlds;

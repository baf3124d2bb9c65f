//! The built command, run as a user runs it, beside `rust-lld`.

mod arguments;
mod cache;
mod changes;
#[cfg(feature = "component")]
mod components;
mod ends;
mod help;
mod install;
mod libraries;
mod like_lld;
mod lld_files;
mod messages;
mod outputs;
mod reports;
mod support;
mod thin;
mod written;

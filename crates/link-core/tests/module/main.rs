//! The engine for generated code, as its callers see it: every module that it makes is
//! validated, and run where it can run.

#[path = "../common/mod.rs"]
mod common;

mod lifecycle;
mod limits;
mod many;
mod model;
mod object;
mod open;
mod output;
mod random;
mod sections;
mod support;
mod undefined;

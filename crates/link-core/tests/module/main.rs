//! The engine for generated code, as its callers see it: every module that it makes is
//! validated, and run where it can run.

mod lifecycle;
mod limits;
mod model;
mod object;
mod output;
mod sections;
mod support;
mod undefined;

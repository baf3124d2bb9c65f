//! A small compiler on `link_core::module`.
//!
//! Read it in the order of the phases: [`lexer`] → [`parser`] → [`check`] → [`codegen`], and
//! then [`session`], which drives them and owns the module. What has to do with the module is
//! in the last two and in [`runtime`] alone.

pub(crate) mod ast;
pub(crate) mod check;
pub(crate) mod codegen;
pub(crate) mod lexer;
pub(crate) mod parser;
pub(crate) mod runtime;
pub(crate) mod session;
pub(crate) mod source;

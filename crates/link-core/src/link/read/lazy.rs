//! A member that is linked if somebody needs it.

use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::link::object::Object;

/// A member of an archive, or an object between `--start-lib` and `--end-lib`: the names
/// it defines, and the way to parse it once one of them is needed.
#[derive(Debug)]
pub struct LazyMember<'a> {
    symbols: Vec<&'a str>,
}

impl<'a> LazyMember<'a> {
    /// How messages call it, such as `libc.a(printf.o)`.
    pub fn name(&self) -> Arc<str> {
        todo!()
    }

    /// The symbols that it defines and others can see, in the order of the archive's
    /// index or else of its symbol table.
    pub fn symbols(&self) -> &[&'a str] {
        &self.symbols
    }

    /// Whether it is LLVM bitcode, which [`LazyMember::parse`] refuses.
    pub fn is_bitcode(&self) -> bool {
        todo!()
    }

    /// Reads and parses it. An error names the member; that of a bitcode member has
    /// [`Code::Bitcode`](crate::diag::Code::Bitcode), so that the caller can turn to LLD.
    pub fn parse(&self) -> Result<Object<'a>, Diagnostic> {
        todo!()
    }
}

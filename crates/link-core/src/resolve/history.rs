//! What resolution has met on its way, as far as the options ask: plain data, which the
//! report of a link hands on.

use std::sync::Arc;

/// What resolution has met, in the order in which it happened.
#[derive(Debug, Default)]
pub struct History {
    /// The files that take part, in the order in which they were added.
    pub files: Vec<Arc<str>>,
    /// The lazy inputs that were pulled, in the order in which they were complete.
    pub extractions: Vec<Extraction>,
    /// Definitions of and references to traced symbols, as they were met.
    pub traced: Vec<Traced>,
    /// What lazy inputs that were not pulled offer of the names that
    /// [`Options::why`](crate::options::Options::why) asks about.
    pub not_linked: Vec<OfferedSymbol>,
}

/// A symbol that a lazy input offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedSymbol {
    /// The symbol, as it stands in the file.
    pub symbol: String,
    /// The input.
    pub file: Arc<str>,
}

/// Why an archive member (or an object of a `--start-lib` group) was linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extraction {
    /// Who needed it: a file, or `--entry`, `--export` or `<internal>`, as `wasm-ld` says, or
    /// `--extract-custom-sections`.
    pub by: Arc<str>,
    /// The member.
    pub file: Arc<str>,
    /// The symbol that was needed, as it stands in the files; for `--extract-custom-sections` the
    /// name of a section.
    pub symbol: String,
}

/// What a file says of a traced symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The file; `None` for the linker itself.
    pub file: Option<Arc<str>>,
    /// What it says.
    pub what: TracedWhat,
    /// The symbol, as it stands in the files.
    pub symbol: String,
    /// How many of [`History::files`] had been added by then.
    pub files_before: usize,
}

/// What a file says of a traced symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TracedWhat {
    /// It needs it.
    Reference,
    /// It defines it.
    Definition,
    /// It would define it, if it were linked.
    LazyDefinition,
    /// It is a stub library whose function of this name needs it, and so it is exported.
    ExportedFor(String),
    /// It is a stub library, whose function it is.
    Imported,
}

//! What resolution remembers of its way, for those who ask: see [`History`].

use std::collections::BTreeSet;
use std::sync::Arc;

use super::history::{Extraction, History, OfferedSymbol, Traced, TracedWhat};
use crate::hash::HashSet;
use crate::ids::FileId;
use crate::options::Options;

/// Who needed a lazy input, and for what.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) by: Arc<str>,
    /// A symbol, or a custom section.
    pub(super) symbol: &'a str,
}

/// Writes the history.
#[derive(Debug)]
pub(super) struct Recorder<'a> {
    history: History,
    files: bool,
    extractions: bool,
    traced: &'a BTreeSet<String>,
    /// References that are in the history: a file refers again to what had to be pulled.
    referred: HashSet<(Option<FileId>, &'a str)>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self {
            history: History::default(),
            files: options.trace,
            extractions: options.why_extract,
            traced: &options.trace_symbols,
            referred: HashSet::default(),
        }
    }

    pub(super) fn file(&mut self, name: &Arc<str>) {
        if self.files {
            self.history.files.push(name.clone());
        }
    }

    pub(super) fn extraction(&mut self, file: &Arc<str>, wanted: Wanted<'a>) {
        if self.extractions {
            self.history.extractions.push(Extraction {
                by: wanted.by,
                file: file.clone(),
                symbol: wanted.symbol.to_owned(),
            });
        }
    }

    /// Whether what happens to any name is remembered.
    pub(super) fn is_tracing(&self) -> bool {
        !self.traced.is_empty()
    }

    /// Whether what happens to `name` is remembered.
    pub(super) fn traces(&self, name: &str) -> bool {
        self.is_tracing() && self.traced.contains(name)
    }

    pub(super) fn traced(&mut self, symbol: &str, file: Option<Arc<str>>, what: TracedWhat) {
        self.history.traced.push(Traced {
            file,
            what,
            symbol: symbol.to_owned(),
            files_before: self.history.files.len(),
        });
    }

    /// Whether `file` refers to the traced `name` for the first time.
    pub(super) fn refers_first(&mut self, name: &'a str, file: Option<FileId>) -> bool {
        self.referred.insert((file, name))
    }

    /// Remembers what a lazy input offers that was not pulled.
    pub(super) fn not_linked(&mut self, symbol: &str, file: Arc<str>) {
        self.history.not_linked.push(OfferedSymbol {
            symbol: symbol.to_owned(),
            file,
        });
    }

    pub(super) fn into_history(self) -> History {
        self.history
    }
}

//! What changed in a module since it was last flushed into an open output.

use crate::module::Module;
use crate::module::decls::Decls;
use crate::module::handle::{Target, TargetKind};

/// The changes since a certain write of an open output. They are of use for the next flush into
/// that output alone.
#[derive(Debug)]
pub(in crate::module) struct Journal {
    /// Which write it was; no two have the same number.
    pub(super) write: u64,
    /// Slots of defined functions that were announced, updated, failed or freed, some of them
    /// more than once.
    pub(super) functions: Vec<u32>,
    /// The same of data.
    pub(super) data: Vec<u32>,
    /// Whether the exports changed.
    pub(super) exports: bool,
    /// Whether the names of locals changed.
    pub(in crate::module) local_names: bool,
    /// Something that changed and is never patched.
    pub(super) other: Option<&'static str>,
}

impl Journal {
    /// How many changes are written down. The journal of an output that is never flushed into
    /// again stays that small.
    const MOST: usize = 1 << 16;

    pub(super) fn new(write: u64) -> Self {
        Self {
            write,
            functions: Vec::new(),
            data: Vec::new(),
            exports: false,
            local_names: false,
            other: None,
        }
    }

    fn other(&mut self, what: &'static str) {
        self.other.get_or_insert(what);
        // Everything is written, whatever else there is.
        self.functions = Vec::new();
        self.data = Vec::new();
    }

    fn note(&mut self, decls: &Decls, target: Target) {
        if self.other.is_some() {
            return;
        }
        let imported = decls.head(target).is_some_and(|head| head.imported);
        let slots = match target.kind() {
            TargetKind::Function if imported => return self.other("an imported function"),
            TargetKind::Data | TargetKind::DataSlot if imported => {
                return self.other("imported data");
            }
            TargetKind::Function => &mut self.functions,
            TargetKind::Data | TargetKind::DataSlot => &mut self.data,
            TargetKind::Global => return self.other("a global"),
            TargetKind::Table => return self.other("a table"),
            TargetKind::Memory => return self.other("the memory"),
            TargetKind::Tag => return self.other("a tag"),
            TargetKind::Custom => return self.other("a custom section"),
            TargetKind::Type | TargetKind::BodyType => return self.other("a type"),
        };
        slots.push(target.index() as u32);
        if slots.len() > Self::MOST {
            slots.sort_unstable();
            slots.dedup();
            if slots.len() > Self::MOST / 2 {
                self.other("very many declarations");
            }
        }
    }
}

impl Module {
    /// Writes down that a declaration changes, which is live. Nothing is written down before
    /// there is an open output.
    #[inline]
    pub(in crate::module) fn note(&mut self, target: Target) {
        if let Some(journal) = &mut self.journal {
            journal.note(&self.decls, target);
        }
    }

    /// Writes down that a declaration is updated. An import may be updated to what it is, which
    /// its own update finds out. A stale handle is refused, and its slot may be another declaration's.
    #[inline]
    pub(in crate::module) fn note_update(&mut self, target: Target) {
        if let Some(journal) = &mut self.journal
            && let Some(head) = self.decls.head(target)
            && !(head.imported && target.kind() == TargetKind::Function)
        {
            journal.note(&self.decls, target);
        }
    }

    /// Writes down that the exports of a declaration change.
    #[inline]
    pub(in crate::module) fn note_exports(&mut self, target: Target) {
        if let Some(journal) = &mut self.journal {
            if matches!(target.kind(), TargetKind::Data | TargetKind::DataSlot) {
                // There is a global for each.
                journal.other("exported data");
            }
            journal.exports = true;
        }
    }

    /// Writes down that something changes that is never patched.
    #[inline]
    pub(in crate::module) fn note_other(&mut self, what: &'static str) {
        if let Some(journal) = &mut self.journal {
            journal.other(what);
        }
    }
}

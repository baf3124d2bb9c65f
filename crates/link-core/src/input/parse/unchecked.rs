//! Relocations of debug info: they are decoded once, when they are written, and each is
//! found good right before.

use std::ops::Range;

use wasm_format::Reader;
use wasm_format::reloc::{RelocEntry, RelocSection};

use super::relocs::{check_order, outside, place_end};
use super::targets::check_target;
use crate::diag::Diagnostic;
use crate::input::fault::{Fault, Parsed};
use crate::input::object::{ObjReloc, Object, UncheckedRelocs};
use crate::reloc::Reloc;

/// Goes through the relocations of a section of debug info.
pub(crate) struct Checker<'o, 'a> {
    relocs: UncheckedRelocs<'a>,
    object: &'o Object<'a>,
    /// Size of the section that they patch, in bytes.
    len: u64,
    /// Entries not yet gone through.
    rest: &'a [u8],
    /// How many those are to be.
    left: u32,
    /// Offset of the first byte after the previous place.
    previous_end: u64,
}

impl<'a> UncheckedRelocs<'a> {
    /// To go through them; they patch a section of `object` that has `len` bytes.
    pub(crate) fn checker<'o>(self, object: &'o Object<'a>, len: usize) -> Checker<'o, 'a> {
        self.checker_of(object, 0..len, 0..self.entries.len())
    }

    /// To go through those of a slice of the section, `bytes`, which are the `entries` of the
    /// list, in bytes.
    pub(crate) fn checker_of<'o>(
        self,
        object: &'o Object<'a>,
        bytes: Range<usize>,
        entries: Range<usize>,
    ) -> Checker<'o, 'a> {
        Checker {
            relocs: self,
            object,
            len: bytes.end as u64,
            rest: &self.entries[entries],
            left: self.count,
            previous_end: bytes.start as u64,
        }
    }
}

impl<'o, 'a> Checker<'o, 'a> {
    /// How many the section has besides those that were gone through.
    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// The object whose section they patch.
    pub(crate) fn object(&self) -> &'o Object<'a> {
        self.object
    }

    /// Hands relocations to `apply` until it refuses one, or something else is wrong with
    /// the next. Places are found good here; `apply` is to refuse a target that is not
    /// there or not of the kind that the type asks for.
    #[inline]
    pub(crate) fn apply_while(&mut self, mut apply: impl FnMut(&RelocEntry) -> bool) {
        let (mut rest, mut left, mut end) = (self.rest, self.left, self.previous_end);
        while left > 0
            && let Some((entry, after)) = RelocEntry::split_first(rest)
            && u64::from(entry.offset) >= end
            && place_end(&entry) <= self.len
            && apply(&entry)
        {
            rest = after;
            left -= 1;
            end = place_end(&entry);
        }
        (self.rest, self.left, self.previous_end) = (rest, left, end);
    }

    /// The next relocation, found good; `None` if there are no more bytes of any.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn next(&mut self) -> Result<Option<ObjReloc>, Diagnostic> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.check_next().map_err(|fault| self.diagnostic(fault))
    }

    /// That as many were gone through as the section says it has.
    ///
    /// # Errors
    /// If they were fewer.
    pub(crate) fn finish(mut self) -> Result<(), Diagnostic> {
        match self.check_next() {
            Ok(_) => Ok(()),
            Err(fault) => Err(self.diagnostic(fault)),
        }
    }

    fn diagnostic(&self, fault: Fault) -> Diagnostic {
        fault
            .in_section(&self.relocs.section)
            .into_diagnostic(&self.object.name)
    }

    /// The next relocation; `None` at the end of the list.
    fn check_next(&mut self) -> Parsed<Option<ObjReloc>> {
        let at = self.relocs.at + (self.relocs.entries.len() - self.rest.len());
        let mut entries = RelocSection {
            section: 0,
            count: self.left,
            entries: Reader::at(self.rest, at),
        }
        .iter();
        let Some(entry) = entries.next() else {
            return Ok(None);
        };
        let entry = entry?;
        check_target(at, &entry, &self.object.symbols, self.object.types.len())?;
        let end = check_order(at, &entry, self.previous_end)?;
        if end > self.len {
            return Err(outside(at, &entry, "custom section"));
        }
        self.rest = &self.rest[entries.offset() - at..];
        self.left -= 1;
        self.previous_end = end;
        Ok(Some(Reloc {
            offset: entry.offset,
            ty: entry.ty,
            target: entry.index,
            addend: entry.addend,
        }))
    }
}

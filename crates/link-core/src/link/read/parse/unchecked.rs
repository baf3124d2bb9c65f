//! Relocations of debug info: they are decoded once, when they are written, and each is
//! found good right before.

use wasm_format::Reader;
use wasm_format::reloc::{RelocEntry, RelocSection};

use super::relocs::{check_order, outside, place_end};
use super::targets::check_target;
use crate::diag::Diagnostic;
use crate::link::object::{ObjReloc, Object, UncheckedRelocs};
use crate::link::read::fault::Parsed;
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
        Checker {
            relocs: self,
            object,
            len: len as u64,
            rest: self.entries,
            left: self.count,
            previous_end: 0,
        }
    }
}

impl<'a> Checker<'_, 'a> {
    /// The next relocation, found good, and what `known` says of it: something only of
    /// one whose target is there and of the kind that its type asks for.
    ///
    /// # Errors
    /// What is wrong with the next relocation.
    #[inline]
    pub(crate) fn next<T>(
        &mut self,
        known: impl FnOnce(&RelocEntry) -> Option<T>,
    ) -> Result<Option<(ObjReloc, Option<T>)>, Diagnostic> {
        if self.left > 0
            && let Some((entry, rest)) = RelocEntry::split_first(self.rest)
            && u64::from(entry.offset) >= self.previous_end
            && place_end(&entry) <= self.len
            && let Some(known) = known(&entry)
        {
            return Ok(Some((self.pass(&entry, rest), Some(known))));
        }
        Ok(self.next_unknown()?.map(|reloc| (reloc, None)))
    }

    #[inline(never)]
    fn next_unknown(&mut self) -> Result<Option<ObjReloc>, Diagnostic> {
        self.check_next().map_err(|fault| {
            fault
                .in_section(&self.relocs.section)
                .into_diagnostic(&self.object.name)
        })
    }

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
        if check_order(at, &entry, self.previous_end)? > self.len {
            return Err(outside(at, &entry, "custom section"));
        }
        let rest = &self.rest[entries.offset() - at..];
        Ok(Some(self.pass(&entry, rest)))
    }

    /// Leaves `entry` behind, which `rest` follows.
    #[inline]
    fn pass(&mut self, entry: &RelocEntry, rest: &'a [u8]) -> ObjReloc {
        self.rest = rest;
        self.left -= 1;
        self.previous_end = place_end(entry);
        Reloc {
            offset: entry.offset,
            ty: entry.ty,
            target: entry.index,
            addend: entry.addend,
        }
    }
}

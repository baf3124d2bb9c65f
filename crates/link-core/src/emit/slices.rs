//! Debug info of a large object, cut so that several threads write it.
//!
//! Where a relocation's entry begins in a list of them only shows when all before it are
//! read. But a sequence of entries has offsets that grow, and hardly anything else that
//! can be decoded as one has: so looking at a few shows where one probably begins. Whether
//! it does is known when the slice before has been written, which then ends there. If not,
//! or if anything else is odd, the section is written again as a whole.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};

use wasm_format::reloc::RelocEntry;

use super::parts::PartSource;
use crate::input::object::UncheckedRelocs;
use crate::plan::{CustomPiece, OutputCustom};

/// Bytes among which one that begins an entry is looked for: no entry is longer.
const LONGEST_ENTRY: usize = 21;

/// Entries that have to follow where one seems to begin.
const LOOK_AT: usize = 16;

/// Bytes of entries that a slice has at least, so that those in which its end is looked for
/// are few of them.
const MIN_ENTRIES: usize = 512;

/// A section that is written in slices.
pub(super) struct Sliced<'l> {
    /// The section.
    pub(super) piece: &'l CustomPiece,
    /// The output's section that it is in.
    pub(super) section: &'l OutputCustom<'l>,
    /// Where it begins in the output, in bytes.
    pub(super) at: u64,
    /// Its size, in bytes.
    pub(super) len: usize,
    /// Entries that were not seen yet.
    left: AtomicU32,
    failed: AtomicBool,
}

/// A part of a section, and of the entries that patch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slice {
    /// Which bytes of the section.
    pub(super) bytes: Range<usize>,
    /// Which bytes of its relocation entries.
    pub(super) entries: Range<usize>,
}

impl<'l> Sliced<'l> {
    pub(super) fn new(
        piece: &'l CustomPiece,
        section: &'l OutputCustom<'l>,
        at: u64,
        len: usize,
        relocs: &UncheckedRelocs<'_>,
    ) -> Self {
        Self {
            piece,
            section,
            at,
            len,
            left: relocs.count.into(),
            failed: false.into(),
        }
    }

    /// Takes down that a slice was written with so many entries, or that it was not:
    /// `None`.
    pub(super) fn written(&self, entries: Option<u32>) {
        match entries {
            // Counts of cuts in wrong places may come to anything; one of them has failed.
            Some(count) => _ = self.left.fetch_sub(count, Relaxed),
            None => self.failed.store(true, Relaxed),
        }
    }

    /// The section as one part.
    pub(super) fn whole(&self) -> PartSource<'l> {
        PartSource::Custom {
            section: self.section,
            pieces: std::slice::from_ref(self.piece),
            start: self.piece.offset,
        }
    }

    /// Whether all of it was written as it should be.
    pub(super) fn is_written(&self) -> bool {
        !self.failed.load(Relaxed) && self.left.load(Relaxed) == 0
    }
}

/// Slices of a section that has `len` bytes, each of about `batch` bytes with its entries;
/// none if that is not worth while, or not all is as it should be.
pub(super) fn slices(relocs: &UncheckedRelocs<'_>, len: usize, batch: usize) -> Vec<Slice> {
    let entries = relocs.entries;
    let count = ((len + entries.len()) / batch).min(entries.len() / MIN_ENTRIES);
    if count < 2 {
        return Vec::new();
    }
    let mut slices = Vec::with_capacity(count);
    let mut slice = Slice {
        bytes: 0..0,
        entries: 0..0,
    };
    for nth in 1..count {
        let near = entries.len() / count * nth;
        let Some((cut, place)) = entry_near(entries, near, slice.bytes.start..len) else {
            continue;
        };
        let next = Slice {
            bytes: place..place,
            entries: cut..cut,
        };
        slice.bytes.end = place;
        slice.entries.end = cut;
        slices.push(std::mem::replace(&mut slice, next));
    }
    slice.bytes.end = len;
    slice.entries.end = entries.len();
    slices.push(slice);
    slices
}

/// Where an entry probably begins, soon after `near`, and the offset of what it patches,
/// which lies in `places`.
fn entry_near(entries: &[u8], near: usize, places: Range<usize>) -> Option<(usize, usize)> {
    (near..near + LONGEST_ENTRY).find_map(|start| {
        let mut rest = entries.get(start..)?;
        let mut found = None;
        let mut end = places.start + 1;
        for _ in 0..LOOK_AT {
            let (entry, after) = RelocEntry::split_first(rest)?;
            let place = entry.offset as usize;
            if place < end || place >= places.end {
                return None;
            }
            // The last of them: even if the first are none, where they end others begin.
            found = Some((entries.len() - rest.len(), place));
            end = place + entry.ty.form().width();
            rest = after;
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use wasm_format::reloc::RelocType;

    use super::*;

    const BATCH: usize = 256 << 10;

    fn entries(all: impl Iterator<Item = (RelocType, u32)>) -> (Vec<u8>, u32) {
        let mut out = Vec::new();
        let mut count = 0;
        for (ty, offset) in all {
            let entry = RelocEntry {
                ty,
                offset,
                index: offset % 300,
                addend: i64::from(offset % 1000),
            };
            entry.encode(&mut out);
            count += 1;
        }
        (out, count)
    }

    fn of(entries: &[u8], count: u32, len: usize) -> Vec<Slice> {
        let relocs = UncheckedRelocs {
            section: "reloc..debug_info",
            entries,
            count,
            at: 0,
        };
        slices(&relocs, len, BATCH)
    }

    #[test]
    fn slices_follow_one_another_and_begin_with_entries() {
        let len = 1 << 20;
        let ty = |i| match i % 3 {
            0 => RelocType::GlobalIndexI32,
            _ => RelocType::SectionOffsetI32,
        };
        let (bytes, count) = entries((0..len / 16).map(|i| (ty(i), i * 16)));
        let slices = of(&bytes, count, len as usize);
        assert_eq!(slices.len(), (len as usize + bytes.len()) / BATCH);
        let mut at = (0, 0);
        for slice in &slices {
            assert_eq!((slice.bytes.start, slice.entries.start), at);
            let (entry, _) = RelocEntry::split_first(&bytes[slice.entries.clone()]).unwrap();
            assert_eq!(entry.offset as usize, slice.bytes.start);
            assert_eq!(entry.index, entry.offset % 300);
            at = (slice.bytes.end, slice.entries.end);
        }
        assert_eq!(at, (len as usize, bytes.len()));
    }

    #[test]
    fn what_is_small_is_not_cut() {
        let (bytes, count) = entries((0..100).map(|i| (RelocType::SectionOffsetI32, i * 16)));
        assert_eq!(of(&bytes, count, 1 << 20), []);
        let (bytes, count) = entries((0..9000).map(|i| (RelocType::SectionOffsetI32, i * 16)));
        assert_eq!(of(&bytes, count, 9000 * 16), []);
    }

    /// Many bytes look as if they began an entry.
    #[test]
    fn wherever_a_cut_is_wanted_an_entry_begins_there() {
        let mut begins = Vec::new();
        let mut out = Vec::new();
        for i in 0..20_000u32 {
            begins.push((out.len(), i as usize * 6));
            let entry = RelocEntry {
                ty: RelocType::ALL[[8, 9, 9, 5, 13][i as usize % 5]],
                offset: i * 6,
                index: i * 7 % 1000,
                addend: i64::from(i) * 13 % 5000 - 9,
            };
            entry.encode(&mut out);
        }
        let len = 20_000 * 6;
        for near in (1..out.len() - 1000).step_by(7) {
            let cut = entry_near(&out, near, 0..len).unwrap();
            assert!(begins.binary_search(&cut).is_ok(), "near {near}: {cut:?}");
        }
    }

    /// Whatever the bytes are, slices follow one another.
    #[test]
    fn no_bytes_lead_astray() {
        let mut state = 1u32;
        for _ in 0..50 {
            let bytes: Vec<u8> = (0..40_000)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                        & if (state >> 12).is_multiple_of(8) {
                            0xff
                        } else {
                            0x1f
                        }
                })
                .collect();
            let len = 1 << 20;
            let slices = of(&bytes, 1000, len);
            let mut at = (0, 0);
            for slice in &slices {
                assert_eq!((slice.bytes.start, slice.entries.start), at);
                at = (slice.bytes.end, slice.entries.end);
            }
            assert!(slices.is_empty() || at == (len, bytes.len()));
        }
    }
}

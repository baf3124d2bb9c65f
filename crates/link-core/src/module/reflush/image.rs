//! The bytes of an output that is changed in place, and sections in it that have room to grow.

use std::ops::Range;

use wasm_format::SectionId;
use wasm_format::leb128::{FIXED32, put_u32_fixed, write_u32_fixed};

use super::Rewritten;

/// What the custom sections are called that are nothing but room.
const PADDING: &str = "padding";
/// The size of the smallest one: its id, its size, and its name.
pub(super) const LEAST_PADDING: usize = 1 + FIXED32 + 1 + PADDING.len();

/// The output, and what its bytes were before the flush that is at work.
#[derive(Default)]
pub(super) struct Image {
    pub(super) bytes: Vec<u8>,
    undo: Vec<(usize, Vec<u8>)>,
}

impl Image {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            undo: Vec::new(),
        }
    }

    /// Changes what is at `at` to `new`. Only what differs counts as changed.
    pub(super) fn write(&mut self, at: usize, new: &[u8]) {
        let old = &mut self.bytes[at..at + new.len()];
        let Some((first, last)) = differing(old, new) else {
            return;
        };
        let old = &mut old[first..=last];
        self.undo.push((at + first, old.to_vec()));
        old.copy_from_slice(&new[first..=last]);
    }

    pub(super) fn write_u32(&mut self, at: usize, value: u32) {
        let mut bytes = [0; FIXED32];
        write_u32_fixed(&mut bytes, value);
        self.write(at, &bytes);
    }

    /// Takes all changes back.
    pub(super) fn undo(&mut self) {
        for (at, old) in self.undo.drain(..).rev() {
            self.bytes[at..at + old.len()].copy_from_slice(&old);
        }
    }

    /// Keeps all changes, and says where they are.
    pub(super) fn keep(&mut self) -> Vec<Range<usize>> {
        let changes = std::mem::take(&mut self.undo);
        let range = |(at, old): &(usize, Vec<u8>)| *at..at + old.len();
        let mut ranges: Vec<_> = changes.iter().map(range).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, previous| {
            let touches = next.start <= previous.end;
            if touches {
                previous.end = previous.end.max(next.end);
            }
            touches
        });
        // What changed twice may be as it was.
        let current = ranges
            .iter()
            .map(|range| self.bytes[range.clone()].to_vec());
        let mut before: Vec<_> = current.collect();
        for (at, old) in changes.iter().rev() {
            let nth = ranges.partition_point(|range| range.end <= *at);
            let from = at - ranges[nth].start;
            before[nth][from..from + old.len()].copy_from_slice(old);
        }
        let trim = |(range, before): (Range<usize>, Vec<u8>)| {
            let (first, last) = differing(&before, &self.bytes[range.clone()])?;
            Some(range.start + first..range.start + last + 1)
        };
        ranges.into_iter().zip(before).filter_map(trim).collect()
    }

    /// Makes a custom section of `room`, which had one that began at `old`.
    pub(super) fn pad(&mut self, room: Range<usize>, old: usize) {
        let header = padding_header(room.len());
        // What is in a padding is zero, so what was in front of the old one has to be cleared.
        let end = (old + LEAST_PADDING).min(room.end);
        let stale = end.saturating_sub(room.start + header.len());
        self.write(room.start, &[&*header, &vec![0; stale]].concat());
    }
}

/// The first and the last byte that differ.
fn differing(old: &[u8], new: &[u8]) -> Option<(usize, usize)> {
    let differs = |(old, new): (&u8, &u8)| old != new;
    let first = old.iter().zip(new).position(differs)?;
    let last = old.iter().zip(new).rposition(differs)?;
    Some((first, last))
}

/// What a padding of `len` bytes begins with, all of its headers included.
fn padding_header(len: usize) -> Vec<u8> {
    let mut header = vec![SectionId::Custom as u8];
    put_u32_fixed(&mut header, (len - 1 - FIXED32) as u32);
    header.push(PADDING.len() as u8);
    header.extend_from_slice(PADDING.as_bytes());
    header
}

/// Appends a padding with `room` bytes that can be taken of it.
pub(super) fn put_padding(out: &mut Vec<u8>, room: usize) {
    out.extend_from_slice(&padding_header(LEAST_PADDING + room));
    out.resize(out.len() + room, 0);
}

/// A vector section with a padding behind it.
pub(super) struct Growing {
    id: SectionId,
    /// Where the section begins: its id, its size, the number of its entries.
    start: usize,
    /// Where the entries end, and the padding begins.
    end: usize,
    count: u32,
    /// Where the padding ends.
    limit: usize,
    /// End and number of entries as the image has them.
    written: (usize, u32),
}

impl Growing {
    const HEADER: usize = 1 + 2 * FIXED32;

    /// Appends a section of `entries`, with `room` for more.
    pub(super) fn put(
        out: &mut Vec<u8>,
        id: SectionId,
        count: u32,
        entries: &[u8],
        room: usize,
    ) -> Self {
        let start = out.len();
        out.push(id as u8);
        put_u32_fixed(out, (FIXED32 + entries.len()) as u32);
        put_u32_fixed(out, count);
        out.extend_from_slice(entries);
        let end = out.len();
        put_padding(out, room);
        Self {
            id,
            start,
            end,
            count,
            limit: out.len(),
            written: (end, count),
        }
    }

    /// Where the entries begin.
    pub(super) fn entries(&self) -> usize {
        self.start + Self::HEADER
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Adds `count` entries at the end.
    pub(super) fn push(
        &mut self,
        image: &mut Image,
        count: u32,
        entries: &[u8],
    ) -> Result<(), Rewritten> {
        let end = self.end + entries.len();
        self.check(end)?;
        image.write(self.end, entries);
        self.end = end;
        self.count += count;
        Ok(())
    }

    /// Replaces all entries.
    pub(super) fn replace(
        &mut self,
        image: &mut Image,
        count: u32,
        entries: &[u8],
    ) -> Result<(), Rewritten> {
        let end = self.entries() + entries.len();
        self.check(end)?;
        image.write(self.entries(), entries);
        self.end = end;
        self.count = count;
        Ok(())
    }

    fn check(&self, end: usize) -> Result<(), Rewritten> {
        if end + LEAST_PADDING > self.limit {
            return Err(Rewritten::NoRoom(self.id.name()));
        }
        Ok(())
    }

    /// Brings the headers in line with the entries.
    pub(super) fn close(&mut self, image: &mut Image) {
        let now = (self.end, self.count);
        if now == self.written {
            return;
        }
        let size = self.end - self.start - 1 - FIXED32;
        image.write_u32(self.start + 1, size as u32);
        image.write_u32(self.start + 1 + FIXED32, self.count);
        image.pad(self.end..self.limit, self.written.0);
        self.written = now;
    }
}

//! Outputs that are changed in place: their bytes, sections that have room to grow, and bodies of
//! functions that have room to grow.

use std::ops::Range;

use wasm_format::leb128::{FIXED32, len_u32, put_u32, put_u32_fixed, put_u64, write_u32_fixed};
use wasm_format::names::{NameSubsectionId, Naming};
use wasm_format::{ConstExpr, ElementMode, Limits, SectionId, TableType, put_function_elements};

use crate::limits::BODY_BYTES;

/// What custom sections, functions and data segments are called that are nothing but room.
pub(crate) const PADDING: &str = "padding";
/// The size of the smallest one: its id, its size, and its name.
pub(crate) const LEAST_PADDING: usize = 1 + FIXED32 + 1 + PADDING.len();
/// `unreachable`, the body of a function that is not there.
pub(crate) const NO_BODY: [u8; 3] = [0x00, 0x00, 0x0b];
/// The most room that is left at the end of a section, in bytes. It fits in a function.
const MOST_ROOM: usize = 4 << 20;

const NOP: u8 = 0x01;
const RETURN: u8 = 0x0f;
const END: u8 = 0x0b;

/// The padding of a section is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom(pub(crate) &'static str);

/// How much room is left behind `len` bytes: one in `part`, and `least`.
pub(crate) fn room_behind(len: usize, part: usize, least: usize) -> usize {
    (len / part).min(MOST_ROOM) + least
}

/// How many bytes a body of `len` bytes is given, so that there are at least `least`.
pub(crate) fn body_capacity(len: u32, least: u32) -> u32 {
    let more = 2 + (len / 16).min(4096);
    let most = u32::try_from(BODY_BYTES).unwrap_or(u32::MAX).max(len);
    (len + more).max(least).min(most)
}

/// Extends the body in the first `len` bytes of `body` to all of it, without changing what it does.
/// The instructions that fill it never run.
pub(crate) fn fill_body(body: &mut [u8], len: usize) {
    if let Some(last) = body.len().checked_sub(1)
        && (1..=last).contains(&len)
    {
        body[len - 1] = RETURN;
        body[len..last].fill(NOP);
        body[last] = END;
    }
}

/// A body of `capacity` bytes that does what `contents` do, which are no longer.
pub(crate) fn filled_body(contents: &[u8], capacity: u32) -> Vec<u8> {
    let mut body = Vec::with_capacity(capacity as usize);
    put_filled_body(&mut body, contents, capacity);
    body
}

/// Appends what [`filled_body`] returns.
pub(crate) fn put_filled_body(out: &mut Vec<u8>, contents: &[u8], capacity: u32) {
    let start = out.len();
    out.extend_from_slice(contents);
    out.resize(start + (capacity as usize).max(contents.len()), 0);
    fill_body(&mut out[start..], contents.len());
}

/// A body that traps and has `room` bytes more than it needs.
pub(crate) fn padding_body(room: usize) -> Vec<u8> {
    let mut body = NO_BODY[..2].to_vec();
    body.resize(2 + room, NOP);
    body.push(END);
    body
}

/// What a function with that many parameters does that leaves everything to function `to`.
pub(crate) fn forwarding_body(parameters: u32, to: u32) -> Vec<u8> {
    let mut body = vec![0];
    for parameter in 0..parameters {
        body.push(0x20); // local.get
        put_u32(&mut body, parameter);
    }
    body.push(0x10); // call
    put_u32(&mut body, to);
    body.push(END);
    body
}

/// The size of [`forwarding_body`] in a module of at most twice as many functions.
pub(crate) fn forwarding_body_len(parameters: u32, functions: u32) -> u32 {
    let gets = (0..parameters).map(|parameter| 1 + len_u32(parameter) as u32);
    let call = 1 + len_u32(functions.saturating_mul(2)) as u32;
    1 + gets.sum::<u32>() + call + 1
}

/// Appends `value` in as many bytes as are asked for, which it fits in.
pub(crate) fn put_wide(out: &mut Vec<u8>, value: u32, width: usize) {
    let mut bytes = Vec::with_capacity(FIXED32);
    put_u32_fixed(&mut bytes, value);
    bytes.truncate(width);
    if let Some(last) = bytes.last_mut() {
        *last &= 0x7f;
    }
    out.extend_from_slice(&bytes);
}

/// The output, and the old bytes of the change in progress.
#[derive(Debug, Default)]
pub(crate) struct Image {
    pub(crate) bytes: Vec<u8>,
    undo: Vec<(usize, Vec<u8>)>,
}

impl Image {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            undo: Vec::new(),
        }
    }

    /// Changes what is at `at` to `new`. Only what differs counts as changed.
    pub(crate) fn write(&mut self, at: usize, new: &[u8]) {
        let old = &mut self.bytes[at..at + new.len()];
        let Some((first, last)) = differing(old, new) else {
            return;
        };
        let old = &mut old[first..=last];
        self.undo.push((at + first, old.to_vec()));
        old.copy_from_slice(&new[first..=last]);
    }

    pub(crate) fn write_u32(&mut self, at: usize, value: u32) {
        let mut bytes = [0; FIXED32];
        write_u32_fixed(&mut bytes, value);
        self.write(at, &bytes);
    }

    /// Takes all changes back.
    pub(crate) fn undo(&mut self) {
        for (at, old) in self.undo.drain(..).rev() {
            self.bytes[at..at + old.len()].copy_from_slice(&old);
        }
    }

    /// Keeps all changes, and says where they are.
    pub(crate) fn keep(&mut self) -> Vec<Range<usize>> {
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
    pub(crate) fn pad(&mut self, room: Range<usize>, old: usize) {
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
pub(crate) fn put_padding(out: &mut Vec<u8>, room: usize) {
    out.extend_from_slice(&padding_header(LEAST_PADDING + room));
    out.resize(out.len() + room, 0);
}

/// A vector section with a padding behind it.
#[derive(Debug)]
pub(crate) struct Growing {
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
    pub(crate) fn put(
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

    /// The same, `by` bytes further on.
    pub(crate) fn moved(self, by: usize) -> Self {
        Self {
            start: self.start + by,
            end: self.end + by,
            limit: self.limit + by,
            written: (self.written.0 + by, self.written.1),
            ..self
        }
    }

    /// Where the entries begin.
    pub(crate) fn entries(&self) -> usize {
        self.start + Self::HEADER
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Adds `count` entries at the end.
    pub(crate) fn push(
        &mut self,
        image: &mut Image,
        count: u32,
        entries: &[u8],
    ) -> Result<(), NoRoom> {
        let end = self.end + entries.len();
        self.check(end)?;
        image.write(self.end, entries);
        self.end = end;
        self.count += count;
        Ok(())
    }

    /// Replaces all entries.
    pub(crate) fn replace(
        &mut self,
        image: &mut Image,
        count: u32,
        entries: &[u8],
    ) -> Result<(), NoRoom> {
        let end = self.entries() + entries.len();
        self.check(end)?;
        image.write(self.entries(), entries);
        self.end = end;
        self.count = count;
        Ok(())
    }

    /// Adds the last entry once more, which has `len` bytes. The function that had it gets the next
    /// index, and what is new gets that of the function.
    pub(crate) fn repeat_last(&mut self, image: &mut Image, len: usize) -> Result<(), NoRoom> {
        let last = image.bytes[self.end - len..self.end].to_vec();
        self.push(image, 1, &last)
    }

    fn check(&self, end: usize) -> Result<(), NoRoom> {
        if end + LEAST_PADDING > self.limit {
            return Err(NoRoom(self.id.name()));
        }
        Ok(())
    }

    /// Brings the headers in line with the entries.
    pub(crate) fn close(&mut self, image: &mut Image) {
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

/// The end of a code section: the padding function, whose body is the room for others.
#[derive(Debug)]
pub(crate) struct GrowingCode {
    /// Where the contents of the section begin: the number of bodies, in five bytes.
    pub(crate) contents: usize,
    /// Where the entry of the padding function begins: the size of its body, and the body.
    end: usize,
    /// Where that ends.
    limit: usize,
}

impl GrowingCode {
    pub(crate) fn new(contents: usize, padding_function: Range<usize>) -> Self {
        Self {
            contents,
            end: padding_function.start,
            limit: padding_function.end,
        }
    }

    /// The body of the padding function, once something was added.
    pub(crate) fn padding_body(&self) -> Range<usize> {
        self.end + FIXED32..self.limit
    }

    /// Adds a body of `capacity` bytes, which traps; with it there are `count`. Returns where it
    /// begins.
    pub(crate) fn push(
        &mut self,
        image: &mut Image,
        capacity: u32,
        count: u32,
    ) -> Result<usize, NoRoom> {
        let mut entry = Vec::new();
        put_u32(&mut entry, capacity);
        let start = self.end + entry.len();
        let end = start + capacity as usize;
        if end + FIXED32 + NO_BODY.len() > self.limit {
            return Err(NoRoom(SectionId::Code.name()));
        }
        put_filled_body(&mut entry, &NO_BODY, capacity);
        image.write(self.end, &entry);
        self.end = end;
        // What is left is the padding function's.
        let padding = self.padding_body();
        image.write_u32(end, padding.len() as u32);
        image.write(padding.start, &NO_BODY[..2]);
        image.write_u32(self.contents, count);
        Ok(start)
    }
}

/// The type of a function table that may grow.
#[derive(Debug)]
pub(crate) struct GrowingTable {
    /// Where its minimum is, in five bytes.
    min: usize,
    /// Where its maximum is, in five bytes, if it is to be the same.
    max: Option<usize>,
    pub(crate) limits: Limits,
}

impl GrowingTable {
    /// Appends the type of a table. `is_fitted` says that its maximum is its minimum. `None` if
    /// the limits have more than 32 bits.
    pub(crate) fn put(out: &mut Vec<u8>, ty: &TableType, is_fitted: bool) -> Option<Self> {
        ty.element.encode(out);
        let mut flags = Vec::new();
        ty.limits.encode(&mut flags);
        out.push(*flags.first()?);
        let min = out.len();
        put_u32_fixed(out, u32::try_from(ty.limits.min).ok()?);
        let mut max = None;
        if let Some(limit) = ty.limits.max {
            if is_fitted {
                max = Some(out.len());
                put_u32_fixed(out, u32::try_from(limit).ok()?);
            } else {
                put_u64(out, limit);
            }
        }
        Some(Self {
            min,
            max,
            limits: ty.limits,
        })
    }

    /// The same, `by` bytes further on.
    pub(crate) fn moved(self, by: usize) -> Self {
        Self {
            min: self.min + by,
            max: self.max.map(|max| max + by),
            limits: self.limits,
        }
    }

    /// Puts functions into the slots from `first` on of the table, whose index is `index`. `elements`
    /// is the section of element segments.
    pub(crate) fn fill(
        &mut self,
        image: &mut Image,
        elements: &mut Growing,
        index: u32,
        first: u32,
        functions: &[u32],
    ) -> Result<(), NoRoom> {
        let mode = ElementMode::Active {
            table: index,
            offset: ConstExpr::address(first.into(), self.limits.is_64),
        };
        let mut entry = Vec::new();
        put_function_elements(&mut entry, mode, functions.iter().copied());
        elements.push(image, 1, &entry)?;
        self.grow(image, first.saturating_add(functions.len() as u32));
        Ok(())
    }

    /// Makes it large enough for `needed` elements.
    fn grow(&mut self, image: &mut Image, needed: u32) {
        if u64::from(needed) <= self.limits.min {
            return;
        }
        self.limits.min = needed.into();
        image.write_u32(self.min, needed);
        if let Some(max) = self.max {
            self.limits.max = Some(needed.into());
            image.write_u32(max, needed);
        }
    }
}

/// The end of the functions' names: the name of the padding function, which takes what is not used
/// of them.
#[derive(Debug)]
pub(crate) struct GrowingNames {
    /// Where the number of names is, in five bytes.
    count_at: usize,
    count: u32,
    /// Where the entry of the padding function begins.
    last: usize,
    /// Where that ends.
    limit: usize,
}

impl GrowingNames {
    /// Bytes of an entry without the name.
    const NUMBERS: usize = 2 * FIXED32;

    /// Appends the subsection of the functions' names to the parts of a name section: the entries of
    /// `count` functions, which are `entries`, and that of the padding function, whose index is
    /// `padding`.
    pub(crate) fn put(
        parts: &mut Vec<Vec<u8>>,
        count: u32,
        entries: Vec<Vec<u8>>,
        padding: u32,
    ) -> Self {
        let len = |parts: &[Vec<u8>]| parts.iter().map(Vec::len).sum::<usize>();
        let bytes = len(&entries);
        let room = Self::NUMBERS + room_behind(bytes, 32, 256);
        let mut header = vec![NameSubsectionId::Function as u8];
        put_u32_fixed(&mut header, (FIXED32 + bytes + room) as u32);
        let count_at = len(parts) + header.len();
        put_u32_fixed(&mut header, count + 1);
        parts.push(header);
        parts.extend(entries);
        let last = len(parts);
        let mut padding = Self::padding(padding, room);
        padding.resize(room, b' ');
        parts.push(padding);
        Self {
            count_at,
            count: count + 1,
            last,
            limit: last + room,
        }
    }

    /// The entry of the padding function, up to its name, which takes the rest of `size` bytes.
    fn padding(index: u32, size: usize) -> Vec<u8> {
        let mut entry = Vec::new();
        put_u32_fixed(&mut entry, index);
        put_u32_fixed(&mut entry, (size - Self::NUMBERS) as u32);
        entry
    }

    /// The same, `by` bytes further on.
    pub(crate) fn moved(self, by: usize) -> Self {
        Self {
            count_at: self.count_at + by,
            last: self.last + by,
            limit: self.limit + by,
            ..self
        }
    }

    /// Where the names of functions end, and other names begin.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Where the entry of the padding function begins, behind those of all others.
    pub(crate) fn end(&self) -> usize {
        self.last
    }

    /// Names function `index`, of which the padding function now is the next one.
    pub(crate) fn push(&mut self, image: &mut Image, index: u32, name: &str) -> Result<(), NoRoom> {
        let mut entry = Vec::new();
        Naming { index, name }.encode(&mut entry);
        let end = self.last + entry.len();
        if end + Self::NUMBERS > self.limit {
            return Err(NoRoom("name"));
        }
        image.write(self.last, &entry);
        image.write(end, &Self::padding(index + 1, self.limit - end));
        self.last = end;
        self.count += 1;
        image.write_u32(self.count_at, self.count);
        Ok(())
    }
}
